package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/logs"
)

// all counts the bytes of all apps' files.
func all(t *testing.T, dir string, apps int) int64 {
	t.Helper()
	var total int64
	for i := range apps {
		total += bytesOn(t, dir, fmt.Sprintf("app-%d", i))
	}
	return total
}

// T24: the logs of all apps have a bound together; the oldest go, whosever they are.
func TestTotalBudget(t *testing.T) {
	const apps, segmentBytes, maxTotal = 8, 1 << 10, 32 << 10
	dir := t.TempDir()
	change := func(c *logs.Config) {
		c.SegmentBytes, c.MaxBytes, c.MaxTotal = segmentBytes, 16<<10, maxTotal
	}
	s := open(t, dir, change)
	appendAll(t, s, "app-0", numbered(0, 5)...) // quiet from here on
	for i := range 200 {
		for app := 1; app < apps; app++ {
			appendAll(t, s, fmt.Sprintf("app-%d", app), numbered(3*i, 3*i+3)...)
			if total := all(t, dir, apps); total > maxTotal {
				t.Fatalf("%d bytes after round %d", total, i)
			}
		}
	}
	if got := read(t, s, "app-0", logs.Query{}); len(got) > 0 {
		t.Errorf("the oldest are kept: %q", messages(got))
	}
	for app := 1; app < apps; app++ {
		got := messages(read(t, s, fmt.Sprintf("app-%d", app), logs.Query{}))
		if want := messages(numbered(600-len(got), 600)); len(got) < 10 || !slices.Equal(got, want) {
			t.Errorf("app-%d has %d entries, %q; want the newest without a gap", app, len(got), got)
		}
	}
	before := all(t, dir, apps)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, change) // which counts what is there
	for i := range 200 {
		appendAll(t, s, "late", numbered(i, i+1)...)
		if total := all(t, dir, apps) + bytesOn(t, dir, "late"); total > maxTotal {
			t.Fatalf("%d bytes; there were %d", total, before)
		}
	}
}

// T24: where the disk has no room, lines are dropped, which is said once; later ones are kept again.
func TestNoRoom(t *testing.T) {
	var said []string
	room := true
	s := open(t, t.TempDir(), func(c *logs.Config) {
		c.Room = func(int64) bool { return room }
		c.OnError = func(err error) { said = append(said, err.Error()) }
	})
	w := s.Writer("app", "m", "r")
	defer w.Close()
	for i, open := range []bool{true, false, false, true, false} {
		room = open
		fmt.Fprintf(w, "line %d\n", i)
	}
	wantMessages(t, read(t, s, "app", logs.Query{}), []string{"line 0", "line 3"})
	if len(said) != 2 || !strings.Contains(said[0], "nearly full") {
		t.Errorf("said %q", said)
	}
}

// A crash between an app's removal and that of its logs leaves none for the next app of the name.
func TestSweepLogs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	for _, app := range []string{"lives", "gone"} {
		appendAll(t, s, app, numbered(0, 1)...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	if err := s.Sweep(map[string]bool{"lives": true}); err != nil {
		t.Fatal(err)
	}
	wantMessages(t, read(t, s, "gone", logs.Query{}), nil)
	wantMessages(t, read(t, s, "lives", logs.Query{}), []string{"message 000000"})
	if left := segments(t, dir, "gone"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
