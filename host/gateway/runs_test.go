package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/space"
)

// asked is what the gateway wanted to know of runs.
type asked struct {
	app    space.AppName
	micros []string
	most   int
}

// withRuns is a gateway whose apps have run something, and what it asks for.
func withRuns(t *testing.T, paths ...string) (*bench, *asked) {
	t.Helper()
	var last asked
	fire := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := newBench(t, func(c *gateway.Config) {
		c.Runs = func(_ context.Context, app space.AppName, micros []string, most int) ([]space.Run, error) {
			last = asked{app, micros, most}
			return []space.Run{{
				ID: 7, Action: space.ActionKey{App: app, Micro: "web", ID: "tick"}, Trigger: space.TriggerSchedule, Fire: fire, First: fire,
				Attempt: 1, State: space.RunFailed, Started: fire, Ended: fire.Add(1500 * time.Millisecond), Status: 500, Fuel: 99,
				Code: space.CodeCrashed, Request: "theid",
			}}, nil
		}
	}, paths...)
	for _, path := range paths {
		b.change(path, func(m *space.Micro) { m.Name = "micro " + path })
	}
	return b, &last
}

const runsURL = "http://app.localhost/__space/v0/actions/runs"

// Who may ask a Micro may know when its actions ran, and nothing else of them.
func TestRuns(t *testing.T) {
	b, last := withRuns(t, "/")
	rec := b.ask(get(t, runsURL+"?limit=5"))
	want := `{"runs":[{"micro":"web","action":"tick","trigger":"schedule","fire":"2026-03-01T12:00:00Z","attempt":1,"state":"failed",` +
		`"started":"2026-03-01T12:00:00Z","ended":"2026-03-01T12:00:01.5Z","status":500,"duration_ms":1500}]}`
	if rec.Code != http.StatusOK || rec.Body.String() != want || rec.Header().Get("Content-Type") != "application/json" ||
		rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	if last.app != "app" || last.most != 5 || !slices.Equal(last.micros, []string{"micro /"}) {
		t.Errorf("asked for %+v", last)
	}
	if rec := b.ask(get(t, runsURL)); rec.Code != http.StatusOK || last.most != 50 || !json.Valid(rec.Body.Bytes()) {
		t.Errorf("got %d %s of %d", rec.Code, rec.Body, last.most)
	}
	for _, limit := range []string{"0", "101", "x", "-1"} {
		wantError(t, limit, b.ask(get(t, runsURL+"?limit="+limit)), space.CodeBadRequest)
	}
	post := get(t, runsURL)
	post.Method = http.MethodPost
	if rec := b.ask(post); rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d %v", rec.Code, rec.Header())
	}
	if b.doors["/"].asked != nil {
		t.Error("the Micro was asked")
	}
}

// T15: the runs of a private Micro are its owner's, and theirs who have its keys; however
// the path is spelt.
func TestRunsAreAsPrivateAsTheirMicro(t *testing.T) {
	b, last := withRuns(t, "/", "/open", "/keys")
	b.private()
	cookie := "space_session=" + session(t, b).jar["app.localhost:4200"]["space_session"]
	wantError(t, "a visitor", b.ask(get(t, runsURL)), space.CodeUnauthorized)
	b.change("/open", func(m *space.Micro) { m.Public = true })
	b.change("/keys", func(m *space.Micro) { m.APIKeys = true })
	for what, c := range map[string]struct {
		headers []string
		micros  string
	}{
		"a visitor":          {nil, "micro /open"},
		"an app key":         {[]string{"X-Space-App-Key", "appkey"}, "micro /open, micro /keys"},
		"a Micro":            {[]string{"X-Api-Key", "an_apikey"}, "micro /, micro /open, micro /keys"},
		"a wrong key":        {[]string{"X-Space-App-Key", "x", "X-Api-Key", "x"}, "micro /open"},
		"the owner":          {[]string{"Authorization", "Bearer token"}, "micro /, micro /open, micro /keys"},
		"its session":        {[]string{"Cookie", cookie}, "micro /, micro /open, micro /keys"},
		"another site's":     {[]string{"Cookie", cookie, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, "micro /open"},
		"another document's": {[]string{"Cookie", cookie, "Origin", "http://other.localhost"}, "micro /open"},
	} {
		*last = asked{}
		rec := b.ask(get(t, runsURL, c.headers...))
		if got := strings.Join(last.micros, ", "); rec.Code != http.StatusOK || got != c.micros {
			t.Errorf("%s: got %d of %q, want %q", what, rec.Code, got, c.micros)
		}
	}
	b.change("/open", func(m *space.Micro) { m.Public = false })
	wantError(t, "another site's", b.ask(get(t, runsURL, "Cookie", cookie, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors")), space.CodeForbidden)
	b.change("/open", func(m *space.Micro) { m.PublicRoutes = []string{"/__space/v0/actions/runs"} })
	if rec := b.ask(get(t, runsURL)); rec.Code != http.StatusOK || !slices.Equal(last.micros, []string{"micro /open"}) {
		t.Errorf("got %d of %q", rec.Code, last.micros)
	}
	for _, path := range []string{"/__space/v0/%61ctions/runs", "//__space/v0/actions/runs", "/x/../__space/v0/actions/runs"} {
		wantError(t, path, b.ask(get(t, "http://app.localhost"+path)), space.CodeBadRequest)
	}
	wantError(t, "below", b.ask(get(t, runsURL+"/x")), space.CodeNotFound)
}

// What the platform says of a call, nobody else can say.
func TestActionHeadersAreStripped(t *testing.T) {
	b := newBench(t, nil, "/")
	r := get(t, "http://app.localhost/__space/v0/actions", "Authorization", "Bearer token")
	for _, name := range []string{"Fire-Time", "Idempotency-Key", "Attempt", "Trigger"} {
		r.Header.Set("X-Space-Action-"+name, "forged")
	}
	if rec := b.ask(r); rec.Code != http.StatusOK {
		t.Fatalf("got %d", rec.Code)
	}
	for name := range b.doors["/"].asked.Header {
		if strings.HasPrefix(name, "X-Space-Action-") {
			t.Errorf("the Micro sees %s", name)
		}
	}
}
