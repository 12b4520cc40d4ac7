package profile_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/profile"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

func guest(names ...string) []wasi.Frame {
	var frames []wasi.Frame
	for _, name := range names {
		frames = append(frames, wasi.Frame{Name: name})
	}
	return frames
}

func found() *profile.Profile {
	return &profile.Profile{
		App: "shop", Micro: "api", Revision: 3, Began: time.Unix(1000, 0), Took: 2 * time.Second, Requests: 7, Samples: 6,
		Stacks: []wasi.Sample{
			{Frames: guest("leaf", "main"), Count: 3, Fuel: 300, Time: 3 * time.Millisecond},
			{Frames: guest("main"), Count: 1, Fuel: 100, Time: time.Millisecond},
			{Frames: append([]wasi.Frame{{Name: "fd_write", Host: true}}, guest("leaf", "main")...), Count: 2, Time: 2 * time.Millisecond},
		},
	}
}

func TestWritePprof(t *testing.T) {
	var file bytes.Buffer
	if err := found().WritePprof(&file); err != nil {
		t.Fatal(err)
	}
	p, err := pprof.Parse(&file)
	if err != nil {
		t.Fatal(err)
	}
	if p.DefaultSampleType != "time" || p.DurationNanos != 2e9 || len(p.Sample) != 3 || len(p.Function) != 3 {
		t.Errorf("%v", p)
	}
	if len(p.Comments) != 1 || !strings.Contains(p.Comments[0], "Micro api of the app shop, revision 3: 7 requests") {
		t.Errorf("%q", p.Comments)
	}
	last := p.Sample[2]
	if name := last.Location[0].Line[0].Function.Name; name != "fd_write" || len(last.Location) != 3 || fmt.Sprint(last.Value) != "[2 0 2000000]" {
		t.Errorf("%v", last)
	}
}

func TestTree(t *testing.T) {
	root := found().Tree()
	if root.Name != "api" || root.Samples != 6 || root.Fuel != 400 || root.TimeNS != 6e6 || len(root.Children) != 1 {
		t.Fatalf("%+v", root)
	}
	main := root.Children[0]
	if main.Name != "main" || main.TimeNS != 6e6 || len(main.Children) != 1 || main.Host {
		t.Fatalf("%+v", main)
	}
	leaf := main.Children[0]
	if leaf.TimeNS != 5e6 || len(leaf.Children) != 1 || leaf.Children[0].Name != "fd_write" || !leaf.Children[0].Host {
		t.Errorf("%+v", leaf)
	}
}

// A guest that makes as many stacks as it can makes no large tree: what cannot be seen is
// summed up, and nothing is lost.
func TestTreeIsBounded(t *testing.T) {
	p := found()
	for i := range 20_000 {
		name := fmt.Sprint("f", i)
		p.Stacks = append(p.Stacks, wasi.Sample{Frames: guest(name, name, name, "main"), Count: 1, Fuel: 1, Time: time.Microsecond})
	}
	nodes := 0
	var count func(f wire.Frame) int64
	count = func(f wire.Frame) int64 {
		nodes++
		own := f.TimeNS
		for _, c := range f.Children {
			own -= count(c)
		}
		if own < 0 {
			t.Fatalf("%s has less than what it called", f.Name)
		}
		return f.TimeNS
	}
	if all := count(p.Tree()); all != 26e6 || nodes > 10 {
		t.Errorf("%d ns in %d nodes", all, nodes)
	}
}

func TestNote(t *testing.T) {
	for _, c := range []struct {
		p    profile.Profile
		says string
	}{
		{profile.Profile{}, "nothing ran"},
		{profile.Profile{Requests: 1}, "too short"},
		{profile.Profile{Requests: 1, Samples: 1}, ""},
	} {
		if note := c.p.Note(); !strings.Contains(note, c.says) || (c.says == "") != (note == "") {
			t.Errorf("%+v: %q", c.p, note)
		}
	}
}

// What cannot be profiled is told with the mend.
func TestRunRefuses(t *testing.T) {
	live := registry.New()
	live.Publish(&registry.App{App: space.App{Name: "failed"}, Failed: "its code is gone"})
	live.Publish(&registry.App{App: space.App{Name: "new"}})
	p := profile.New(live)
	for _, c := range []struct {
		app  space.AppName
		code space.Code
		says string
	}{
		{"none", space.CodeNotFound, `no app "none"`},
		{"failed", space.CodeRefused, "its code is gone"},
		{"new", space.CodePreparing, "try again"},
	} {
		_, err := p.Run(t.Context(), c.app, "", time.Second)
		if e := space.AsError(err); e.Code != c.code || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %v", c.app, err)
		}
	}
}
