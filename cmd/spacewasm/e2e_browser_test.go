package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// shotsDir is where the browser's screenshots are kept: below the ignored folder bin.
const shotsDir = "../../bin/screenshots"

// browser is a page in Chromium.
type browser struct {
	t    *testing.T
	ctx  context.Context //nolint:containedctx // a page lives as long as its test
	axe  string
	mu   sync.Mutex
	said []string // what the page's console and its policy complained of
}

// browse starts Chromium. Where there is none the test is skipped, but not in CI.
func browse(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("chromium is missing: `make deps` installs it")
		}
		t.Fatal(err)
	}
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	must(t, err)
	b := &browser{t: t, axe: string(axe)}
	ctx, end := chromedp.NewContext(context.Background(), chromedp.WithListener(b.listen), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-dev-shm-usage", true)))
	t.Cleanup(end)
	b.ctx = ctx
	must(t, chromedp.Do(ctx))
	for _, err := range []error{
		call(ctx, log.Enable, cdp.Empty{}), call(ctx, runtime.Enable, cdp.Empty{}), call(ctx, page.Enable, page.EnableParams{}),
	} {
		must(t, err)
	}
	return b
}

// call sends a command whose answer nobody needs.
func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

// listen notes what the page would show a developer as wrong.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Source == "security" {
			b.said = append(b.said, e.Entry.Text+" "+e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		b.said = append(b.said, "dialog: "+e.Message)
	}
}

// complaints are what was noted since they were last asked for.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// patience is how long an action may take.
const patience = 30 * time.Second

type step = chromedp.Action[chromedp.Void]

// do runs actions, each of which has a while to succeed.
func (b *browser) do(actions ...step) {
	b.t.Helper()
	for i, action := range actions {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		err := chromedp.Do(ctx, action)
		cancel()
		b.check(err, fmt.Sprintf("step %d", i))
	}
}

// check fails the test after an error, with what the page showed.
func (b *browser) check(err error, what string) {
	b.t.Helper()
	if err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	where, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	b.t.Fatalf("%s: %v\nat %s:\n%.3000s\n%v", what, err, where, text, b.complaints())
}

// eval is the value of an expression in the page.
func eval[T any](b *browser, expression string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	return want(b, chromedp.Evaluate[T](expression, options...))
}

// want runs an action that has a value.
func want[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	b.check(err, fmt.Sprintf("%T", action))
	return value
}

// text is what a page shows in its main part.
func (b *browser) text() string {
	b.t.Helper()
	return eval[string](b, `(document.querySelector("main") || document.body).innerText`)
}

// shows waits until the page shows a text.
func (b *browser) shows(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.body && document.body.innerText.includes(%q)`, text))
}

// until waits for an expression to be true, in whatever page there is.
func (b *browser) until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		cancel()
		if err == nil && is {
			return
		}
		if time.Now().After(end) {
			b.check(fmt.Errorf("it never came to be (%w)", err), expression)
		}
	}
}

// goes waits for the next page after what an action begins.
func (b *browser) goes(action step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, action)
	b.check(err, "the next page")
}

// looks is how a page may be looked at.
var looks = []struct {
	name   string
	width  int64
	height int64
	phone  bool
	scheme string
}{
	{"desktop-light", 1280, 800, false, "light"},
	{"desktop-dark", 1280, 800, false, "dark"},
	{"phone-light", 390, 844, true, "light"},
	{"phone-dark", 390, 844, true, "dark"},
}

// shoot keeps pictures of the page, and has axe look at it in each: nothing serious may
// be wrong, nothing may be wider than the screen, and no policy may have been broken.
func (b *browser) shoot(name string) {
	b.t.Helper()
	for _, look := range looks {
		must(b.t, call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: look.width, Height: look.height, DeviceScaleFactor: 1, Mobile: look.phone,
		}))
		must(b.t, call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}))
		b.do(chromedp.Sleep(200 * time.Millisecond)) // a paint
		picture := want(b, chromedp.FullScreenshot(100))
		must(b.t, os.MkdirAll(shotsDir, 0o755))
		must(b.t, os.WriteFile(filepath.Join(shotsDir, name+"-"+look.name+".png"), picture, 0o644))
		// A phone's browser makes the window as wide as what does not fit: the screen is not.
		if wide := eval[int64](b, `document.documentElement.scrollWidth`) - look.width; wide > 0 {
			b.t.Errorf("%s, %s: the page is %d pixels wider than the screen", name, look.name, wide)
		}
		b.accessible(name + ", " + look.name)
	}
	must(b.t, call(b.ctx, emulation.ClearDeviceMetricsOverride, cdp.Empty{}))
	must(b.t, call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
	if said := b.complaints(); len(said) > 0 {
		b.t.Errorf("%s: the browser complains: %s", name, strings.Join(said, "\n"))
	}
}

// accessible has axe look at the page.
func (b *browser) accessible(what string) {
	b.t.Helper()
	if eval[string](b, `typeof axe`) != "object" {
		eval[int](b, b.axe+";0")
	}
	result := eval[string](b, `axe.run().then(r => JSON.stringify(r.violations.map(v => (
		{id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html + " " + n.failureSummary)}))))`, chromedp.EvalAwaitPromise)
	var violations []struct {
		ID, Impact, Help string
		Nodes            []string
	}
	must(b.t, json.Unmarshal([]byte(result), &violations))
	for _, v := range violations {
		if v.Impact == "serious" || v.Impact == "critical" {
			b.t.Errorf("%s: %s (%s): %s\n%s", what, v.ID, v.Impact, v.Help, strings.Join(v.Nodes[:min(len(v.Nodes), 3)], "\n"))
		} else {
			b.t.Logf("%s: %s (%s): %s %s", what, v.ID, v.Impact, v.Help, v.Nodes[0])
		}
	}
}
