package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
)

const wrkSays = `Running 3s test @ http://127.0.0.1:4302/x
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.52ms    1.79ms  32.10ms   92.05%
    Req/Sec    12.05k     1.52k   14.04k    87.50%
  Latency Distribution
     50%    1.36ms
     75%    1.80ms
     90%    2.91ms
     99%    8.81ms
  31346 requests in 3.00s, 5.11MB read
  Non-2xx or 3xx responses: 7
Requests/sec:  10448.98
Transfer/sec:      1.70MB
`

func TestParseWrk(t *testing.T) {
	a, err := parseWrk(wrkSays)
	want := answered{perSecond: 10448.98, p50: 1360 * time.Microsecond, p99: 8810 * time.Microsecond, failed: 7}
	if err != nil || a != want {
		t.Errorf("got %+v, %v", a, err)
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("what is no measurement was taken for one")
	}
}

// A ratio is the median over rounds, each of which compares what was measured together.
func TestRatio(t *testing.T) {
	r := newReport()
	for _, round := range [][2]float64{{10, 100}, {30, 100}, {4, 20}} {
		r.add("a", 16, answered{perSecond: round[0]})
		r.add("b", 16, answered{perSecond: round[1]})
	}
	if ratio, ok := r.ratio("a", "b"); !ok || ratio != 0.2 {
		t.Errorf("got %v, %v", ratio, ok)
	}
	if _, ok := r.ratio("a", "c"); ok {
		t.Error("there is a ratio to what was not measured")
	}
}

// The figures take the place of those before them, and nothing else of the page.
func TestPublish(t *testing.T) {
	page := filepath.Join(t.TempDir(), "benchmarks.md")
	before := "before\n" + beginMark + "\nold figures\n" + endMark + "\nafter\n"
	if err := os.WriteFile(page, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newReport()
	for _, p := range peers() {
		r.describe(p)
		r.add(p.name, 16, answered{perSecond: 1000, p50: time.Millisecond, p99: time.Second})
	}
	r.growth = []grown{{micros: 10, resident: 1 << 20, ready: time.Millisecond}}
	r.depths = [3]float64{1 << 20, 2 << 20, 3 << 20}
	r.starts = []record.StageFigure{{Name: "asleep", Stock: &record.Figures{}, Ratio: 4}}
	for range 2 {
		if err := r.publish(page); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{"before\n", "\nafter\n", "| spacewasm |", "**missed**", "| 4x | 3x | reached |", "requests.svg"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "old figures") || strings.Count(got, beginMark) != 1 {
		t.Errorf("got\n%s", got)
	}
	if svg, err := os.ReadFile(filepath.Join(filepath.Dir(page), "requests.svg")); err != nil || strings.Count(string(svg), "<rect") != len(peers()) {
		t.Errorf("the picture: %v\n%s", err, svg)
	}
	if err := r.publish(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a page was written that is not there")
	}
}

// What was measured of SQLite has a place of its own on the page, so that it can be
// measured alone; a bound that is missed is said.
func TestPublishSQLite(t *testing.T) {
	page := filepath.Join(t.TempDir(), "benchmarks.md")
	before := beginMark + "\nthe peers\n" + endMark + "\n" + beginSQLiteMark + "\nold figures\n" + endSQLiteMark + "\nafter\n"
	if err := os.WriteFile(page, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newReport()
	r.sqlite = &sqliteReport{
		times: map[string]map[string][]time.Duration{
			queryNative: {lookups: {2, 4, 4}, scans: {100, 200, 100}},
			queryOurs:   {lookups: {6, 8, 12}, scans: {150, 400, 300}}, // 3, 2 and 3 times, and 1.5, 2 and 3
			queryRows:   {lookups: {2, 4, 4}, scans: {50, 100, 50}},    // once, and half
			queryOwn:    {scans: {300, 1200, 300}},
		},
		queriers: []querier{{name: queryNative}, {name: queryOurs}, {name: queryRows}, {name: queryOwn}},
		crowds:   []crowd{{database: 200 << 20, requests: 768, turnedAway: 5, before: 50 << 20, most: 140 << 20}},
	}
	if err := r.publish(page); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{
		beginMark + "\nthe peers\n" + endMark, "\nafter\n", "| 3x | at most 3x | reached |", "| 2x | at most 1.6x | **missed** |", "| 2x | at least 2x | reached |",
		queryRows + ", to the native time | 1x | at most 3x | reached |", queryRows + ", to the native time | 0.5x | at most 1.6x | reached |", queryRows + " is than of its own | 6x |",
		"| 200.0 MiB | 768 | 0 | 5 | 50.0 MiB | 140.0 MiB | 90.0 MiB |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "old figures") {
		t.Errorf("got\n%s", got)
	}
}
