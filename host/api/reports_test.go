package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/space"
)

// openReports opens reports in which the app "app" has one with the id "ci", and a full queue.
func (b *bench) openReports(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for range 2 { // the first is closed, so that all is on the disk
		all, err := reports.Open(reports.DefaultConfig(dir))
		if err != nil {
			t.Fatal(err)
		}
		if b.reports != nil {
			b.reports = all
			return
		}
		b.reports = all
		all.Note("app", "web", 3, space.CodeCrashed, func() *reports.Failure {
			return &reports.Failure{
				App: "app", Micro: "web", Revision: 3, ID: "ci", Began: time.Now(),
				Err: &space.Error{Code: space.CodeCrashed, Message: "<it> crashed", Detail: "main.f()\nmain.g()"},
			}
		})
		all.Note("app", "web", 3, space.CodeQueueFull, func() *reports.Failure { panic("no report is kept of it") })
		if err := all.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReports(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	b.push(t, "other", "hello")
	rec := b.ask(t, http.MethodGet, "/api/v1/apps/app/reports", nil)
	all := decode[wire.Reports](t, rec)
	if len(all.Reports) != 1 || all.Reports[0].ID != "ci" || all.Reports[0].Code != space.CodeCrashed || all.Reports[0].Revision != 3 ||
		len(all.Counts) != 1 || all.Counts[0].Code != space.CodeQueueFull || all.Counts[0].Count != 1 || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %+v %v", all, rec.Header())
	}
	rec = b.ask(t, http.MethodGet, "/api/v1/apps/app/reports/ci", nil)
	if one := decode[reports.Report](t, rec); one.Title != "the program crashed" || strings.Join(one.Stack, " ") != "main.f() main.g()" {
		t.Errorf("got %+v", one)
	}
	if rec := b.ask(t, http.MethodGet, "/api/v1/apps/other/reports", nil); strings.TrimSpace(rec.Body.String()) != `{"reports":[],"counts":[]}` {
		t.Errorf("got %s", rec.Body)
	}
	for _, path := range []string{"app/reports/no", "other/reports/ci", "app/reports/..%2fapp%2fci", "app/reports/counts", "none/reports", "none/reports/ci"} {
		wantProblem(t, path, b.ask(t, http.MethodGet, "/api/v1/apps/"+path, nil), space.CodeNotFound)
	}
	// T14: they go with the app.
	b.ask(t, http.MethodDelete, "/api/v1/apps/app", nil)
	b.push(t, "app", "hello")
	if all := decode[wire.Reports](t, b.ask(t, http.MethodGet, "/api/v1/apps/app/reports", nil)); len(all.Reports)+len(all.Counts) > 0 {
		t.Errorf("the next app has %+v", all)
	}
}
