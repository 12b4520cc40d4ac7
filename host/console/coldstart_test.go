package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
)

// measured is what a measurement finds, with each stage so long.
func measured(each time.Duration) *record.Document {
	d := &record.Document{Machine: record.Machine{CPU: "a <b>processor</b>", Processors: 2}, Modules: []record.Module{{}}}
	for _, name := range []string{"compile", "load", "clone", "reset", "asleep", "dozing", "warm"} {
		f := record.Figures{Count: 3, P50: each, P90: each, P99: each, Histogram: []record.Bucket{{From: each / 2, To: 2 * each, Count: 3}}}
		d.Modules[0].Stages = append(d.Modules[0].Stages, record.StageFigure{Name: name, What: "what it is", Ours: f})
	}
	return d
}

// work has the desk do what it was asked.
func (b *bench) work() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error)
	go func() { ended <- b.desk.Run(ctx) }()
	for late := time.Now().Add(10 * time.Second); b.desk.Busy(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			b.t.Fatal("the measurement does not end")
		}
	}
	cancel()
	must(0, <-ended)
}

// A Micro is measured from its page, where progress, figures, history and failures are shown;
// what is hostile in them is text.
func TestColdStart(t *testing.T) {
	const page = "/apps/shop/micros/shop/coldstart"
	b := newBench(t)
	b.deployed("shop")
	has(t, b.get("/apps/shop/micros/shop"), "has not been measured yet", page)
	has(t, b.get(page), "Nothing has been measured of it yet")
	ask := func(path string) {
		t.Helper()
		if rec := b.post(page, url.Values{"path": {path}}); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != page {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
	}
	ask("/items?q=%3Cb%3E")
	has(t, b.get(page), "Waiting for a turn", `name="stop"`, `hx-get="`+page+`/now"`, `http-equiv="refresh"`)
	if rec := b.post(page, url.Values{"path": {"/"}}); rec.Code != http.StatusTooManyRequests {
		t.Errorf("a second one: %d", rec.Code)
	}
	b.deployed("other")
	has(t, b.get("/apps/other/micros/other/coldstart"), "Another Micro is being measured", "disabled")
	b.work()
	failed := b.get(page)
	has(t, failed, "Nothing was measured", "answers 500: &lt;script&gt;", "␛[2J", "/items?q=…")
	if strings.Contains(failed, "hx-get") || strings.Contains(failed, "<script>alert") || strings.Contains(failed, "\x1b") {
		t.Error(failed)
	}
	for _, each := range []time.Duration{25 * time.Millisecond, 21 * time.Millisecond} {
		b.figures = measured(each)
		ask("/")
		b.work()
		b.deployed("shop") // the next revision
	}
	found := b.get(page + "/now")
	has(t, found, "<svg", "21.0 ms", "25.0 ms", "polyline", "asleep of revision 2: 21.0 ms", "a &lt;b&gt;processor&lt;/b&gt;", "History", ">r1<", ">r2<")
	if strings.Contains(found, "Nothing was measured") || strings.Contains(found, "<html") {
		t.Error(found)
	}
	has(t, b.get("/apps/shop/micros/shop"), "It wakes from deep sleep in <b>21.0 ms</b>", "medians of revision 2")
	if rec := b.post(page, url.Values{"path": {"/"}}, "Sec-Fetch-Site", "same-site"); rec.Code != http.StatusForbidden {
		t.Errorf("another app's page has it measured: %d", rec.Code)
	}
	if rec := b.post(page, url.Values{"path": {"items"}}); rec.Code != http.StatusBadRequest {
		t.Errorf("no path: %d", rec.Code)
	}
}

// has wants texts in a page.
func has(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("there is no %q in\n%s", text, page)
		}
	}
}
