package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A browser at work: log in, drop a module, watch it go live, break it, read its error,
// roll back, follow its log, run an action. Each page is looked at by axe, and kept as a
// picture, at the width of a desktop and of a phone, light and dark.
func TestE2EConsole(t *testing.T) {
	b := browse(t)
	s := serve(t)
	t.Run("log in", func(t *testing.T) { b.in(t).logIn(s) })
	t.Run("deploy", func(t *testing.T) { b.in(t).deploys(s) })
	t.Run("refused", func(t *testing.T) { b.in(t).dropsNonsense() })
	t.Run("break", func(t *testing.T) { b.in(t).breaks(s) })
	t.Run("follow", func(t *testing.T) { b.in(t).follows(s) })
	t.Run("profile", func(t *testing.T) { b.in(t).profiles(s) })
	t.Run("cold start", func(t *testing.T) { b.in(t).measures(s) })
	t.Run("roll back", func(t *testing.T) { b.in(t).rollsBack(s) })
	t.Run("settings", func(t *testing.T) { b.in(t).sets(s) })
	t.Run("action", func(t *testing.T) { b.in(t).runsAction(s) })
	t.Run("files", func(t *testing.T) { b.in(t).looksAtFiles(s) })
	t.Run("delete", func(t *testing.T) { b.in(t).deletes(s) })
	t.Run("log out", func(t *testing.T) { b.in(t).logsOut(s) })
	t.Logf("screenshots: %s", shotsDir)
}

// in returns the browser for a part of its test.
func (b *browser) in(t *testing.T) *browser {
	b.t = t
	return b
}

func (b *browser) logIn(s *server) {
	b.do(chromedp.Navigate(s.url))
	b.shows("Admin token")
	b.shoot("login")
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), "a guess"))
	b.goes(chromedp.Click(chromedp.CSS("main button")))
	b.shows("not an admin token")
	b.complaints() // of the 401
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), s.token))
	b.goes(chromedp.Click(chromedp.CSS("main button")))
	b.shows("Nothing is live yet")
	if where := want(b, chromedp.Location()); where != "http://console.localhost:"+s.port+"/" {
		b.t.Errorf("the console is at %s", where)
	}
	b.shoot("empty")
}

// deploys sends a module by the form, whose name is that of its file.
func (b *browser) deploys(s *server) {
	module, err := os.ReadFile(probe(b.t))
	must(b.t, err)
	file := filepath.Join(b.t.TempDir(), "bakery.wasm")
	must(b.t, os.WriteFile(file, module, 0o600))
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#drop-file"), []string{file}), chromedp.Click(chromedp.CSS("#deploy button")))
	b.shows("Live at")
	b.shows("revision 1")
	b.shoot("deployed")
	if got := s.ok("bakery", "/"); !strings.Contains(got, "host bakery.") {
		b.t.Errorf("the app answers %q", got)
	}
	b.shows("1 request") // the list is kept fresh by itself
}

// dropsNonsense drops a file that is no module, as a hand does: what was live stays.
func (b *browser) dropsNonsense() {
	eval[bool](b, `(() => {
		const dt = new DataTransfer();
		dt.items.add(new File(["<script>alert(1)</script>"], "<img src=x onerror=alert(1)>.wasm"));
		return dispatchEvent(new DragEvent("drop", {dataTransfer: dt, bubbles: true, cancelable: true}));
	})()`)
	b.shows("What was live before still is.")
	b.shows("onerror=alert(1)")
	b.complaints() // of the 422
	b.shoot("refused")
}

// breaks has the app fail, and finds out why by the id that its visitor saw.
func (b *browser) breaks(s *server) {
	for range 20 {
		s.ok("bakery", "/")
	}
	broken := s.get("bakery", "/panic")
	broken.is(b.t, http.StatusBadGateway, "exited")
	id := broken.header.Get("X-Space-Request-Id")
	s.until("there is a report", func() bool { return strings.Contains(s.failures("bakery"), id) })
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/"))
	b.shows("Failing")
	b.shows("1 error")
	b.shoot("apps")
	b.do(chromedp.SendKeys(chromedp.CSS("#find"), id))
	b.goes(chromedp.Click(chromedp.CSS(".find button")))
	b.shows("The program ended with an error of its own")
	b.shows("of 20.0 s") // the limit
	b.shows("What the visitor sent")
	b.shows("/panic")
	b.shows("secret of panic") // the program's own line
	b.shows("on purpose")
	b.shoot("error")
}

// follows sees requests and lines of the log as they come, and what is hostile in them as
// text.
func (b *browser) follows(s *server) {
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/bakery/micros/bakery"))
	b.shows("secret of panic")
	b.until(`document.querySelector("[data-state]").textContent === "live"`)
	const hostile = `<img src=x onerror=alert(1)><script>alert(2)</script>`
	s.ok("bakery", "/log?line=%3Cimg%20src=x%20onerror=alert(1)%3E%3Cscript%3Ealert(2)%3C/script%3E")
	b.shows(hostile)
	s.ok("bakery", "/%3Cb%3Ebold")
	b.shows("/<b>bold")
	b.shoot("micro")
	b.do(chromedp.SetValue(chromedp.CSS("#log-q"), "ON PURPOSE"))
	b.goes(chromedp.Click(chromedp.CSS("#log ~ form button")))
	b.shows("on purpose")
	if text := b.text(); strings.Contains(text, "secret of panic") {
		b.t.Error("the filter lets a line pass that does not match")
	}
	if injected := eval[int](b, `document.querySelectorAll("main img, main script").length`); injected > 0 {
		b.t.Errorf("%d elements came from a log", injected)
	}
}

// profiles samples the Micro while it answers, and sees its functions.
func (b *browser) profiles(s *server) {
	b.do(chromedp.Navigate("http://console.localhost:"+s.port+"/apps/bakery/micros/bakery"), chromedp.SetValue(chromedp.CSS("#seconds"), "3"))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = s.try(s.request(http.MethodGet, "bakery", "/env", nil))
			}
		}
	}()
	b.goes(chromedp.Submit(chromedp.CSS("#seconds")))
	close(stop)
	<-stopped
	b.shows("What took most by itself")
	b.shows("runtime.")
	b.shoot("profile")
}

// measures how the Micro begins, twice, and sees both.
func (b *browser) measures(s *server) {
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/bakery/micros/bakery"))
	b.goes(chromedp.Click(`//a[text()="Measure it"]`))
	b.shows("Nothing has been measured of it yet")
	for i, then := range []string{"From its bytes to an answer", "Medians. Machines are shared"} {
		b.goes(chromedp.Click(chromedp.CSS("#cold button")))
		b.until(`document.querySelector("#cold progress")`)
		if i == 0 {
			b.shoot("measuring")
		}
		b.until(`!document.querySelector("#cold progress")`)
		b.shows(then)
	}
	b.until(`document.querySelector("#cold polyline")`)
	b.shoot("coldstart")
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/bakery/micros/bakery"))
	b.shows("It wakes from deep sleep in")
	if got := s.ok("bakery", "/"); !strings.Contains(got, "host bakery.") {
		b.t.Errorf("afterwards the app answers %q", got)
	}
}

// rollsBack pushes another revision, and goes back with one click.
func (b *browser) rollsBack(s *server) {
	s.pushed("bakery", "application/wasm", guest("hello"))
	if got := s.ok("bakery", "/"); got != "hello\n" {
		b.t.Fatalf("revision 2 answers %q", got)
	}
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/bakery"))
	b.shoot("app")
	b.goes(chromedp.Click(chromedp.CSS(`button[aria-label="Roll back to revision 1"]`)))
	b.until("document.querySelector('button[aria-label=\"Roll back to revision 2\"]')")
	if got := s.ok("bakery", "/"); !strings.Contains(got, "host bakery.") {
		b.t.Errorf("after the rollback the app answers %q", got)
	}
}

// sets a variable, whose value is shown nowhere, and makes a key, whose value is shown
// once.
func (b *browser) sets(s *server) {
	b.do(chromedp.SendKeys(chromedp.CSS("#env-name"), "GREETING"), chromedp.SendKeys(chromedp.CSS("#env-value"), "a word of its own"))
	b.goes(chromedp.Submit(chromedp.CSS("#env-name")))
	b.shows("GREETING")
	if !strings.Contains(s.ok("bakery", "/env"), "GREETING=a word of its own") {
		b.t.Error("the variable does not reach the app")
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#key-name"), "partner"))
	b.goes(chromedp.Submit(chromedp.CSS("#key-name")))
	b.shows("shown this once")
	key := eval[string](b, `document.querySelector(".secret").innerText`)
	if !strings.HasPrefix(key, "swk_") {
		b.t.Errorf("the key is %q", key)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#domain-host"), "Bakery.Example"))
	b.goes(chromedp.Submit(chromedp.CSS("#domain-host")))
	b.shows("bakery.example")
	if a := s.at("bakery.example", "/env"); a.status != http.StatusOK {
		b.t.Errorf("at its domain the app answers %d", a.status)
	}
	b.shoot("settings")
	b.goes(chromedp.Click(chromedp.CSS(`button[aria-label="Remove the domain bakery.example"]`)))
	s.at("bakery.example", "/env").is(b.t, http.StatusMisdirectedRequest, "misdirected")
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/bakery"))
	b.shows("GREETING")
	page := eval[string](b, `document.documentElement.outerHTML`)
	for _, secret := range []string{key, "a word of its own"} {
		if strings.Contains(page, secret) {
			b.t.Errorf("the page shows %q again", secret)
		}
	}
	b.goes(chromedp.Click(chromedp.CSS(`button[aria-label="Unset GREETING"]`)))
	if strings.Contains(s.ok("bakery", "/env"), "GREETING") {
		b.t.Error("the variable is still set")
	}
}

// runsAction runs a Scheduled Action now.
func (b *browser) runsAction(s *server) {
	module, err := os.ReadFile(probe(b.t))
	must(b.t, err)
	s.pushed("garden", "application/zip", zipped(b.t, map[string]string{
		"Spacefile": `v: 0
micros:
  - name: web
    src: .
    engine: wasm
    primary: true
    public: true
    actions:
      - {id: water, name: Water the plants, description: "Before the sun is up, <i>every</i> day", trigger: schedule, default_interval: "0 5 * * *"}
`, "main.wasm": string(module), "notes/<b>.txt": "roses & <script>alert(3)</script>\n",
	}))
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/garden"))
	b.shows("it has not run")
	b.goes(chromedp.Click(chromedp.CSS(`button[aria-label="Run now: Water the plants"]`)))
	b.shows("ended: ok")
	b.shoot("action")
}

// looksAtFiles reads what the Micro sees.
func (b *browser) looksAtFiles(s *server) {
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/garden/micros/web/files/"))
	b.shows("main.wasm")
	b.shoot("files")
	b.goes(chromedp.Click(`//a[text()="notes/"]`))
	b.goes(chromedp.Click(`//a[text()="<b>.txt"]`))
	b.shows("roses & <script>alert(3)</script>")
	b.shoot("file")
}

func (b *browser) deletes(s *server) {
	b.do(chromedp.Navigate("http://console.localhost:"+s.port+"/apps/garden"),
		chromedp.Click(chromedp.CSS(".danger summary")), chromedp.SendKeys(chromedp.CSS("#confirm"), "garden"))
	b.goes(chromedp.Submit(chromedp.CSS("#confirm")))
	b.shows("1 app on this server")
	s.get("garden", "/").is(b.t, http.StatusNotFound, "not_found")
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/apps/garden"))
	b.shows("There is no app")
	b.complaints() // of the 404
	b.shoot("missing")
}

// logsOut ends the session: the way back is through the login.
func (b *browser) logsOut(s *server) {
	b.goes(chromedp.Click(chromedp.CSS(".out button")))
	b.do(chromedp.Navigate("http://console.localhost:" + s.port + "/"))
	b.shows("Admin token")
}

// failures is the list of an app's, as its owner reads it.
func (s *server) failures(app string) string {
	stdout, _ := s.console(0, "reports", app)
	return stdout
}
