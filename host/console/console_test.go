package console_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// pages are the addresses of what there is of an app "app" with a Micro "app".
func pages() []string {
	return []string{
		"/", "/list", "/find?id=x", "/apps/app", "/apps/app/micros/app", "/apps/app/micros/app/files/", "/apps/app/micros/app/files/main.wasm",
		"/apps/app/micros/app/files/main.wasm?download", "/apps/app/micros/app/live", "/nowhere", "/apps/nobody",
	}
}

// changes are the forms, each as it would do what it does.
func changes() map[string]url.Values {
	return map[string]url.Values{
		"/apps/app/rollback":           {"revision": {"1"}},
		"/apps/app/env":                {"name": {"NAME"}, "value": {"value"}},
		"/apps/app/keys":               {"name": {"key"}},
		"/apps/app/keys/delete":        {"name": {"key"}},
		"/apps/app/domains":            {"host": {"name.example"}},
		"/apps/app/domains/remove":     {"host": {"name.example"}},
		"/apps/app/actions":            {"micro": {"app"}, "id": {"x"}, "do": {"run"}},
		"/apps/app/micros/app/profile": {"seconds": {"1"}},
		"/apps/app/delete":             {"confirm": {"app"}},
	}
}

// T10, T13: the console tells nobody anything whom the gateway has not let in.
func TestNobodyComesIn(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	strange := func(method, target string) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, "http://console.example.org"+target, nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Authorization", "Bearer token")
		rec := b.ask(r)
		if rec.Code != http.StatusUnauthorized || strings.Contains(rec.Body.String(), "main.wasm") {
			t.Errorf("%s %s: got %d %s", method, target, rec.Code, rec.Body)
		}
	}
	for _, page := range pages() {
		strange(http.MethodGet, page)
	}
	for form := range changes() {
		strange(http.MethodPost, form)
	}
	strange(http.MethodPost, "/deploy")
}

// T13: an app beside the console is of the same site, and another site is not: neither
// can have the owner's browser change anything.
func TestOthersChangeNothing(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "", "Origin", "http://evil.example.org"},
		{"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		for form, values := range changes() {
			rec := b.post(form, values, headers...)
			if rec.Code != http.StatusForbidden {
				t.Errorf("%s with %v: got %d %s", form, headers, rec.Code, rec.Body)
			}
		}
		if rec := b.upload("app", "x.wasm", wasitest.Guest("echo"), headers...); rec.Code != http.StatusForbidden {
			t.Errorf("deploy with %v: got %d", headers, rec.Code)
		}
	}
	page := b.get("/apps/app")
	if b.revision("app") != 1 || strings.Contains(page, "Unset NAME") || strings.Contains(page, "Delete the key") || strings.Contains(page, "name.example") {
		t.Error("something has changed")
	}
}

// T13: what browsers are told of every answer. No script and no style stands in a page, so
// that none which gets there runs; no other page frames it, or reads it.
func TestPolicy(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	b.book.Note(keyOf(b, "app"), activity.Request{ID: "x", Time: time.Now(), Method: "GET", Path: "/", Status: 200, Start: space.StartReset, Run: 1, Fuel: 1})
	inline := regexp.MustCompile(`(?i)<script(?: [^>]*)?>[^<]|<style|\son[a-z]+=|\sstyle=|javascript:|<script>`)
	for _, page := range pages() {
		if strings.HasSuffix(page, "/live") {
			continue
		}
		rec := b.ask(b.request(http.MethodGet, page, nil))
		header := rec.Header()
		policy := header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy is %q", page, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || header.Get("X-Frame-Options") != "DENY" ||
			header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
			header.Get("Cross-Origin-Opener-Policy") != "same-origin" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %v", page, header)
		}
		for name := range header {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%s: others may read it: %s", page, name)
			}
		}
		if !strings.Contains(page, "download") {
			if found := inline.FindString(rec.Body.String()); found != "" {
				t.Errorf("%s has %q in it", page, found)
			}
		}
	}
}

func keyOf(b *bench, app space.AppName) activity.Key {
	live, release, _ := b.registry.Acquire(app)
	defer release()
	return activity.KeyOf(live.App, string(app))
}

// hostile is what must never be a part of a page.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>`

// wantText fails the test if a page has the hostile text in it other than as text.
func wantText(t *testing.T, what, page string) {
	t.Helper()
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") {
		t.Errorf("%s: it stands in the page as it is", what)
	}
	if !strings.Contains(page, "alert(1)") {
		t.Errorf("%s: it does not stand in the page at all", what)
	}
}

// What a Micro, its visitors and its author write is text: log lines, paths, methods, file
// names and contents, names in a Spacefile, the reason of a refusal.
func TestHostileTextIsText(t *testing.T) {
	b := newBench(t)
	archive := zipped(t, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - name: app\n    src: .\n    engine: wasm\n    primary: true\n    public: true\n    actions:\n" +
			"      - {id: x, name: '" + hostile + "', description: '" + hostile + "', trigger: schedule, default_interval: '0 5 * * *'}\n" +
			"    presets:\n      env:\n        - {name: NAME, description: '" + hostile + "'}\n",
		"main.wasm": string(wasitest.Guest("hello")), "<script>alert(1)<": hostile,
	})
	if rec := b.upload("app", "app.zip", archive); rec.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	now := time.Now()
	b.book.Note(keyOf(b, "app"), activity.Request{ID: "theid", Time: now, Method: hostile, Path: hostile, Status: 502, Code: space.CodeCrashed})
	err := b.logs.Append("app", logs.Entry{Time: now, Micro: "app", Request: "theid", Source: logs.SourceGuest, Message: hostile + "\x1b[31m\u202e"},
		logs.Entry{Time: now, Micro: "app", Request: hostile, Source: hostile, Code: hostile, Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	b.reported(reports.Failure{
		App: "app", Micro: "app", Revision: 1, ID: "areport", Began: now, Request: httptest.NewRequest(http.MethodGet, "/"+url.PathEscape(hostile), nil),
		Err: &space.Error{Code: space.CodeCrashed, Message: hostile, Detail: hostile, Words: []string{hostile}},
	})
	for _, page := range []string{"/apps/app", "/apps/app/micros/app", "/find?id=theid", "/find?id=areport", "/apps/app/micros/app/files/", "/apps/app/micros/app?q=" + url.QueryEscape(hostile)} {
		wantText(t, page, b.get(page))
	}
	if page := b.get("/find?id=areport"); !strings.Contains(page, "The program crashed") || !strings.Contains(page, "Where it was") {
		t.Errorf("the report is %s", page)
	}
	if page := b.get("/find?id=theid"); strings.ContainsAny(page, "\x1b\u202e") {
		t.Error("control characters of a log reach the page")
	}
	file := b.get("/apps/app/micros/app/files/" + url.PathEscape("<script>alert(1)<"))
	wantText(t, "a file", file)
	rec := b.ask(b.request(http.MethodGet, "/find?id="+url.QueryEscape(hostile), nil))
	wantText(t, "an id", rec.Body.String())
	rec = b.upload("", hostile+".txt", []byte("no module"))
	if rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("got %d", rec.Code)
	}
	wantText(t, "a refused file", rec.Body.String())
	rec = b.upload(hostile, "x.wasm", wasitest.Guest("hello"))
	wantText(t, "a refused name", rec.Body.String())
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The first page is small and quick, with all that it asks for, also where there are many
// apps; what it asks for is its own, and may be kept for ever.
func TestFirstPage(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	page := b.get("/")
	size := len(page)
	asked := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	seen := map[string]bool{}
	for _, match := range asked {
		if !strings.HasPrefix(match[1], "/assets/") || seen[match[1]] {
			if strings.Contains(match[0], "src=") && !strings.HasPrefix(match[1], "/assets/") {
				t.Errorf("the page has %s of another host", match[1])
			}
			continue
		}
		seen[match[1]] = true
		rec := b.ask(b.request(http.MethodGet, match[1], nil))
		size += rec.Body.Len()
		if rec.Code != http.StatusOK || !strings.Contains(rec.Header().Get("Cache-Control"), "immutable") || !regexp.MustCompile(`-[0-9a-f]{12}\.`).MatchString(match[1]) {
			t.Errorf("%s: got %d %v", match[1], rec.Code, rec.Header())
		}
	}
	if len(seen) < 4 || size > 100<<10 {
		t.Errorf("the first page has %d bytes, with %d files", size, len(seen))
	}
	live, release, _ := b.registry.Acquire("app")
	defer release()
	for i := range 50 { // the race detector takes ten times as long
		other := *live
		other.App.Name, other.Routes = space.AppName("app"+string(rune('a'+i%26))+string(rune('a'+i/26))), nil
		b.registry.Publish(&other)
	}
	took := time.Hour
	for range 5 { // the machine may be busy with others
		began := time.Now()
		b.get("/")
		took = min(took, time.Since(began))
	}
	t.Logf("50 apps: %v, %d bytes alone", took, size)
	if took > 50*time.Millisecond {
		t.Errorf("the first page takes %v", took)
	}
}

// A form deploys; a script that sends the same is told of the steps.
func TestDeploy(t *testing.T) {
	b := newBench(t)
	rec := b.upload("", "My Bakery.wasm", wasitest.Guest("hello"))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/apps/my-bakery?deployed" || b.revision("my-bakery") != 1 {
		t.Fatalf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	if page := b.get("/apps/my-bakery?deployed"); !strings.Contains(page, "Revision 1 is live") || !strings.Contains(page, "by admin") {
		t.Errorf("the page says %s", page)
	}
	rec = b.upload("my-bakery", "other.wasm", wasitest.Guest("echo"), "Accept", "application/x-ndjson")
	events := rec.Body.String()
	for _, part := range []string{`"event":"received"`, `"event":"compile","micro":"my-bakery","state":"begin"`, `"event":"snapshot"`, `"event":"activate"`, `"event":"done","app":{"app":"my-bakery","revision":2`} {
		if !strings.Contains(events, part) {
			t.Errorf("%s is not in %s", part, events)
		}
	}
	for what, c := range map[string]struct {
		app, name string
		content   []byte
		code      space.Code
	}{
		"no module":       {"", "x.wasm", []byte("\x00asm\x01\x00\x00\x00\xff"), space.CodeRefused},
		"no file":         {"x", "", nil, space.CodeBadRequest},
		"a reserved name": {"console", "x.wasm", wasitest.Guest("hello"), space.CodeBadRequest},
		"too large":       {"x", "x.wasm", append([]byte("\x00asm"), make([]byte, 2<<20)...), space.CodePayloadTooLarge},
	} {
		page := b.upload(c.app, c.name, c.content)
		if page.Code != c.code.Status() || !strings.Contains(page.Body.String(), "What was live before still is.") {
			t.Errorf("%s: the form gets %d %s", what, page.Code, page.Body)
		}
		said := b.upload(c.app, c.name, c.content, "Accept", "application/x-ndjson")
		if !strings.Contains(said.Body.String(), `"code":"`+string(c.code)+`"`) || strings.Contains(said.Body.String(), "<html") {
			t.Errorf("%s: the script gets %d %s", what, said.Code, said.Body)
		}
	}
	if n := len(b.registry.Apps()); n != 1 {
		t.Errorf("there are %d apps", n)
	}
}

// Settings by form, as without any script.
func TestForms(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	b.deployed("app")
	want := func(rec *httptest.ResponseRecorder, status int, text string) {
		t.Helper()
		if rec.Code != status || !strings.Contains(rec.Body.String(), text) {
			t.Errorf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
		}
	}
	want(b.post("/apps/app/rollback", url.Values{"revision": {"1"}}), http.StatusSeeOther, "")
	if b.revision("app") != 1 {
		t.Error("it was not rolled back")
	}
	want(b.post("/apps/app/rollback", url.Values{"revision": {"7"}}), http.StatusNotFound, "There is no revision 7")
	want(b.post("/apps/app/env", url.Values{"name": {"NAME"}, "value": {"the secret value"}}), http.StatusSeeOther, "")
	if page := b.get("/apps/app"); !strings.Contains(page, "Unset NAME") || strings.Contains(page, "the secret value") {
		t.Error("the variable is not there, or its value is")
	}
	want(b.post("/apps/app/env", url.Values{"name": {"DETA_X"}, "value": {"v"}}), http.StatusUnprocessableEntity, "DETA_X")
	want(b.post("/apps/app/env", url.Values{"name": {"NAME"}, "unset": {"1"}}), http.StatusSeeOther, "")
	made := b.post("/apps/app/keys", url.Values{"name": {"partner"}})
	want(made, http.StatusOK, "shown this once")
	key := regexp.MustCompile(`swk_[A-Z0-9]+`).FindString(made.Body.String())
	if key == "" || strings.Contains(b.get("/apps/app"), key) || made.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the key %q is not shown once", key)
	}
	want(b.post("/apps/app/keys/delete", url.Values{"name": {"partner"}}), http.StatusSeeOther, "")
	want(b.post("/apps/app/delete", url.Values{"confirm": {"apple"}}), http.StatusBadRequest, "Nothing was deleted")
	want(b.post("/apps/app/delete", url.Values{"confirm": {"app"}}), http.StatusSeeOther, "")
	want(b.ask(b.request(http.MethodGet, "/apps/app", nil)), http.StatusNotFound, "There is no app")
	want(b.ask(b.request(http.MethodPut, "/", nil)), http.StatusMethodNotAllowed, "PUT is not possible")
}

// What an app does shows in its state: it fails while its newest request has failed, and
// what an older revision did is forgiven.
func TestHealth(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	state := func(want string) {
		t.Helper()
		page := b.get("/list")
		if found := regexp.MustCompile(`is-[a-z]+`).FindString(page); found != "is-"+want {
			t.Errorf("the app is %s, want %s", found, want)
		}
	}
	state("running")
	note := func(status, revision int) {
		b.book.Note(keyOf(b, "app"), activity.Request{Time: time.Now(), Status: status, Revision: revision})
	}
	note(502, 1)
	state("failing")
	note(404, 1)
	state("running")
	note(502, 1)
	b.deployed("app")
	state("running")
	live, release, _ := b.registry.Acquire("app")
	release()
	if !live.Routes[0].Server.(interface{ Sleep() bool }).Sleep() {
		t.Fatal("it does not sleep")
	}
	state("asleep")
	if page := b.get("/list"); !strings.Contains(page, "3 requests") || !strings.Contains(page, "2 errors") {
		t.Errorf("the hour is %s", page)
	}
}

// A file is shown as text or not at all, is saved and never opened as a page, and nothing
// outside the Micro's files can be asked for.
func TestFiles(t *testing.T) {
	b := newBench(t)
	b.upload("app", "app.zip", zipped(t, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - {name: app, src: ., engine: wasm, primary: true, public: true}\n",
		"main.wasm": string(wasitest.Guest("hello")), "page.html": "<script>alert(1)</script>", "long.txt": strings.Repeat("é", 40<<10), "a b/c?d.txt": "deep",
	}))
	const files = "/apps/app/micros/app/files/"
	list := b.get(files)
	for _, part := range []string{"main.wasm", "page.html", files + "a%20b"} {
		if !strings.Contains(list, part) {
			t.Errorf("%s is not in the list", part)
		}
	}
	if page := b.get(files + "a%20b/c%3Fd.txt"); !strings.Contains(page, "deep") {
		t.Error("the deep file is not shown")
	}
	if page := b.get(files + "long.txt"); !strings.Contains(page, "Only the beginning") || strings.Contains(page, "\uFFFD") {
		t.Error("the long file is not cut, or within a character")
	}
	if page := b.get(files + "main.wasm"); !strings.Contains(page, "This is no text") {
		t.Error("the module is shown as text")
	}
	rec := b.ask(b.request(http.MethodGet, files+"page.html?download", nil))
	header := rec.Header()
	if rec.Body.String() != "<script>alert(1)</script>" || header.Get("Content-Type") != "application/octet-stream" || header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(header.Get("Content-Disposition"), "attachment") || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("got %v %s", header, rec.Body)
	}
	for _, outside := range []string{"..%2F..%2Fspacewasm.db", "%2e%2e/%2e%2e/token", "/etc/passwd", "nothing"} {
		if rec := b.ask(b.request(http.MethodGet, files+outside, nil)); rec.Code == http.StatusOK || strings.Contains(rec.Body.String(), "root:") {
			t.Errorf("%s: got %d %s", outside, rec.Code, rec.Body)
		}
	}
}

// Paths that the API has answer nothing here, and each page has one heading and a title.
func TestPages(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	var titles []string
	for _, page := range []string{"/", "/apps/app", "/apps/app/micros/app", "/apps/app/micros/app/files/"} {
		text := b.get(page)
		if strings.Count(text, "<h1") != 1 {
			t.Errorf("%s has %d headings", page, strings.Count(text, "<h1"))
		}
		titles = append(titles, regexp.MustCompile(`<title>.*</title>`).FindString(text))
	}
	if len(slices.Compact(titles)) != 4 {
		t.Errorf("the titles are %q", titles)
	}
	if rec := b.ask(b.request(http.MethodGet, "/api/v1/apps", nil)); rec.Code != http.StatusNotFound {
		t.Errorf("the API answers on the console's host: %d", rec.Code)
	}
}

// A profile tells that nothing ran, and takes no longer than it may.
func TestProfilePage(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	rec := b.post("/apps/app/micros/app/profile", url.Values{"seconds": {"1"}})
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "Nothing ran") {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	for _, seconds := range []string{"", "0", "61", "x"} {
		if rec := b.post("/apps/app/micros/app/profile", url.Values{"seconds": {seconds}}); rec.Code != http.StatusBadRequest {
			t.Errorf("%q seconds: got %d", seconds, rec.Code)
		}
	}
}
