package logs_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/logs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store with the configuration that change makes of the default one, and closes it after the test.
func open(t *testing.T, dir string, change func(*logs.Config)) *logs.Store {
	t.Helper()
	c := logs.DefaultConfig(dir)
	c.OnError = func(err error) { t.Errorf("OnError: %v", err) }
	if change != nil {
		change(&c)
	}
	s, err := logs.Open(c)
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

func appendAll(t *testing.T, s *logs.Store, app string, entries ...logs.Entry) {
	t.Helper()
	if err := s.Append(app, entries...); err != nil {
		t.Fatal(err)
	}
}

// numbered are entries with the messages from, from+1 up to but not including to.
func numbered(from, to int) []logs.Entry {
	var entries []logs.Entry
	for i := from; i < to; i++ {
		entries = append(entries, logs.Entry{Micro: "m", Source: logs.SourceGuest, Message: fmt.Sprintf("message %06d", i)})
	}
	return entries
}

func messages(entries []logs.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Message)
	}
	return out
}

func read(t *testing.T, s *logs.Store, app string, q logs.Query) []logs.Entry {
	t.Helper()
	var out []logs.Entry
	err := s.Read(context.Background(), app, q, func(e logs.Entry) error {
		out = append(out, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantMessages(t *testing.T, got []logs.Entry, want []string) {
	t.Helper()
	if !slices.Equal(messages(got), want) {
		t.Errorf("got %q, want %q", messages(got), want)
	}
}

// segments are the paths of an app's files, oldest first.
func segments(t *testing.T, dir, app string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, app, "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func bytesOn(t *testing.T, dir, app string) (total int64) {
	t.Helper()
	for _, name := range segments(t, dir, app) {
		total += stat(t, name).Size()
	}
	return total
}

func stat(t *testing.T, name string) fs.FileInfo {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
