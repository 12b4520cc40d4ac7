package preview1_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// A process that goes on from the state of another has its descriptors, each time.
func TestState(t *testing.T) {
	bundle := newBundle(t)
	g := newGuest(t, options{bundle: bundle})
	file := g.open(root, "file", 0)
	if errno, got := g.read(file, 3); errno != success || got != "012" {
		t.Fatal(errno, got)
	}
	moved := g.open(root, "twin", 0)
	dir := g.open(root, "dir", directory)
	inner := g.open(dir, "inner", 0)
	null := g.open(root, "dev/null", 0)
	g.want(success, "fd_close", 0)
	g.want(success, "fd_renumber", 2, moved)
	g.want(success, "fd_fdstat_set_flags", 1, nonblock)
	_, flags, base, inheriting := g.fdstat(file)
	g.want(success, "random_get", g.room(8), 8)
	state, err := g.process.State()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(state.Drew, " ") != "randomness" || state.Monotonic <= 0 {
		t.Errorf("drew %q at %v", state.Drew, state.Monotonic)
	}
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	var kept preview1.State
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}

	var out, log strings.Builder
	scratch := fs.NewTmp(t.TempDir(), fs.Quota{Bytes: 1 << 20, Inodes: 10}, fs.Shared{})
	defer scratch.Close()
	p := preview1.New(preview1.Config{State: &kept, Preopens: []preview1.Preopen{
		{Name: "/", Dir: fs.ReadOnly(openRoot(t, bundle), fs.Shared{})}, {Name: "/tmp", Dir: scratch.Dir()},
	}})
	defer p.Close()
	g = runGuest(t, p, options{})
	for range 3 {
		out.Reset()
		log.Reset()
		if err := p.Begin(nil, preview1.Stdio{Out: &out, Err: &log}); err != nil {
			t.Fatal(err)
		}
		for _, fd := range []uint64{0, 2} {
			g.want(badf, "fd_fdstat_get", fd, g.room(24))
		}
		if _, f, b, i := g.fdstat(file); f != flags || b != base || i != inheriting {
			t.Errorf("flags %d, rights %x and %x", f, b, i)
		}
		if errno, got := g.read(file, 20); errno != success || got != "3456789" {
			t.Errorf("errno %d, %q", errno, got)
		}
		if errno, got := g.read(inner, 20); errno != success || got != "" {
			t.Errorf("errno %d, %q", errno, got)
		}
		if errno, _ := g.openAt(dir, "inner", how{rights: fdRead}); errno != success {
			t.Errorf("in the folder: errno %d", errno)
		}
		if errno, n := g.write(null, "x"); errno != badf || n != 0 { // it was opened to be read
			t.Errorf("null device: errno %d, %d", errno, n)
		}
		g.write(1, "answer")
		g.write(moved, "log")
		if out.String() != "answer" || log.String() != "log" {
			t.Errorf("standard output %q, error %q", &out, &log)
		}
		if _, f, _, _ := g.fdstat(1); f != nonblock {
			t.Errorf("the flags of standard output are %d", f)
		}
	}
}

// What could not be opened again is not in any state.
func TestNoState(t *testing.T) {
	for name, do := range map[string]func(*guest){
		`the file "f" is open`:   func(g *guest) { g.open(tmp, "f", create) },
		`the folder "." is open`: func(g *guest) { g.open(tmp, ".", directory) },
	} {
		g := newGuest(t, options{})
		do(g)
		if _, err := g.process.State(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A state that no process can have come to is an error.
func TestBadState(t *testing.T) {
	bundle := openRoot(t, newBundle(t))
	scratch := fs.NewTmp(t.TempDir(), fs.Quota{Bytes: 1 << 20, Inodes: 10}, fs.Shared{})
	defer scratch.Close()
	for name, open := range map[string][]preview1.Open{
		"below 0":          {{Number: -1, Start: 1}},
		"too large":        {{Number: 256, Start: 1}},
		"twice":            {{Number: 4, Start: 1}, {Number: 4, Start: 2}},
		"no start":         {{Number: 0, Start: 6}},
		"start below 0":    {{Number: 0, Start: -1}},
		"no preopen":       {{Number: 0, Preopen: 2, Path: "file"}},
		"preopen below 0":  {{Number: 0, Preopen: -1, Path: "file"}},
		"of what changes":  {{Number: 0, Preopen: 1, Path: "file"}},
		"gone":             {{Number: 0, Path: "nothing"}},
		"no folder":        {{Number: 0, Path: "file", Dir: true}},
		"outside":          {{Number: 0, Path: "../file"}},
		"offset below 0":   {{Number: 0, Path: "file", Offset: -1}},
		"a folder as file": {{Number: 0, Path: "dir"}},
	} {
		p := preview1.New(preview1.Config{State: &preview1.State{Open: open}, Preopens: []preview1.Preopen{
			{Name: "/", Dir: fs.ReadOnly(bundle, fs.Shared{})}, {Name: "/tmp", Dir: scratch.Dir()},
		}})
		if err := p.Begin(nil, preview1.Stdio{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
