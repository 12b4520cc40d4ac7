package main_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// scrape reads the figures with the admin token.
func (s *server) scrape() string {
	s.t.Helper()
	return s.ok("", "/metrics", "Authorization", "Bearer "+s.token)
}

// figures are the series of a scrape, each "name{labels} value", with those texts in them.
func figures(text string, parts ...string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// T10: the figures are for who may see all apps, unless the operator opens them.
func TestE2EMetricsAreGuarded(t *testing.T) {
	s := serve(t).withProbe()
	deploys := s.makes("swt_", "token", "create", "ci", "--app", "probe")
	for name, headers := range map[string][]string{
		"nobody": nil, "a wrong token": {"Authorization", "Bearer nonsense"}, "a deploy token": {"Authorization", "Bearer " + deploys},
	} {
		a := s.get("", "/metrics", headers...)
		a.problem(t, http.StatusUnauthorized, "unauthorized")
		if strings.Contains(a.body, "spacewasm_") || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s is answered %v %s", name, a.header, a.body)
		}
	}
	if a := s.get("probe", "/metrics"); strings.Contains(a.body, "spacewasm_build_info") {
		t.Error("an app's host has the server's figures")
	}
	if a := s.get("", "/metrics", "Authorization", "Bearer "+s.makes("swt_", "token", "create", "anna")); a.status != http.StatusOK ||
		a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a token that may do all gets %d %v", a.status, a.header)
	}
	open := serve(t, "--metrics-open")
	if text := open.ok("", "/metrics"); len(figures(text, "spacewasm_build_info{")) != 1 {
		t.Errorf("open figures: %.300s", text)
	}
}

// What has happened stands in the figures, and goes with its app.
func TestE2EMetrics(t *testing.T) {
	s := serve(t).withProbe()
	s.ok("probe", "/env")
	s.ok("probe", "/env")
	s.get("probe", "/exit?status=3")
	s.get("nobody", "/")
	text := s.scrape()
	for _, parts := range [][]string{
		{"spacewasm_requests_total{", `app="probe"`, `status="2xx"`},
		{"spacewasm_refusals_total{", `"not_found"`, " 1"},
		{"spacewasm_request_duration_seconds_count", `"reset"`},
		{"spacewasm_fuel_total{", `app="probe"`},
		{"spacewasm_instance_starts_total", `"clone"`},
		{"spacewasm_pushes_total", `"ok"`, " 1"},
		{"spacewasm_apps{", `"running"`, " 1"},
		{"spacewasm_micro_awake{", " 1"},
		{"spacewasm_memory_budget_limit_bytes"},
		{"go_goroutines"},
		{"process_open_fds"},
	} {
		if found := figures(text, parts...); len(found) == 0 || strings.HasSuffix(found[0], " 0") {
			t.Errorf("%q: %q", parts, found)
		}
	}
	s.console(0, "rm", "probe")
	if found := figures(s.scrape(), `app="probe"`); len(found) > 0 {
		t.Errorf("of an app that is gone there is left %q", found)
	}
}

// A run of a Scheduled Action is counted, and is a request to its Micro.
func TestE2EMetricsOfActions(t *testing.T) {
	s := serve(t).withDigest()
	s.console(0, "actions", "pause", "digest", "digest/tick") // or it may run by itself, too
	s.console(0, "actions", "run", "digest", "tick")
	text := s.scrape()
	for _, parts := range [][]string{
		{`spacewasm_actions_total{result="ok"} 1`},
		{"spacewasm_action_duration_seconds_count 1"},
		{"spacewasm_requests_total{", `app="digest"`, `status="2xx"`, " 1"},
	} {
		if len(figures(text, parts...)) == 0 {
			t.Errorf("%q is not there: %q", parts, figures(text, "action", "digest"))
		}
	}
}

// What no Micro is asked is counted by the platform's part, and what one is asked is not.
func TestE2EMetricsOfPlatform(t *testing.T) {
	s := serve(t).withProbe()
	count := func(part, status string) float64 {
		t.Helper()
		found := figures(s.scrape(), "spacewasm_platform_requests_total{", `part="`+part+`"`, `status="`+status+`"`)
		if len(found) != 1 {
			t.Fatalf("%s %s: %q", part, status, found)
		}
		_, value, _ := strings.Cut(found[0], "} ")
		n, err := strconv.ParseFloat(value, 64)
		must(t, err)
		return n
	}
	apis, api, consoles, logins, others := count("api", "2xx"), count("api", "4xx"), count("console", "4xx"), count("login", "2xx"), count("other", "4xx")
	s.ok("probe", "/env")
	s.get("", "/api/v1/apps", "Authorization", "Bearer "+s.token)
	s.get("", "/api/v1/apps")
	s.get("console", "/list")
	s.get("", "/login?app=probe&nonce=x")
	s.get("nobody", "/")
	for _, c := range []struct {
		part, status string
		before       float64
	}{{"api", "2xx", apis}, {"api", "4xx", api}, {"console", "4xx", consoles}, {"login", "2xx", logins}, {"other", "4xx", others}} {
		if n := count(c.part, c.status); n != c.before+1 {
			t.Errorf("%s %s: %v, and then %v", c.part, c.status, c.before, n)
		}
	}
}

// No client's text becomes a label: what is asked for adds no series.
func TestE2EMetricsAreBounded(t *testing.T) {
	s := serve(t).withProbe()
	s.ok("probe", "/env")
	s.get("nobody", "/")
	before := len(figures(s.scrape()))
	for _, ask := range []struct{ app, target string }{
		{"evil-1", "/"}, {"evil-2", "/"}, {"probe", "/env?evil-3"}, {"", "/evil-4"}, {"probe", "/__space/evil-5"},
	} {
		s.get(ask.app, ask.target, "Host", "evil-6.example.org", "User-Agent", "evil-7")
		s.do(s.request("EVIL", ask.app, ask.target, nil))
	}
	text := s.scrape()
	// The first answers of another class, and by another start, are series.
	if after := len(figures(text)); strings.Contains(strings.ToLower(text), "evil") || after > before+5 {
		t.Errorf("%d series, then %d", before, after)
	}
}

// The dashboard asks for nothing that there is not, and shows all that is ours.
func TestE2EDashboard(t *testing.T) {
	text := repository(t, "docs/grafana.json")
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct{ List []struct{ Name string } }
	}
	must(t, json.Unmarshal([]byte(text), &dashboard))
	s := serve(t).withProbe()
	s.ok("probe", "/env")
	has := map[string]bool{}
	scraped := s.scrape()
	for _, figure := range figures(scraped) {
		name, _, _ := strings.Cut(figure, " ")
		name, _, _ = strings.Cut(name, "{")
		has[name] = true
	}
	asked := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			for _, name := range regexp.MustCompile(`\b(?:spacewasm|go|process)_[a-z_]+`).FindAllString(target.Expr, -1) {
				if asked++; !has[name] {
					t.Errorf("the panel %q asks for %s", panel.Title, name)
				}
			}
		}
	}
	for _, family := range regexp.MustCompile(`(?m)^# TYPE (spacewasm_\w+)`).FindAllStringSubmatch(scraped, -1) {
		if !strings.Contains(text, family[1]) {
			t.Errorf("the dashboard does not show %s", family[1])
		}
	}
	if asked < 40 || len(dashboard.Templating.List) != 3 {
		t.Errorf("%d figures, %d variables", asked, len(dashboard.Templating.List))
	}
}
