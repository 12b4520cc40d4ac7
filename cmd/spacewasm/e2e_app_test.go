package main_test

import (
	"strings"
	"testing"
	"time"
)

const wholeApp = `v: 0
micros:
  - name: web
    src: web
    engine: svelte
    serve: site
    fallback: index.html
    primary: true
    public: true
  - name: api
    src: api
    engine: custom
    run: main.wasm
    public_routes: [/open/*]
    presets: {api_keys: true}
  - name: fresh
    src: count
    engine: wasm
    public: true
  - name: kept
    src: count
    engine: wasm
    isolation: instance
    public: true
  - name: spin
    src: spin
    engine: wasm
    path: slow/spin
    limits: {timeout: 300ms, memory: 64MiB, concurrency: 1}
    public: true
`

func wholeAppFiles() map[string]string {
	return map[string]string{
		"Spacefile": wholeApp, "web/site/index.html": "<h1>front</h1>", "web/site/app.js": strings.Repeat("export let x = 1;\n", 200),
		"web/secret.txt": "not served", "api/main.wasm": string(guest("echo")), "count/main.wasm": string(guest("count")), "spin/main.wasm": string(guest("spin")),
	}
}

// Five Micros of several engines are one app: files beside modules, each with its own rules.
func TestE2EApp(t *testing.T) {
	s := serve(t)
	s.pushed("whole", "application/zip", zipped(t, wholeAppFiles()))
	for _, c := range []struct {
		path    string
		headers []string
		status  int
		body    string
	}{
		{"/", nil, 200, "<h1>front</h1>"},
		{"/app.js", nil, 200, "export let"},
		{"/../secret.txt", nil, 404, ""},
		{"/some/view", []string{"Accept", "text/html"}, 200, "<h1>front</h1>"},
		{"/some/view", nil, 404, ""},
		{"/api/open/x", nil, 200, ""},
		{"/api/x", nil, 401, ""},
		{"/slow/spin", nil, 504, "300ms"},
		{"/fresh", nil, 200, ""},
	} {
		got := s.get("whole", c.path, c.headers...)
		if got.status != c.status || !strings.Contains(got.body, c.body) {
			t.Errorf("%s: got %d %.200s", c.path, got.status, got.body)
		}
	}
	if got := s.get("whole", "/app.js", "Accept-Encoding", "gzip"); got.header.Get("Content-Encoding") != "gzip" || got.header.Get("Etag") == "" {
		t.Errorf("got %v", got.header)
	}
	began := time.Now()
	s.get("whole", "/slow/spin")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("its own timeout of 300ms took %v", took)
	}
	// Isolation: a fresh count each time, or one that goes on.
	if a, b := s.get("whole", "/fresh"), s.get("whole", "/fresh"); a.body != b.body {
		t.Errorf("requests find what others left: %q, then %q", a.body, b.body)
	}
	if a, b := s.get("whole", "/kept"), s.get("whole", "/kept"); a.body == b.body {
		t.Errorf("the memory is not kept: %q twice", a.body)
	}
	// All of it is there after a restart, asleep.
	data := s.data
	s.stop()
	s = serveData(t, data)
	s.prepared("whole") // as its address has another port
	if got := s.get("whole", "/"); got.body != "<h1>front</h1>" {
		t.Errorf("after a restart: %d %s", got.status, got.body)
	}
	if got := s.get("whole", "/slow/spin"); got.status != 504 {
		t.Errorf("after a restart: %d %s", got.status, got.body)
	}
}
