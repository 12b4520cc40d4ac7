package logs_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host/logs"
)

const day = 24 * time.Hour

func TestRunPrunesByAge(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		small := func(c *logs.Config) { c.SegmentBytes = 1 } // every entry its own segment
		s := open(t, dir, small)
		appendAll(t, s, "quiet", numbered(0, 2)...)
		appendAll(t, s, "shop", numbered(0, 2)...)
		time.Sleep(7 * day)
		appendAll(t, s, "shop", numbered(2, 4)...)
		if err := s.Close(); err != nil { // apps that were not touched since the start are pruned too
			t.Fatal(err)
		}
		s = open(t, dir, small)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()

		time.Sleep(6 * day)
		synctest.Wait()
		wantSegments(t, dir, "shop", 4)
		time.Sleep(2*day + time.Hour)
		synctest.Wait()
		wantSegments(t, dir, "shop", 2)
		wantSegments(t, dir, "quiet", 0)
		wantMessages(t, read(t, s, "shop", logs.Query{}), messages(numbered(2, 4)))

		time.Sleep(10 * day)
		synctest.Wait()
		wantSegments(t, dir, "shop", 0)
		appendAll(t, s, "shop", numbered(4, 5)...)
		wantMessages(t, read(t, s, "shop", logs.Query{}), messages(numbered(4, 5)))
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

// The newest entry decides, wherever it stands.
func TestSegmentLivesAsLongAsItsNewestEntry(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, nil)
		now := time.Now()
		appendAll(t, s, "shop",
			logs.Entry{Time: now.Add(-20 * day), Message: "first"},
			logs.Entry{Time: now.Add(-10 * day), Message: "newest"},
			logs.Entry{Time: now.Add(-15 * day), Message: "last"},
		)
		pruneOnce(t, s)
		wantSegments(t, dir, "shop", 1)
		wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"newest"})
		time.Sleep(5 * day)
		pruneOnce(t, s)
		wantSegments(t, dir, "shop", 0)
	})
}

func pruneOnce(t *testing.T, s *logs.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func wantSegments(t *testing.T, dir, app string, want int) {
	t.Helper()
	if got := segments(t, dir, app); len(got) != want {
		t.Errorf("%s has segments %v, want %d", filepath.Base(app), got, want)
	}
}

// A follower goes on when everything that it has read is pruned.
func TestFollowOverPruning(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, nil)
		appendAll(t, s, "shop", numbered(0, 1)...)
		ctx, cancel := context.WithCancel(t.Context())
		f := &follower{entries: make(chan logs.Entry, 2)}
		go func() {
			defer close(f.entries)
			f.err = s.Read(ctx, "shop", logs.Query{Follow: true}, func(e logs.Entry) error {
				f.entries <- e
				return nil
			})
		}()
		synctest.Wait()
		time.Sleep(15 * day)
		pruneOnce(t, s)
		wantSegments(t, dir, "shop", 0)
		appendAll(t, s, "shop", numbered(1, 2)...)
		synctest.Wait()
		cancel()
		var got []logs.Entry
		for e := range f.entries {
			got = append(got, e)
		}
		wantMessages(t, got, messages(numbered(0, 2)))
	})
}
