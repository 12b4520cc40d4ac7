package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/space"
)

// diary keeps what the gateway tells its journal.
type diary struct{ visits []gateway.Visit }

func (d *diary) Answered(v gateway.Visit) { d.visits = append(d.visits, v) }

// The journal is told of each request to an app, and of no other: who makes up names of apps fills nobody's log.
func TestJournal(t *testing.T) {
	d := &diary{}
	b := newBench(t, func(c *gateway.Config) { c.Journal = d }, "/", "/api")
	b.change("/api", func(m *space.Micro) { m.Name = "api" })
	b.doors["/api"].serve = func(w http.ResponseWriter, r *http.Request) error {
		*space.UsageOf(r.Context()) = space.Usage{Requests: 1, Fuel: 7, Visit: space.Visit{Start: space.StartReset}}
		switch r.URL.Path {
		case "/crash":
			return &space.Error{Code: space.CodeCrashed, Message: "it crashed", Words: []string{"last"}}
		case "/cut":
			io.WriteString(w, "half")
			return &space.Error{Code: space.CodeDeadline, Committed: true}
		}
		w.WriteHeader(http.StatusTeapot)
		_, err := io.WriteString(w, "short")
		return err
	}
	for _, target := range []string{
		"http://localhost/", "http://none.localhost/", "http://www.localhost/", "http://app.localhost/healthz", "http://elsewhere.org/",
	} {
		b.ask(get(t, target))
	}
	if len(d.visits) > 0 {
		t.Errorf("told of %+v", d.visits)
	}
	for _, c := range []struct {
		path, micro string
		status      int
		code        space.Code
		bytes       int64
	}{
		{"/api/tea", "api", http.StatusTeapot, "", 5},
		{"/api/crash", "api", http.StatusBadGateway, space.CodeCrashed, -1},
		{"/__space/none", "", http.StatusNotFound, space.CodeNotFound, -1},
		{"/api/cut", "api", http.StatusOK, space.CodeDeadline, 4},
	} {
		d.visits = nil
		r := get(t, "http://app.localhost"+c.path+"?token=abc", "Authorization", "Bearer token", "Cookie", "a=b")
		rec := httptest.NewRecorder()
		if c.path == "/api/cut" {
			b.cut(t, rec, r)
		} else {
			b.ServeHTTP(rec, r)
		}
		if len(d.visits) != 1 {
			t.Fatalf("%s: told of %+v", c.path, d.visits)
		}
		v := d.visits[0]
		code := space.Code("")
		if v.Err != nil {
			code = v.Err.Code
		}
		if v.Path != c.path || v.Micro != c.micro || v.Status != c.status || code != c.code || (c.bytes >= 0 && v.Bytes != c.bytes) ||
			string(v.ID) != rec.Header().Get("X-Space-Request-Id") || v.App.App.Name != "app" || v.Method != http.MethodGet || v.Began.IsZero() || v.Took <= 0 {
			t.Errorf("%s: told of %+v, %q", c.path, v, code)
		}
		if c.micro == "" {
			continue
		}
		if v.Usage.Fuel != 7 || v.Usage.Start != space.StartReset || v.Inner == nil {
			t.Errorf("%s: told of %+v", c.path, v)
		} else if v.Inner.Header.Get("Authorization") != "" || strings.Contains(v.Inner.RemoteAddr, "203.0.113") {
			t.Errorf("%s: told of what the Micro may not see: %v", c.path, v.Inner.Header)
		}
	}
}
