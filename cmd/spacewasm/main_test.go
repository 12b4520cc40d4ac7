package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// console is a cli of its own: no terminal, no environment, no settings.
type console struct {
	*cli
	out, err bytes.Buffer
	env      map[string]string
	config   string
}

func newConsole(t *testing.T) *console {
	t.Helper()
	k := &console{env: map[string]string{}, config: t.TempDir()}
	k.cli = &cli{
		in: strings.NewReader(""), out: &k.out, err: &k.err,
		lookupEnv: func(name string) (string, bool) { v, ok := k.env[name]; return v, ok },
		configDir: func() (string, error) { return k.config, nil },
	}
	return k
}

// run runs a command line and fails the test if it does not end with status.
func (k *console) run(t *testing.T, status int, args ...string) {
	t.Helper()
	k.out.Reset()
	k.err.Reset()
	k.running, k.token, k.tokenFromEnv = false, "", ""
	if got := run(t.Context(), args, k.cli); got != status {
		t.Fatalf("%q ended with %d, want %d\n%s", args, got, status, k.err.String())
	}
}

// wants fails the test if text does not hold all of parts.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

// fakeServer answers the admin API from memory, for the token "secret".
type fakeServer struct {
	URL string
	// pushed is the body of the last push, and kind its type.
	pushed []byte
	kind   string
	app    wire.App
	pushes int
	// old makes it one that knows of no steps and references.
	old bool
	// holds are the files that the app has, and dropped says that it soon has none.
	holds   map[string]bool
	dropped bool
}

func newFakeServer(t *testing.T) *fakeServer {
	t.Helper()
	f := &fakeServer{app: wire.App{
		App: "hello", Revision: 7, URL: "http://hello.localhost:4200/", Created: time.Now().Add(-3 * time.Hour),
		Micros: []wire.Micro{{
			Name: "web", Path: "/", Contract: "cgi", WasmBytes: 5_700_000, CompileMS: 2200,
			Snapshot: wire.Snapshot{Reason: "a cgi module"},
		}},
	}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := space.Errorf(space.CodeNotFound, "there is no app")
	switch {
	case r.Header.Get("Authorization") != "Bearer secret":
		e = space.Errorf(space.CodeUnauthorized, "the token is wrong")
	case r.URL.Path == "/api/v1/apps":
		f.answer(w, wire.Apps{Apps: []wire.App{f.app}})
		return
	case r.URL.Path == "/api/v1/apps/hello/logs":
		w.Header().Set("Content-Type", "application/x-ndjson")
		io.WriteString(w, `{"time":"2026-01-02T03:04:05Z","micro":"web","request":"r1","source":"platform","code":"crashed","message":"a\u001b[31m\nb\n"}`+"\n")
		return
	case r.URL.Path == "/api/v1/apps/hello/reports":
		io.WriteString(f.json(w), `{"reports":[{"id":"r1","at":"2026-01-02T03:04:05Z","micro":"web","revision":3,"code":"crashed","status":502,"title":"the program crashed","message":"un\u001b[31mreachable","similar":4}],"counts":[{"code":"node_full","count":9,"latest":"2026-01-02T03:04:05Z"}]}`)
		return
	case r.URL.Path == "/api/v1/apps/hello/reports/r1":
		io.WriteString(f.json(w), `{"id":"r1","at":"2026-01-02T03:04:05Z","micro":"web","revision":3,"code":"crashed","status":502,"title":"the program crashed","message":"unreachable",
			"similar":4,"latest":"2026-01-02T03:04:05Z","start":"clone","took_ms":1.25,"committed":true,"time_ms":{"used":1500,"limit":20000},"memory_bytes":{"used":1048576,"limit":536870912},"fuel":{"used":77},
			"stack":["main.f()"],"log":["a\u001b[31m","b"],"request":{"method":"GET","target":"/x","proto":"HTTP/1.1","headers":[{"name":"Cookie","value":"[masked]"}]}}`)
		return
	case r.URL.Path == "/api/v1/apps/hello/missing" && !f.old:
		var asked wire.Files
		json.NewDecoder(r.Body).Decode(&asked)
		missing := wire.Missing{Missing: []string{}}
		for _, file := range asked.Files {
			if !f.holds[file.SHA256] {
				missing.Missing = append(missing.Missing, file.SHA256)
			}
		}
		f.answer(w, missing)
		return
	case r.URL.Path == "/api/v1/apps/hello" && r.Method == http.MethodPut && f.dropped:
		f.dropped, f.holds = false, nil
		io.Copy(io.Discard, r.Body)
		e = space.Errorf(space.CodeNotHeld, "it was not sent")
	case strings.HasSuffix(r.URL.Path, "/actions"):
		f.answer(w, wire.Actions{})
		return
	case r.URL.Path != "/api/v1/apps/hello":
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		f.pushed, _ = io.ReadAll(r.Body)
		f.kind = r.Header.Get("Content-Type")
		f.pushes++
		if !f.old && strings.HasPrefix(r.Header.Get("Accept"), "application/x-ndjson") {
			f.stream(w)
			return
		}
		f.answer(w, f.app)
		return
	}
	p := e.Problem("e-1")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// json is for an answer that is JSON.
func (f *fakeServer) json(w http.ResponseWriter) io.Writer {
	w.Header().Set("Content-Type", "application/json")
	return w
}

// stream answers a push with its steps.
func (f *fakeServer) stream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for _, e := range []wire.Event{
		{Event: wire.EventReceived, Bytes: 1},
		{Event: wire.EventCompile, Micro: "web", State: wire.StateBegin},
		{Event: wire.EventHeartbeat},
		{Event: wire.EventCompile, Micro: "web", State: wire.StateDone, MS: 2123},
		{Event: "of a newer server"},
		{Event: wire.EventSnapshot, Micro: "web", State: wire.StateBegin},
		{Event: wire.EventSnapshot, Micro: "web", State: wire.StateDone, Bytes: 3_200_000},
		{Event: wire.EventActivate},
		{Event: wire.EventDone, App: &f.app},
	} {
		encoder.Encode(e)
	}
}

func (f *fakeServer) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// tree writes files below a new folder; a name that ends with / is a folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
