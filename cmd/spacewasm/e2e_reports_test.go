package main_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/reports"
)

// report waits for the report of a request, which is made after its answer.
func (s *server) report(app, id string) reports.Report {
	s.t.Helper()
	for range 100 {
		a := s.do(s.request(http.MethodGet, "", "/api/v1/apps/"+app+"/reports/"+id, nil, "Authorization", "Bearer "+s.token))
		if a.status == http.StatusOK {
			var r reports.Report
			must(s.t, json.Unmarshal([]byte(a.body), &r))
			return r
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("%s has no report of %s", app, id)
	return reports.Report{}
}

func (s *server) reports(app string) wire.Reports {
	s.t.Helper()
	out, _ := s.console(0, "reports", app, "--json")
	var all wire.Reports
	must(s.t, json.Unmarshal([]byte(out), &all))
	return all
}

// Who has an error id learns why the request failed, and no secret.
func TestE2EReports(t *testing.T) {
	s := serve(t, "--timeout", "1s", "--memory", "64MiB", "--payload", "128KiB").withProbe()
	const secret = "secret of exit" // which the probe logs before it exits
	s.console(0, "env", "probe", "--set", "WORD="+secret)
	for _, c := range []struct {
		target, code string
		status       int
		log          string
		fits         func(r reports.Report) bool
	}{
		{"/spin?who=anna", "deadline", 504, "secret of spin", func(r reports.Report) bool {
			return r.Time.Limit == 1000 && r.Time.Used >= 1000 && r.Fuel.Used > 1000 && strings.Contains(strings.Join(r.Stack, "\n"), "main.")
		}},
		{"/memory", "out_of_memory", 502, "secret of memory", func(r reports.Report) bool {
			return r.Memory.Limit == 64<<20 && r.Memory.Used > 32<<20 && r.Memory.Used <= r.Memory.Limit
		}},
		{"/deep", "crashed", 502, "", func(r reports.Report) bool {
			return strings.Contains(strings.Join(r.Stack, "\n"), "main.deep") && strings.Contains(r.Message, "stack overflow")
		}},
		{"/panic", "exited", 502, "panic: on purpose", func(r reports.Report) bool { return r.Message == "the program exited with status 2" }},
		{raw("hello"), "bad_response", 502, "", func(r reports.Report) bool { return len(r.Log) == 0 }},
		{"/bytes?n=131073&declared=1", "response_too_large", 502, "", func(r reports.Report) bool { return true }},
		{"/exit?status=3&key=k-1234567", "exited", 502, "[masked]", func(r reports.Report) bool {
			return r.Request.Target == "/exit?status=[masked]&key=[masked]"
		}},
	} {
		t.Run(c.code, func(t *testing.T) {
			s := s.in(t)
			time.Sleep(1100 * time.Millisecond) // two of them are alike, of which one in a second is kept
			p := s.get("probe", c.target, "Cookie", "session=my-cookie", "X-Api-Key", "my-key", "X-Colour", "blue", "X-Word", secret,
				"X-Forwarded-For", "203.0.113.9").problem(t, c.status, c.code)
			r := s.report("probe", p.ErrorID)
			if string(r.Code) != c.code || r.Status != c.status || r.Micro == "" || r.Revision != 1 || r.ID != p.ErrorID || !c.fits(r) {
				t.Errorf("got %+v", r)
			}
			contains(t, strings.Join(r.Log, "\n"), c.log)
			text, _ := s.console(0, "reports", "probe", p.ErrorID)
			contains(t, text, p.ErrorID, c.code, "X-Colour: blue", "Cookie: [masked]", "X-Word: [masked]")
			stored := string(read(t, filepath.Join(s.data, "reports", "probe", p.ErrorID+".json")))
			for _, hidden := range []string{"my-cookie", "my-key", secret, "anna", "k-1234567", "203.0.113.9"} {
				if strings.Contains(stored+text, hidden) {
					t.Errorf("%q stands in %s\n%s", hidden, stored, text)
				}
			}
		})
	}
	s.pushed("trap", "application/wasm", guest("trap"))
	id := s.get("trap", "/").problem(t, http.StatusBadGateway, "crashed").ErrorID
	if r := s.report("trap", id); len(r.Stack) == 0 || !strings.Contains(r.Message, "unreachable") {
		t.Errorf("got %+v", r)
	}
	if all := s.reports("probe"); len(all.Reports) != 7 || all.Reports[0].At.Before(all.Reports[6].At) {
		t.Errorf("got %+v", all)
	}
}

// A Micro that always fails is counted, not written down each time; what is kept outlives the server, and goes with the
// app (T14: the next app of the name finds nothing).
func TestE2EReportsAreFew(t *testing.T) {
	s := serve(t).withProbe()
	const requests = 40
	for range requests {
		s.get("probe", "/exit?status=1").is(t, http.StatusBadGateway, "exited")
	}
	var all wire.Reports
	s.until("all failures to be told of", func() bool {
		all = s.reports("probe")
		total := len(all.Reports)
		for _, r := range all.Reports {
			total += r.Similar
		}
		return total == requests
	})
	if len(all.Reports) > requests/2 {
		t.Errorf("kept %d", len(all.Reports))
	}
	s.stop()
	s = serveData(t, s.data)
	if again := s.reports("probe"); len(again.Reports) != len(all.Reports) || again.Reports[0].ID != all.Reports[0].ID {
		t.Errorf("after a restart %+v, before %+v", again, all)
	}
	s.console(0, "rm", "probe")
	if left := glob(t, s.data, "reports/*"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	s.withProbe()
	if next := s.reports("probe"); len(next.Reports) > 0 || len(next.Counts) > 0 {
		t.Errorf("the next app has %+v", next)
	}
}

// What a Micro answers with 500 and more itself has a report as well, one in a second, and nothing
// of it holds up its requests (T24); what it answers else has none.
func TestE2EReportsOfAnswers(t *testing.T) {
	s := serve(t).withProbe()
	const requests = 30
	first := ""
	for i := range requests {
		a := s.get("probe", "/status?code=503&line=out+of+tea", "Cookie", "session=my-cookie")
		if a.status != http.StatusServiceUnavailable || a.header.Get("X-Space-Error") != "" {
			t.Fatalf("got %d %v", a.status, a.header)
		}
		if i == 0 {
			first = a.header.Get("X-Space-Request-Id")
		}
	}
	s.get("probe", "/status?code=404&line=no+tea")
	r := s.report("probe", first)
	if r.Code != "answered_5xx" || r.Status != 503 || r.Message != "the Micro answered 503 itself" || len(r.Stack) != 0 || r.Fuel.Used == 0 || r.Memory.Limit == 0 {
		t.Errorf("got %+v", r)
	}
	contains(t, strings.Join(r.Log, "\n"), "out of tea")
	text, _ := s.console(0, "reports", "probe", first)
	contains(t, text, first, "answered_5xx", "Cookie: [masked]")
	s.until("all to be told of", func() bool {
		all := s.reports("probe")
		total := len(all.Reports)
		for _, r := range all.Reports {
			total += r.Similar
			if r.Code != "answered_5xx" {
				t.Fatalf("there is a report of %+v", r)
			}
		}
		return total == requests && len(all.Reports) <= requests/2
	})
}

// A Micro's name that means nothing is an error with those that do; one that went with an earlier
// revision keeps its log.
func TestE2ELogsOfNoMicro(t *testing.T) {
	s := serve(t)
	push := func(name string) {
		t.Helper()
		spacefile := "v: 0\nmicros:\n  - {name: " + name + ", src: ., engine: wasm, primary: true}\n  - {name: api, src: ., engine: wasm, path: /api}\n"
		s.pushed("shop", "application/zip", zipped(t, map[string]string{"Spacefile": spacefile, "main.wasm": string(read(t, probe(t)))}))
	}
	push("front")
	s.ok("shop", "/log?line=from+the+front", "Authorization", "Bearer "+s.token)
	s.until("its line", func() bool {
		out, _ := s.console(0, "logs", "shop", "--micro", "front")
		return strings.Contains(out, "from the front")
	})
	out, why := s.console(1, "logs", "shop", "--micro", "frnt")
	if out != "" || !strings.Contains(why, `no Micro "frnt"`) || !strings.Contains(why, "front, api") {
		t.Errorf("got %q and %q", out, why)
	}
	s.console(1, "logs", "shop", "-f", "--micro", "frnt") // which does not wait for what never comes
	s.get("", "/api/v1/apps/shop/logs?micro=frnt", "Authorization", "Bearer "+s.token).problem(t, http.StatusNotFound, "not_found")
	if out, _ = s.console(0, "logs", "shop", "--micro", "api"); out != "" { // which has said nothing yet
		t.Errorf("got %q", out)
	}
	push("shopfront")
	out, _ = s.console(0, "logs", "shop", "--micro", "front")
	contains(t, out, "from the front")
	_, why = s.console(1, "logs", "shop", "--micro", "frnt")
	contains(t, why, "shopfront, api")
}

// The access log has each request, under the id that the Micro's lines have, without what its sender would not show.
func TestE2ERequestLog(t *testing.T) {
	s := serve(t).withProbe()
	id := s.get("probe", "/status?code=404&token=t-1234567", "X-Forwarded-For", "203.0.113.9").header.Get("X-Space-Request-Id")
	bad := s.get("probe", "/exit?status=1").problem(t, http.StatusBadGateway, "exited").ErrorID
	requests := func(args ...string) (out string) {
		t.Helper()
		out, _ = s.console(0, append([]string{"logs", "probe", "--json"}, args...)...)
		return out
	}
	s.until("the request to be listed", func() bool { return strings.Contains(requests("--requests"), bad) })
	all := requests("--requests")
	contains(t, all, id, `"path":"/status"`, `"method":"GET"`, `"start":"`, `"fuel":`, `"memory":`, `"took_ms":`)
	for _, hidden := range []string{"t-1234567", "203.0.113.9", "127.0.0.1", "secret of exit"} {
		if strings.Contains(all, hidden) {
			t.Errorf("%q stands in %s", hidden, all)
		}
	}
	if out := requests("--status", "5xx"); strings.Contains(out, id) || !strings.Contains(out, bad) {
		t.Errorf("5xx: %s", out)
	}
	if out := requests("--requests", "--grep", "/STATUS"); !strings.Contains(out, id) || strings.Contains(out, bad) {
		t.Errorf("by text: %s", out)
	}
	contains(t, requests("--request", bad), `"source":"guest"`, `"source":"platform"`, `"source":"request"`)
	if out := requests("--request", bad); strings.Contains(out, id) {
		t.Errorf("of one request: %s", out)
	}
	if out := requests(); strings.Contains(out, `"source":"request"`) {
		t.Errorf("without being asked for: %s", out)
	}
	if out := requests("--requests", "--until", "1h"); out != "" {
		t.Errorf("of long ago: %s", out)
	}
	s.stop() // which stores what waits
	s = serveData(t, s.data)
	if out, _ := s.console(0, "logs", "probe", "--requests", "-n", "1"); strings.Count(out, "\n") != 1 || !strings.Contains(out, "request/exited") {
		t.Errorf("the last is %q", out)
	}
}
