package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func (b *bench) revisions(t *testing.T, app string) []wire.Revision {
	t.Helper()
	return decode[wire.Revisions](t, b.ask(t, http.MethodGet, "/api/v1/apps/"+app+"/revisions", nil)).Revisions
}

func TestRevisions(t *testing.T) {
	b := newBench(t)
	for _, guest := range []string{"hello", "echo", "echo"} {
		b.push(t, "app", guest)
	}
	all := b.revisions(t, "app")
	if len(all) != 3 {
		t.Fatalf("got %+v", all)
	}
	for i, changes := range []string{"nothing", "code of app changed", "micro app added"} {
		r := all[i]
		if r.Revision != 3-i || r.Active != (i == 0) || !slices.Equal(r.Micros, []string{"app"}) || !slices.Equal(r.Changes, []string{changes}) ||
			time.Since(r.Created) > time.Minute {
			t.Errorf("got %+v, want %q", r, changes)
		}
	}
	if size := int64(len(wasitest.Guest("hello"))); all[2].Bytes != size {
		t.Errorf("the first has %d bytes, not %d", all[2].Bytes, size)
	}
	for range store.KeptRevisions {
		b.push(t, "app", "hello")
	}
	all = b.revisions(t, "app")
	if len(all) != store.KeptRevisions || len(all[store.KeptRevisions-1].Changes) != 0 {
		t.Errorf("got %+v", all)
	}
}

func TestRollback(t *testing.T) {
	b := newBench(t)
	for range 3 {
		b.push(t, "app", "hello")
	}
	for _, c := range []struct {
		body string
		want int
	}{{"", 2}, {`{"revision": 3}`, 3}, {`{"revision": 3}`, 3}, {`{}`, 2}, {`{"revision": 0}`, 1}} {
		rec := b.ask(t, http.MethodPost, "/api/v1/apps/app/rollback", strings.NewReader(c.body))
		app := decode[wire.App](t, rec)
		if rec.Code != http.StatusOK || app.App != "app" || app.Revision != c.want || app.URL != "http://app.example.org/" || len(app.Micros) != 1 {
			t.Errorf("%q: got %d %s", c.body, rec.Code, rec.Body)
		}
		if got := decode[wire.App](t, b.ask(t, http.MethodGet, "/api/v1/apps/app", nil)); got.Revision != c.want {
			t.Errorf("%q: revision %d answers", c.body, got.Revision)
		}
	}
	for _, c := range []struct {
		target, body string
		code         space.Code
		detail       string
	}{
		{"app/rollback", "", space.CodeNotFound, "before 1"},
		{"app/rollback", `{"revision": 4}`, space.CodeNotFound, "1, 2, 3"},
		{"app/rollback", `{"revision": -1}`, space.CodeBadRequest, "-1"},
		{"app/rollback", `{"revision": "3"}`, space.CodeBadRequest, "revision"},
		{"app/rollback", `{"number": 3}`, space.CodeBadRequest, "number"},
		{"app/rollback", `3`, space.CodeBadRequest, "body"},
		{"app/rollback", strings.Repeat(" ", 5<<10) + "{}", space.CodeBadRequest, "too large"},
		{"other/rollback", "", space.CodeNotFound, `"other"`},
		{"A_b/rollback", "", space.CodeBadRequest, "lower-case"},
	} {
		rec := b.ask(t, http.MethodPost, "/api/v1/apps/"+c.target, strings.NewReader(c.body))
		if p := wantProblem(t, c.body, rec, c.code); !strings.Contains(p.Detail, c.detail) {
			t.Errorf("%.40q: %q does not say %q", c.body, p.Detail, c.detail)
		}
	}
	for _, app := range []string{"other", "A_b"} {
		if rec := b.ask(t, http.MethodGet, "/api/v1/apps/"+app+"/revisions", nil); rec.Code/100 != 4 {
			t.Errorf("%s: got %d %s", app, rec.Code, rec.Body)
		}
	}
	if got := b.revisions(t, "app"); len(got) != 3 || !got[2].Active {
		t.Errorf("got %+v", got)
	}
}
