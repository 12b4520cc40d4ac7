package project_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

// builds is a project whose builds are told of by hand.
type builds struct {
	t   *testing.T
	dir string
	*project.Outputs
	asItWas *project.Watcher // has seen the files before any build
	micros  []space.MicroSpec
}

// newBuilds has two Micros with commands and one without.
func newBuilds(t *testing.T) *builds {
	t.Helper()
	dir := tree(t, map[string]string{"api/main.go": "0", "api/a.o": "0", "api/stamp": "0", "web/x.js": "0", "plain/y": "0"})
	file, err := space.ParseSpacefile([]byte(spacefile(
		`{name: api, src: api, engine: wasm, primary: true, commands: ["go build"]}`,
		`{name: web, src: web, engine: react, commands: ["npm run build"]}`,
		`{name: plain, src: plain, engine: static, serve: .}`)))
	must(t, err)
	w, err := project.Watch(dir, func(string, bool) bool { return false })
	must(t, err)
	t.Cleanup(func() { must(t, w.Close()) })
	return &builds{t, dir, project.NewOutputs(dir), w, file.Micros}
}

// build begins a build of some Micros, by name.
func (b *builds) build(names ...string) {
	b.t.Helper()
	b.Begin(b.asItWas)
	b.Expect(b.micros, func(m space.MicroSpec) bool { return slices.Contains(names, m.Name) })
}

// write changes a file, and tells whether that is taken for a developer's work.
func (b *builds) write(name, text string) (foreign, odd bool) {
	b.t.Helper()
	write(b.t, filepath.Join(b.dir, name), text)
	theirs, strange := b.Foreign([]string{filepath.FromSlash(name)})
	return len(theirs) > 0, len(strange) > 0
}

func (b *builds) wants(want bool, name, text string) {
	b.t.Helper()
	if got, _ := b.write(name, text); got != want {
		b.t.Errorf("%s is taken for a developer's work: %v", name, got)
	}
}

// What the Spacefile says, and what is new in a folder that is built, is a build's.
func TestOutputsKnown(t *testing.T) {
	t.Parallel()
	b := newBuilds(t)
	must(t, os.Mkdir(filepath.Join(b.dir, "web/dist"), 0o750))
	b.build("api", "web")
	b.wants(false, "api/main.wasm", "1")
	b.wants(false, "web/dist/index.html", "1")
	b.wants(false, "api/new.o", "1")
	b.wants(true, "api/main.go", "1")
	b.wants(true, "plain/new", "1") // which nothing builds
	// A build of one Micro makes nothing in the folder of another.
	b.build("web")
	b.wants(true, "api/other.go", "1")
	// Without commands nothing but a developer writes.
	b.build("plain")
	b.wants(true, "plain/y", "1")
	b.wants(true, "plain/y", "1")
}

// A file that was there and is written alike by each build is theirs; one that a developer
// saves again and again is not.
func TestOutputsLearned(t *testing.T) {
	t.Parallel()
	b := newBuilds(t)
	b.build("api")
	b.wants(true, "api/a.o", "from 1") // nobody can know yet
	b.End(false)
	b.build("api")
	b.wants(false, "api/a.o", "from 1")
	b.End(true)
	b.build("api")
	b.wants(false, "api/a.o", "from 2") // of another source
	b.End(true)
	b.build("web") // which leaves it alone, as it must
	b.End(true)
	b.build("api")
	b.wants(false, "api/a.o", "from 3")
	b.End(true)
	// One that its build leaves alone is a developer's from now on.
	b.build("api")
	b.End(true)
	b.build("api")
	b.wants(true, "api/a.o", "by hand")
	b.End(false)
	for i := range project.Patience - 1 {
		b.build("api")
		b.wants(true, "api/a.o", fmt.Sprint("by hand ", i))
		b.End(false)
	}
}

// A file that is another after each build ends up as theirs, and that is said.
func TestOutputsNeverAlike(t *testing.T) {
	t.Parallel()
	b := newBuilds(t)
	for i := range project.Patience + 2 {
		b.build("api")
		foreign, odd := b.write("api/stamp", fmt.Sprint("built at ", i))
		if foreign != (i < project.Patience) || odd != (i == project.Patience) {
			t.Errorf("build %d: a developer's work %v, said to be odd %v", i, foreign, odd)
		}
		b.End(i >= project.Patience)
	}
}
