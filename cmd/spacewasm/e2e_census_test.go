package main_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// census is what the server holds of the machine.
type census struct {
	files    map[string]int // open ones, by name; those without a name by kind
	code     int            // mappings that can be executed
	mappings int
	threads  int
	resident int64 // bytes
}

// take takes stock of the server.
func (s *server) take() census {
	s.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	c := census{files: map[string]int{}}
	for _, path := range glob(s.t, proc, "fd/*") {
		name, err := os.Readlink(path)
		if err != nil {
			continue // closed meanwhile
		}
		kind, _, _ := strings.Cut(name, ":[")
		kind = strings.TrimPrefix(kind, s.data)
		if log, ok := strings.CutPrefix(kind, "/logs/"); ok {
			kind = "/logs/" + filepath.Dir(log) // the files of a log are numbered
		}
		c.files[kind]++
	}
	maps, err := os.Open(proc + "maps")
	must(s.t, err)
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		c.mappings++
		if strings.Contains(lines.Text(), " r-xp 00000000 00:00 0") {
			c.code++
		}
	}
	c.threads = len(glob(s.t, proc, "task/*"))
	var pages, resident int64
	_, err = fmt.Sscan(string(read(s.t, proc+"statm")), &pages, &resident)
	must(s.t, err)
	c.resident = resident * int64(os.Getpagesize())
	return c
}

// connections is how many of the database package sql keeps for later, once so many
// were needed at a time.
const connections = 2

// compare fails the test for what the server holds more than before. Go keeps
// some of its own: threads, and a heap as large as it once was.
func (c census) compare(t *testing.T, before census) {
	t.Helper()
	for name, n := range c.files {
		most := before.files[name]
		if strings.HasPrefix(name, "/spacewasm.db") {
			most = max(most, connections)
		}
		if n > most {
			t.Errorf("%s is open %d times, and was %d times", name, n, before.files[name])
		}
	}
	if c.code > before.code {
		t.Errorf("%d mappings of code, %d before", c.code, before.code)
	}
	// Each Micro keeps some instances for later, of two mappings each, and how many
	// depends on how busy it was.
	const micros, idle, each = 21, 8, 2
	if c.mappings > before.mappings+micros*idle*each+16 {
		t.Errorf("%d mappings, %d before", c.mappings, before.mappings)
	}
	if c.threads > before.threads+64 {
		t.Errorf("%d threads, %d before", c.threads, before.threads)
	}
	if c.resident > before.resident+256<<20 {
		t.Errorf("%d MiB resident, %d before", c.resident>>20, before.resident>>20)
	}
	t.Logf("%d files, %d mappings (%d of code), %d threads, %d MiB; before: %d, %d (%d), %d, %d MiB",
		len(c.files), c.mappings, c.code, c.threads, c.resident>>20,
		len(before.files), before.mappings, before.code, before.threads, before.resident>>20)
}

// kept lists what is in the data directory, without the database's own files and
// the compiled code of modules that may come again.
func (s *server) kept() []string {
	s.t.Helper()
	var names []string
	must(s.t, filepath.WalkDir(s.data, func(path string, entry fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, s.data)
		if err == nil && !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") && !strings.HasPrefix(name, "/logs/") && !strings.HasPrefix(name, "/reports/") {
			names = append(names, name)
		}
		return err
	}))
	names = append(names, glob(s.t, s.data, "logs/*")...)
	names = append(names, glob(s.t, s.data, "cache/incoming/*")...)
	names = append(names, glob(s.t, s.data, "cache/*/*.tmp")...)
	return names
}

// creators ends the server with a dump of its goroutines, and counts them by the
// place that started them.
func (s *server) creators() map[string]int {
	s.t.Helper()
	time.Sleep(200 * time.Millisecond) // those of connections end
	must(s.t, s.cmd.Process.Signal(syscall.SIGQUIT))
	s.wait()
	counts := map[string]int{}
	for _, started := range regexp.MustCompile(`(?m)^created by (\S+)`).FindAllStringSubmatch(s.stderr.String(), -1) {
		counts[started[1]]++
	}
	if len(counts) < 3 {
		s.t.Fatalf("no dump of goroutines, but %v", slices.Collect(maps.Keys(counts)))
	}
	return counts
}
