package logs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/logs"
)

// answered is the entry of a request that was answered just now.
func answered(id string, status int) logs.Entry {
	return logs.Entry{
		Time: time.Now(), Micro: "m", Request: id,
		HTTP: &logs.Exchange{Method: "GET", Path: "/" + id, Status: status, Bytes: 3, TookMS: 0.001, Start: "reset", Fuel: 7, Memory: 65536},
	}
}

// running has the store's Run run; the function that is returned ends it, and waits.
func running(t *testing.T, s *logs.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func ids(entries []logs.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Request)
	}
	return all
}

// Requests are read in their order, by all that tells them apart, with what was said of them.
func TestRequests(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	for i, status := range []int{200, 404, 502, 503} {
		s.Note("shop", answered(fmt.Sprint("r", i), status))
	}
	s.Note("other", answered("o", 200))
	w := s.Writer("shop", "m", "r2")
	fmt.Fprintln(w, "Ouch")
	w.Platform("crashed", "it crashed")
	if err := s.Close(); err != nil { // which stores what waits
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	appendAll(t, s, "shop", logs.Entry{Micro: "n", Source: logs.SourceGuest, Message: "later"})
	for what, c := range map[string]struct {
		q    logs.Query
		want string
	}{
		"what was said": {logs.Query{}, "r2,r2,"},
		"requests":      {logs.Query{Sources: []string{logs.SourceRequest}}, "r0,r1,r2,r3"},
		"all":           {logs.Query{Sources: logs.AllSources()}, "r0,r1,r2,r3,r2,r2,"},
		"a class":       {logs.Query{Status: logs.Status{From: 500, To: 599}}, "r2,r3"},
		"a status":      {logs.Query{Status: logs.Status{From: 404, To: 404}, Sources: logs.AllSources()}, "r1"},
		"one request":   {logs.Query{Request: "r2"}, "r2,r2,r2"},
		"a path":        {logs.Query{Text: "GET /R3", Sources: logs.AllSources()}, "r3"},
		"a text":        {logs.Query{Text: "oUCH"}, "r2"},
		"a code":        {logs.Query{Text: "crashed"}, "r2"},
		"a Micro":       {logs.Query{Micro: "n", Sources: logs.AllSources()}, ""},
		"the newest":    {logs.Query{Sources: logs.AllSources(), Last: 3}, "r2,r2,"},
		"few":           {logs.Query{Sources: []string{logs.SourceRequest}, Last: 9}, "r0,r1,r2,r3"},
		"the past":      {logs.Query{Sources: logs.AllSources(), Until: time.Now().Add(-time.Hour)}, ""},
		"the future":    {logs.Query{Sources: logs.AllSources(), Since: time.Now().Add(time.Hour)}, ""},
	} {
		if got := strings.Join(ids(read(t, s, "shop", c.q)), ","); got != c.want {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
	got := read(t, s, "shop", logs.Query{Request: "r0"})
	if want := "GET /r0 200 in 0.0 ms, 3 bytes, reset"; len(got) != 1 || got[0].Message != want || got[0].HTTP.Fuel != 7 || got[0].HTTP.Memory != 65536 {
		t.Errorf("got %+v", got)
	}
}

// Who follows several sources misses nothing of either, and sees the order of each.
func TestFollowRequests(t *testing.T) {
	s := open(t, t.TempDir(), func(c *logs.Config) { c.SegmentBytes = 8 << 10 })
	running(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := &follower{entries: make(chan logs.Entry)}
	go func() {
		defer close(f.entries)
		f.err = s.Read(ctx, "shop", logs.Query{Sources: logs.AllSources(), Follow: true, Text: "e"}, func(e logs.Entry) error {
			f.entries <- e
			return nil
		})
	}()
	const each = 200
	go func() {
		for i := range each {
			s.Note("shop", answered(fmt.Sprint(i), 200))
			w := s.Writer("shop", "m", fmt.Sprint(i))
			fmt.Fprintln(w, "line", i)
			fmt.Fprintln(w, "not this")
		}
	}()
	next := map[string]int{}
	for _, e := range f.take(t, 2*each) {
		if e.Request != fmt.Sprint(next[e.Source]) {
			t.Fatalf("%s %s, want %d", e.Source, e.Request, next[e.Source])
		}
		next[e.Source]++
	}
	cancel()
	if err := f.end(t); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// T24: who serves requests never waits for their log: what is too much is dropped, and the log says so.
func TestRequestsAreDropped(t *testing.T) {
	const most, more = 8192, 100
	dir := t.TempDir()
	s := open(t, dir, nil)
	for i := range most + more { // nobody stores them meanwhile
		s.Note("shop", answered(fmt.Sprint(i), 200))
	}
	running(t, s)
	var got []logs.Entry
	for began := time.Now(); len(got) == 0 && time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
		got = read(t, s, "shop", logs.Query{Sources: []string{logs.SourceRequest}, Text: "100 requests are not listed"})
	}
	if len(got) != 1 {
		t.Fatalf("got %+v", got)
	}
	if all := read(t, s, "shop", logs.Query{Status: logs.Status{From: 200, To: 200}}); len(all) != most {
		t.Errorf("%d are stored, want %d", len(all), most)
	}
}

// Apps that have been asked keep no file open: a node may have thousands of them.
func TestRequestsKeepNoFileOpen(t *testing.T) {
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc")
		}
		return len(all)
	}
	s := open(t, t.TempDir(), nil)
	before := descriptors()
	for i := range 100 {
		s.Note(fmt.Sprint("app-", i), answered("id", 200))
	}
	stop := running(t, s)
	for i := range 100 {
		for began := time.Now(); len(read(t, s, fmt.Sprint("app-", i), logs.Query{Request: "id"})) == 0; time.Sleep(time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatal("not stored")
			}
		}
	}
	stop()
	if after := descriptors(); after > before+10 {
		t.Errorf("%d files are open, before %d", after, before)
	}
}

// Many requests push out no line of the Micros.
func TestRequestsAreApart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, func(c *logs.Config) { c.SegmentBytes, c.MaxBytes = 2<<10, 8<<10 })
	appendAll(t, s, "shop", numbered(0, 5)...)
	for i := range 1000 {
		s.Note("shop", answered(fmt.Sprint(i), 200))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	wantMessages(t, read(t, s, "shop", logs.Query{}), messages(numbered(0, 5)))
	kept := ids(read(t, s, "shop", logs.Query{Sources: []string{logs.SourceRequest}}))
	if n := bytesOn(t, dir, "shop+requests"); n > 8<<10 || len(kept) == 0 || kept[len(kept)-1] != "999" {
		t.Errorf("%d bytes, %d requests", n, len(kept))
	}
}

// T14: requests that an app was still answering while it was removed are not in the log of the next app of the name.
func TestLateRequest(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	s.Note("shop", answered("first", 200))
	late := answered("late", 200)
	late.HTTP.TookMS = 60_000 // it had begun before
	if err := s.Remove("shop"); err != nil {
		t.Fatal(err)
	}
	late.Time = time.Now()
	s.Note("shop", late)
	time.Sleep(time.Millisecond) // the clock may be coarse
	s.Note("shop", answered("next", 200))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	if got := ids(read(t, s, "shop", logs.Query{Sources: logs.AllSources()})); !slices.Equal(got, []string{"next"}) {
		t.Errorf("got %q", got)
	}
	if err := s.Sweep(nil); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestLongPathIsCut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	e := answered("long", 200)
	e.HTTP.Path = "/" + strings.Repeat("\x01", 100_000)
	s.Note("shop", e)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := bytesOn(t, dir, "shop+requests"); n > 8<<10 {
		t.Errorf("%d bytes", n)
	}
	if len(e.HTTP.Path) != 100_001 {
		t.Error("the caller's entry was changed")
	}
}

func TestParseStatus(t *testing.T) {
	for text, want := range map[string]logs.Status{"": {}, "404": {404, 404}, "5xx": {500, 599}, "2XX": {200, 299}} {
		if got, err := logs.ParseStatus(text); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0xx", "6xx", "99", "600", "x", "5x", "-1", "4xx5"} {
		if got, err := logs.ParseStatus(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// The tail has the last of what a guest wrote, within bounds.
func TestTail(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	w := s.Writer("shop", "m", "r")
	for i := range 1000 {
		fmt.Fprintln(w, i)
	}
	fmt.Fprint(w, "unended")
	w.Platform("crashed", "not the guest's")
	got := w.Tail()
	if len(got) != 200 || got[0] != "801" || got[198] != "999" || got[199] != "unended" {
		t.Errorf("%d lines, %q", len(got), got)
	}
	fmt.Fprintln(w, strings.Repeat("x", 8<<10))
	for range 10 {
		fmt.Fprintln(w, strings.Repeat("y", 5<<10))
	}
	if total := len(strings.Join(w.Tail(), "")); total > 32<<10 || total < 20<<10 {
		t.Errorf("%d bytes", total)
	}
}

func BenchmarkNote(b *testing.B) {
	s, err := logs.Open(logs.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	e := answered("0123456789abcdef", 200)
	b.ReportAllocs()
	for b.Loop() {
		s.Note("shop", e)
	}
	cancel()
	if err := errors.Join(<-done, s.Close()); err != nil && !errors.Is(err, os.ErrClosed) {
		b.Fatal(err)
	}
}
