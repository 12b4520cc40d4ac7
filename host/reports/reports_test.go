package reports_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/space"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string, change func(*reports.Config)) *reports.Store {
	t.Helper()
	c := reports.DefaultConfig(dir)
	c.OnError = func(err error) { t.Errorf("OnError: %v", err) }
	if change != nil {
		change(&c)
	}
	s, err := reports.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fails notes a failure that began just now.
func fails(s *reports.Store, app space.AppName, id string, code space.Code) {
	s.Note(app, "web", 2, code, func() *reports.Failure {
		return &reports.Failure{
			App: app, Micro: "web", Revision: 2, ID: space.RequestID(id), Began: time.Now(), Took: 1500 * time.Microsecond,
			Request: httptest.NewRequest(http.MethodGet, "/path", nil),
			Usage: space.Usage{
				Fuel: 7, Run: time.Second, Visit: space.Visit{
					Start: space.StartClone, Memory: 3 << 20, Limits: &space.Limits{Memory: 64 << 20, Timeout: 20 * time.Second, Fuel: 99},
				},
			},
			Err: &space.Error{Code: code, Message: "because", Detail: "a()\n\tb()\n", Words: []string{"first", "last"}},
		}
	})
}

// reopened closes a store, so that all is stored, and opens it anew.
func reopened(t *testing.T, s *reports.Store, dir string) *reports.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, nil)
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	fails(s, "shop", "id1", space.CodeOutOfMemory)
	s = reopened(t, s, dir)
	r, err := s.Get("shop", "id1")
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "id1" || r.Micro != "web" || r.Revision != 2 || r.Status != 502 || r.Title != "the program ran out of memory" || r.Message != "because" ||
		r.Start != "clone" || r.TookMS != 1.5 || r.Memory != (reports.Measure{Used: 3 << 20, Limit: 64 << 20}) ||
		r.Time != (reports.Measure{Used: 1000, Limit: 20_000}) || r.Fuel != (reports.Measure{Used: 7, Limit: 99}) ||
		strings.Join(r.Stack, "|") != "a()|b()" || strings.Join(r.Log, "|") != "first|last" || r.Request.Target != "/path" {
		t.Errorf("got %+v", r)
	}
	for _, id := range []string{"", "id2", "counts", "../shop/id1", "id1.json", "."} {
		if _, err := s.Get("shop", id); !errors.Is(err, reports.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "shop", "id1.json")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// What is nobody's program's failure makes no report.
func TestOnlyFailuresOfPrograms(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	for _, code := range []space.Code{
		space.CodeNotFound, space.CodeUnauthorized, space.CodePreparing, space.CodeClientGone, space.CodeBuildFailed, space.CodeUpgradeUnsupported,
	} {
		fails(s, "shop", "id-"+string(code), code)
	}
	s = reopened(t, s, dir)
	if all, counts := s.List("shop"); len(all)+len(counts) > 0 {
		t.Errorf("got %+v %+v", all, counts)
	}
}

// T24: failures that are alike are counted, with one report a second; a flood of those of a full node makes no report.
func TestAlike(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		for i := range 3000 { // for three seconds
			fails(s, "shop", fmt.Sprint("c", i), space.CodeCrashed)
			fails(s, "shop", fmt.Sprint("n", i), space.CodeNodeFull)
			if i == 1500 {
				fails(s, "shop", "rare", space.CodeDeadline)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		all, counts := s.List("shop")
		total, crashes := 0, 0
		for _, r := range all {
			if r.Code == space.CodeCrashed {
				total += 1 + r.Similar
				crashes++
			}
			if r.Similar > 0 && (r.Latest.Before(r.At) || r.Latest.Sub(r.At) > time.Second) {
				t.Errorf("of %v the last was at %v", r.At, r.Latest)
			}
		}
		if total != 3000 || crashes != 3 || len(all) != 4 {
			t.Errorf("%d failures in %d of %d reports", total, crashes, len(all))
		}
		if len(counts) != 1 || counts[0].Code != space.CodeNodeFull || counts[0].Count != 3000 {
			t.Errorf("counted %+v", counts)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s = reopened(t, s, dir)
		again, countsAgain := s.List("shop")
		if fmt.Sprint(again) != fmt.Sprint(all) || fmt.Sprint(countsAgain) != fmt.Sprint(counts) {
			t.Errorf("after a restart %+v %+v\nbefore %+v %+v", again, countsAgain, all, counts)
		}
	})
}

// T24: an app, and all of them, have so many reports and no more; what fails in the rarest way stays longest.
func TestBounds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, func(c *reports.Config) { c.MaxReports, c.MaxTotal, c.Every = 10, 12<<10, time.Nanosecond })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	fails(s, "shop", "rare", space.CodeDeadline)
	for i := range 40 {
		fails(s, "shop", fmt.Sprintf("c%02d", i), space.CodeCrashed)
		time.Sleep(2 * time.Millisecond) // no more wait than may
	}
	all := list(s, "shop", func(all []reports.Summary) bool { return len(all) > 0 && all[0].ID == "c39" })
	if len(all) != 10 || all[9].ID != "rare" {
		t.Errorf("kept %+v", all)
	}
	for i := range 20 {
		fails(s, space.AppName(fmt.Sprint("app", i)), "id", space.CodeCrashed)
		time.Sleep(2 * time.Millisecond)
	}
	list(s, "app19", func(all []reports.Summary) bool { return len(all) == 1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := bytesIn(t, dir); n > 12<<10 || n < 6<<10 {
		t.Errorf("%d bytes", n)
	}
	if left := list(s, "shop", func([]reports.Summary) bool { return true }); len(left) == 10 {
		t.Error("the oldest of all apps are kept")
	}
}

// list waits until an app's reports fit, for a while.
func list(s *reports.Store, app space.AppName, fits func([]reports.Summary) bool) (all []reports.Summary) {
	for range 1000 {
		if all, _ = s.List(app); fits(all) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return all
}

func bytesIn(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(d.Name(), "counts.json") {
			info, err := d.Info()
			if err != nil {
				return err
			}
			total += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// A guest and a visitor who send as much as they can fill no more than a report may have.
func TestReportIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	s.Note("shop", "web", 1, space.CodeCrashed, func() *reports.Failure {
		r := httptest.NewRequest(http.MethodGet, "/"+strings.Repeat("x", 100_000)+"?"+strings.Repeat("y=1&", 100_000), nil)
		for i := range 5000 {
			r.Header.Set(fmt.Sprint("X-", i), strings.Repeat("\x01", 5000))
		}
		e := &space.Error{Code: space.CodeCrashed, Message: strings.Repeat("m", 1<<20), Detail: strings.Repeat("frame\n", 1<<20)}
		for range 5000 {
			e.Words = append(e.Words, strings.Repeat("é", 5000))
		}
		return &reports.Failure{App: "shop", Micro: "web", Revision: 1, ID: "id", Began: time.Now(), Request: r, Err: e}
	})
	s = reopened(t, s, dir)
	r, err := s.Get("shop", "id")
	if err != nil || len(r.Stack) != 100 || len(r.Log) < 10 || len(r.Request.Headers) != 64 {
		t.Errorf("%d frames, %d lines, %d headers, %v", len(r.Stack), len(r.Log), len(r.Request.Headers), err)
	}
	if n := bytesIn(t, dir); n > 300<<10 {
		t.Errorf("%d bytes", n)
	}
}

// T14: the next app of a name finds nothing of the first, also where that was still failing.
func TestRemove(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	began := time.Now()
	if err := s.Remove("shop"); err != nil {
		t.Fatal(err)
	}
	s.Note("shop", "web", 1, space.CodeCrashed, func() *reports.Failure {
		return &reports.Failure{App: "shop", Micro: "web", Revision: 1, ID: "late", Began: began, Err: &space.Error{Code: space.CodeCrashed}}
	})
	time.Sleep(time.Millisecond)
	fails(s, "shop", "next", space.CodeExited)
	fails(s, "gone", "id", space.CodeExited)
	s = reopened(t, s, dir)
	if all, _ := s.List("shop"); len(all) != 1 || all[0].ID != "next" {
		t.Errorf("got %+v", all)
	}
	if err := s.Sweep(map[string]bool{"shop": true}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

// What a crash or somebody else left is no report, and goes.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	fails(s, "shop", "good", space.CodeExited)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"half.json": `{"id":"half`, "x.json.part": "x", "other.json": `{"id":"another"}`, "counts.json": "["} {
		if err := os.WriteFile(filepath.Join(dir, "shop", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, nil)
	if all, counts := s.List("shop"); len(all) != 1 || all[0].ID != "good" || len(counts) != 0 {
		t.Errorf("got %+v, %+v", all, counts)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "shop", "*"))
	if len(files) != 2 { // with the counts, which begin anew
		t.Errorf("left %v", files)
	}
}

// Old reports go.
func TestAge(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		fails(s, "shop", "old", space.CodeExited)
		time.Sleep(14*24*time.Hour - time.Minute)
		if all, _ := s.List("shop"); len(all) != 1 {
			t.Errorf("got %+v", all)
		}
		time.Sleep(48 * time.Hour)
		if all, _ := s.List("shop"); len(all) != 0 {
			t.Errorf("got %+v", all)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if n := bytesIn(t, dir); n != 0 {
		t.Errorf("%d bytes", n)
	}
}

// T24: on a disk that is nearly full nothing is written, which is told.
func TestNoRoom(t *testing.T) {
	dir := t.TempDir()
	var said []error
	s := open(t, dir, func(c *reports.Config) {
		c.Room, c.OnError = func(int64) bool { return false }, func(err error) { said = append(said, err) }
	})
	fails(s, "shop", "id", space.CodeExited)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := bytesIn(t, dir); n != 0 || len(said) != 1 || !strings.Contains(said[0].Error(), "nearly full") {
		t.Errorf("%d bytes, %v", n, said)
	}
}

func BenchmarkNoteAlike(b *testing.B) {
	s, err := reports.Open(reports.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		s.Note("shop", "web", 1, space.CodeQueueFull, nil)
	}
}
