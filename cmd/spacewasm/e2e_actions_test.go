package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ran is what the API tells of a run.
type ran struct {
	Micro, Action, Trigger, State, Code, Request string
	Status                                       int
	Fuel                                         uint64
	Log                                          []string
}

// withDigest has the example digest live.
func (s *server) withDigest() *server {
	s.t.Helper()
	module := read(s.t, buildMicro(s.t, "digest.wasm", "../../examples/digest", asHandler))
	spacefile := read(s.t, filepath.Join("..", "..", "examples", "digest", "Spacefile"))
	s.pushed("digest", "application/zip", zipped(s.t, map[string]string{"Spacefile": string(spacefile), "main.wasm": string(module)}))
	return s
}

// history is what `actions history --json` prints.
func (s *server) history(app string) []ran {
	s.t.Helper()
	out, _ := s.console(0, "actions", "history", app, "--json")
	var answer struct{ Runs []ran }
	must(s.t, json.Unmarshal([]byte(out), &answer))
	return answer.Runs
}

// An action's owner sees it, runs it, pauses it, gives it another interval and reads what
// became of it; a restart forgets nothing of that.
func TestE2EActions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := serveData(t, dir).withDigest()
	out, _ := s.console(0, "actions", "digest")
	contains(t, out, "digest/tick", "1 minute", "from now")
	out, _ = s.console(0, "actions", "digest", "--next", "10")
	if lines := strings.Count(out, "digest/tick"); lines != 10 {
		t.Errorf("it shows %d coming times:\n%s", lines, out)
	}

	out, _ = s.console(0, "actions", "run", "digest", "tick")
	contains(t, out, "ok (200)", "the digest of")
	newest := s.history("digest")[0]
	if newest.Trigger != "manual" || newest.State != "ok" || newest.Fuel == 0 || len(newest.Log) != 1 || !strings.Contains(newest.Log[0], "attempt 1") {
		t.Errorf("the history has %+v", newest)
	}
	out, _ = s.console(0, "actions", "history", "digest", "digest/tick")
	contains(t, out, "(by hand)", "ok (200)", "digest of")

	s.console(0, "actions", "pause", "digest", "digest/tick")
	s.console(0, "actions", "interval", "digest", "tick", "0 9 * * mon-fri")
	_, why := s.console(2, "actions", "interval", "digest", "tick", "5 minute")
	contains(t, why, "5 minute")
	_, why = s.console(1, "actions", "run", "digest", "tock")
	contains(t, why, `no action "tock"`)
	s.kill()
	s = serveData(t, dir)
	out, _ = s.console(0, "actions", "digest")
	contains(t, out, "0 9 * * mon-fri", "paused")
	out, _ = s.console(0, "actions", "resume", "digest", "tick")
	contains(t, out, "from now")
	s.console(0, "actions", "interval", "digest", "tick", "--default")
	out, _ = s.console(0, "actions", "digest")
	contains(t, out, "1 minute")
	if len(s.history("digest")) == 0 {
		t.Error("the restart has lost the history")
	}
	s.console(0, "rm", "digest", "--yes")
	s.withDigest()
	for _, run := range s.history("digest") {
		if run.Trigger == "manual" {
			t.Errorf("an app that was removed has left %+v", run)
		}
	}
}

// A call that fails has a line among the requests and a report, under the id that the history has.
func TestE2EActionsAreReported(t *testing.T) {
	s := serve(t)
	spacefile := "v: 0\nmicros:\n  - name: web\n    src: .\n    engine: wasm\n    actions:\n" +
		"      - {id: boom, name: Boom, trigger: schedule, default_interval: 1 day, path: /panic}\n"
	s.pushed("app", "application/zip", zipped(t, map[string]string{"Spacefile": spacefile, "main.wasm": string(read(t, probe(t)))}))
	_, why := s.console(1, "actions", "run", "app", "boom")
	id := s.history("app")[0].Request
	contains(t, why, "spacewasm reports app "+id)
	if r := s.report("app", id); r.Code != "exited" || r.Micro != "web" || r.Request.Method != http.MethodPost || r.Request.Target != "/panic" ||
		!strings.Contains(strings.Join(r.Log, "\n"), "panic: on purpose") {
		t.Errorf("the report is %+v", r)
	}
	s.until("its line among the requests", func() bool {
		out, _ := s.console(0, "logs", "app", "--requests", "--request", id)
		return strings.Contains(out, "POST /panic 502") && strings.Contains(out, "trigger manual")
	})
	out, _ := s.console(0, "actions", "history", "app", "boom")
	contains(t, out, "REQUEST", id, "failed (exited)")
	_, said := s.console(1, "actions", "history", "app", "bom")
	contains(t, said, `has no action "bom"`)
}

// T15: nobody from outside calls an action, or passes for the platform; its page may know
// what became of it.
func TestE2EActionsFromOutside(t *testing.T) {
	s := serve(t).withDigest()
	const event = `{"event":{"id":"tick","trigger":"schedule"}}`
	post := func(headers ...string) answer {
		return s.do(s.request(http.MethodPost, "digest", "/__space/v0/actions", strings.NewReader(event),
			append([]string{"Content-Type", "application/json", "X-Space-Action-Fire-Time", "forged"}, headers...)...))
	}
	if a := post(); a.status != http.StatusForbidden {
		t.Errorf("a visitor's call is answered with %d %s", a.status, a.body)
	}
	if a := post("Authorization", "Bearer "+s.token); a.status != http.StatusOK || strings.Contains(a.body, "forged") {
		t.Errorf("the owner's is answered with %d %s", a.status, a.body)
	}
	s.console(0, "actions", "run", "digest", "tick")
	contains(t, s.ok("digest", "/"), "/__space/v0/actions/runs")
	a := s.get("digest", "/__space/v0/actions/runs")
	var answer struct{ Runs []map[string]any }
	must(t, json.Unmarshal([]byte(a.body), &answer))
	if a.status != http.StatusOK || len(answer.Runs) == 0 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	for _, secret := range []string{"request", "log", "fuel", "code"} {
		if _, told := answer.Runs[0][secret]; told {
			t.Errorf("visitors are told the %s: %v", secret, answer.Runs[0])
		}
	}
	if got := fmt.Sprint(answer.Runs[0]["action"], answer.Runs[0]["state"]); !strings.Contains(got, "tick") {
		t.Errorf("got %s", got)
	}
}

// A private Micro's action runs by the platform alone. What ran when the server was killed
// is interrupted, and the history is in a backup.
func TestE2EActionsSurvive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := serveData(t, dir, "--timeout", "60s")
	spacefile := "v: 0\nmicros:\n  - name: web\n    src: .\n    engine: wasm\n    actions:\n" +
		"      - {id: spin, name: Spin, trigger: schedule, default_interval: 1 day, path: /spin}\n" +
		"      - {id: env, name: Env, trigger: schedule, default_interval: 1 day, path: /env}\n"
	s.pushed("app", "application/zip", zipped(t, map[string]string{"Spacefile": spacefile, "main.wasm": string(read(t, probe(t)))}))
	for _, path := range []string{"/", "/env", "/spin"} {
		if a := s.get("app", path); a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
			t.Errorf("%s: a visitor gets %d", path, a.status)
		}
	}
	out, _ := s.console(0, "actions", "run", "app", "web/env")
	contains(t, out, "ok (200)", "HTTP_X_SPACE_ACTION_TRIGGER=manual")

	begun := make(chan struct{})
	req := s.request(http.MethodPost, "", "/api/v1/apps/app/actions/web/spin/run", nil, "Authorization", "Bearer "+s.token)
	go func() {
		defer close(begun)
		_, _ = s.try(req) // which the kill ends
	}()
	running := func() string { return s.history("app")[0].State }
	for tries := 0; running() != "running"; tries++ {
		if tries > 200 {
			t.Fatalf("it does not begin: %+v", s.history("app"))
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.kill()
	<-begun
	s = serveData(t, dir)
	want := func(s *server) {
		t.Helper()
		if runs := s.history("app"); len(runs) != 2 || runs[0].State != "interrupted" || runs[0].Action != "spin" || runs[1].State != "ok" {
			t.Errorf("the history has %+v", runs)
		}
	}
	want(s)
	file, other := filepath.Join(t.TempDir(), "backup.tar.gz"), filepath.Join(t.TempDir(), "restored")
	console(t, 0, "", "backup", file, "--data", dir)
	console(t, 0, "", "restore", file, "--data", other)
	want(serveData(t, other))
}

// An action that its Micro crashes in leaves a report, as a request does, and the command
// that ran it says where to look.
func TestE2EActionsLeaveReports(t *testing.T) {
	s := serve(t)
	archive := filepath.Join(t.TempDir(), "probe.zip")
	must(t, os.WriteFile(archive, zipped(t, map[string]string{"main.wasm": string(read(t, probe(t))), "Spacefile": `v: 0
micros:
  - name: probe
    src: .
    engine: wasm
    primary: true
    actions:
      - {id: dies, name: Dies, trigger: schedule, default_interval: 1 day, path: /panic}
`}), 0o600))
	_, said := s.console(0, "push", archive)
	contains(t, said, "probe has Scheduled Actions, 1 of them: `spacewasm actions probe`")
	out, why := s.console(1, "actions", "run", "probe", "dies")
	contains(t, out, "failed (exited)")
	id := s.history("probe")[0].Request
	contains(t, why, "`spacewasm logs probe --request "+id+"`")
	logged, _ := s.console(0, "logs", "probe", "--request", id)
	contains(t, logged, "panic: on purpose")
	s.until("a report of the run", func() bool { return len(s.reports("probe").Reports) == 1 })
	out, _ = s.console(0, "reports", "probe", id)
	contains(t, out, "the program exited with status 2", "panic: on purpose", "POST /panic")
	out, _ = s.console(0, "actions", "history", "probe")
	contains(t, out, "REQUEST", id)
	_, why = s.console(1, "reports", "probe", "none")
	contains(t, why, "`spacewasm reports probe` lists")
	_, why = s.console(1, "actions", "history", "probe", "lives")
	contains(t, why, `no action "lives"`)
}
