package logs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/logs"
)

func TestEntrySurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	want := logs.Entry{
		Time: time.Now().UTC().Round(0), Micro: "api", Request: "r1", Source: logs.SourcePlatform, Code: "crashed",
		Message: "trap: unreachable\n\tat main.f <&> \x1b[31m\x00",
	}
	appendAll(t, s, "shop", want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	appendAll(t, s, "shop", logs.Entry{Micro: "api", Source: logs.SourceGuest, Message: "second"})
	got := read(t, s, "shop", logs.Query{})
	if len(got) != 2 || got[0] != want {
		t.Fatalf("got %+v, want %+v first", got, want)
	}
	if age := time.Since(got[1].Time); age < 0 || age > time.Minute {
		t.Errorf("a zero time became %v", got[1].Time)
	}
	if n := len(segments(t, dir, "shop")); n != 1 {
		t.Errorf("%d segments, want the old one to be continued", n)
	}
}

func TestQuery(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	now := time.Now().UTC()
	appendAll(t, s, "shop",
		logs.Entry{Time: now.Add(-15 * 24 * time.Hour), Micro: "a", Message: "too old"},
		logs.Entry{Time: now.Add(-2 * time.Hour), Micro: "a", Message: "a old"},
		logs.Entry{Time: now.Add(-time.Hour), Micro: "b", Message: "b"},
		logs.Entry{Time: now, Micro: "a", Message: "a new"},
	)
	for _, tc := range []struct {
		name string
		app  string
		q    logs.Query
		want []string
	}{
		{"everything", "shop", logs.Query{}, []string{"a old", "b", "a new"}},
		{"one Micro", "shop", logs.Query{Micro: "a"}, []string{"a old", "a new"}},
		{"since, inclusive", "shop", logs.Query{Since: now.Add(-time.Hour)}, []string{"b", "a new"}},
		{"both", "shop", logs.Query{Micro: "a", Since: now.Add(-time.Hour)}, []string{"a new"}},
		{"since before the age cap", "shop", logs.Query{Since: now.Add(-99 * 24 * time.Hour)}, []string{"a old", "b", "a new"}},
		{"app without logs", "other", logs.Query{}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) { wantMessages(t, read(t, s, tc.app, tc.q), tc.want) })
	}
}

func TestReadStopsWithTheCallersError(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	appendAll(t, s, "shop", numbered(0, 3)...)
	stop := errors.New("stop")
	calls := 0
	err := s.Read(t.Context(), "shop", logs.Query{}, func(logs.Entry) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// T24: an app that logs too much fills files of its own and nothing else.
func TestRotationKeepsOrderAndCap(t *testing.T) {
	dir := t.TempDir()
	const maxBytes, segmentBytes = 4096, 1024
	change := func(c *logs.Config) { c.MaxBytes, c.SegmentBytes = maxBytes, segmentBytes }
	s := open(t, dir, change)
	for i := range 200 {
		appendAll(t, s, "shop", numbered(3*i, 3*i+3)...)
		if n := bytesOn(t, dir, "shop"); n > maxBytes {
			t.Fatalf("%d bytes on disk after %d appends", n, i+1)
		}
	}
	appendAll(t, s, "quiet", numbered(0, 1)...) // another app's cap is its own
	for _, name := range segments(t, dir, "shop") {
		if n := stat(t, name).Size(); n > segmentBytes {
			t.Errorf("%s has %d bytes", name, n)
		}
	}
	got := messages(read(t, s, "shop", logs.Query{}))
	want := messages(numbered(600-len(got), 600))
	if len(got) < 15 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("kept %d entries, %q; want the newest without a gap", len(got), got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantMessages(t, read(t, open(t, dir, change), "shop", logs.Query{}), got)
}

func TestOneAppendOverManySegments(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, func(c *logs.Config) { c.SegmentBytes = 1000 })
	entries := numbered(0, 100)
	entries[50].Message = strings.Repeat("x", 3000) // alone larger than a segment
	appendAll(t, s, "shop", entries...)
	wantMessages(t, read(t, s, "shop", logs.Query{}), messages(entries))
	if n := len(segments(t, dir, "shop")); n < 10 {
		t.Errorf("%d segments", n)
	}
}

// What a crash or a full disk may leave at the end of the newest segment.
func TestDamagedEndIsSkipped(t *testing.T) {
	whole := `{"time":"` + time.Now().UTC().Format(time.RFC3339) + `","micro":"m","source":"guest","message":"unended"}`
	for name, tc := range map[string]struct {
		tail string
		want []string // between the first entry and the one after the restart
	}{
		"cut line":             {whole[:40], nil},
		"garbage":              {"\x00\x00\x00\xff{", nil},
		"garbage line":         {"garbage\n\n{}\nnull\n[1]\n", nil},
		"whole but for its LF": {whole, []string{"unended"}},
		"nothing":              {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, nil)
			appendAll(t, s, "shop", numbered(0, 1)...)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damage(t, segments(t, dir, "shop")[0], tc.tail)
			s = open(t, dir, nil)
			wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"message 000000"})
			appendAll(t, s, "shop", numbered(1, 2)...)
			want := append(append([]string{"message 000000"}, tc.want...), "message 000001")
			wantMessages(t, read(t, s, "shop", logs.Query{}), want)
		})
	}
}

func damage(t *testing.T, name, tail string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(tail); err != nil {
		t.Fatal(err)
	}
}

func TestDeletedFilesDoNotStopAppending(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	appendAll(t, s, "shop", numbered(0, 1)...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	read(t, s, "shop", logs.Query{}) // it knows of the file now
	if err := os.RemoveAll(filepath.Join(dir, "shop")); err != nil {
		t.Fatal(err)
	}
	appendAll(t, s, "shop", numbered(1, 2)...)
	wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"message 000001"})
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	s := open(t, dir, nil)
	appendAll(t, s, "shop", numbered(0, 1)...)
	for name, want := range map[string]fs.FileMode{
		dir: 0o700 | fs.ModeDir, filepath.Join(dir, "shop"): 0o700 | fs.ModeDir, segments(t, dir, "shop")[0]: 0o600,
	} {
		if got := stat(t, name).Mode(); got != want {
			t.Errorf("%s has mode %v, want %v", name, got, want)
		}
	}
}

func TestNamesStayInside(t *testing.T) {
	outer := t.TempDir()
	s := open(t, filepath.Join(outer, "logs"), nil)
	appendAll(t, s, "shop", numbered(0, 1)...)
	for _, name := range []string{"", ".", "..", "../x", "/x", "shop/x", "a\x00b"} {
		if err := s.Append(name, numbered(0, 1)...); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("append to %q: %v", name, err)
		}
		if err := s.Remove(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("remove %q: %v", name, err)
		}
	}
	if err := os.Symlink(outer, filepath.Join(outer, "logs", "link")); err != nil {
		t.Fatal(err)
	}
	if err := s.Append("link", numbered(0, 1)...); err == nil {
		t.Error("a link out of the directory was followed")
	}
	wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"message 000000"})
}

func TestRemoveStartsAnew(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	appendAll(t, s, "shop", numbered(0, 1)...)
	w := s.Writer("shop", "m", "r")
	if err := s.Remove("shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("late\n")); err != nil {
		t.Error(err)
	}
	w.Platform("deadline", "too late")
	if _, err := os.Stat(filepath.Join(dir, "shop")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
	appendAll(t, s, "shop", numbered(1, 2)...)
	wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"message 000001"})
	if err := s.Remove("never-there"); err != nil {
		t.Error(err)
	}
}

func TestCloseTwiceThenUse(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	appendAll(t, s, "shop", numbered(0, 1)...)
	w := s.Writer("shop", "m", "r")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.Write([]byte("late\n")); n != 5 || err != nil {
		t.Errorf("a guest's write after Close: %d, %v", n, err)
	}
	noop := func(logs.Entry) error { return nil }
	for name, err := range map[string]error{
		"append": s.Append("shop", numbered(0, 1)...), "remove": s.Remove("shop"), "read": s.Read(t.Context(), "shop", logs.Query{}, noop),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

func TestOpenRefusesTooSmallACap(t *testing.T) {
	c := logs.DefaultConfig(t.TempDir())
	c.MaxBytes = 2*c.SegmentBytes - 1
	if _, err := logs.Open(c); err == nil {
		t.Error("opened")
	}
}
