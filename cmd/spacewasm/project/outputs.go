package project

import (
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spacewasm/spacewasm/host/space"
)

// Outputs tells what builds write from what a developer changes meanwhile: nobody says
// who has written a file. It is safe for concurrent use.
type Outputs struct {
	dir  string
	seed maphash.Seed

	written atomic.Pointer[[]string] // folders that builds write; nil where nothing is built

	mu       sync.Mutex
	known    []string          // files and folders that are a build's by the Spacefile
	building []space.MicroSpec // those whose commands run
	before   map[string]state  // the files when the build began
	files    map[string]*suspect
}

// suspect is a file that has changed during builds.
type suspect struct {
	sum     uint64 // of its content
	in      int    // builds in a row that it has changed in
	touched bool   // in this one
	made    bool   // by a build
}

// patience is in how many builds in a row a file may change before it counts as made
// by them, though it is another each time. A clock in a file would have no build end.
const patience = 5

// NewOutputs knows nothing yet of the project in a folder.
func NewOutputs(dir string) *Outputs {
	return &Outputs{dir: dir, seed: maphash.MakeSeed(), files: map[string]*suspect{}}
}

// Skip makes what tells what [Watch] leaves alone: what is never packed, and what builds
// write into folders of their own, under names that nobody can know before.
func (o *Outputs) Skip() func(path string, dir bool) bool {
	never, output := ourRules(NeverPacked), ourRules(BuildOutput)
	return func(path string, dir bool) bool {
		if path == EnvName {
			return false
		}
		if never.drops(path, dir) != nil {
			return true
		}
		written := o.written.Load()
		return written != nil && (output.drops(path, dir) != nil ||
			slices.ContainsFunc(*written, func(folder string) bool { return within(path, folder) }))
	}
}

// Note notes the folders that the builds of a project write: those that Micros with
// commands serve.
func (o *Outputs) Note(p *Project) {
	if !p.HasCommands() {
		o.written.Store(nil)
		return
	}
	written := []string{}
	for _, m := range p.Spec().Micros {
		if len(m.Commands) == 0 || !m.Engine.IsStatic() {
			continue
		}
		for _, folder := range m.ServeFolders() {
			if folder != m.Src { // or nothing would be watched
				written = append(written, folder)
			}
		}
	}
	o.written.Store(&written)
}

// Begin begins a build, with the files that there are.
func (o *Outputs) Begin(w *Watcher) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.before, o.building = w.seen, nil
	for _, f := range o.files {
		f.touched = false
	}
}

// Expect notes what the Spacefile says that builds write, and whose commands run now.
func (o *Outputs) Expect(micros []space.MicroSpec, wanted func(space.MicroSpec) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known, o.building = nil, nil
	for _, m := range micros {
		if len(m.Commands) == 0 {
			continue
		}
		if wanted(m) {
			o.building = append(o.building, m)
		}
		if file := module(m); file != "" {
			o.known = append(o.known, file)
			continue
		}
		for _, folder := range m.ServeFolders() {
			if folder != m.Src { // where sources are too
				o.known = append(o.known, folder)
			}
		}
	}
}

// Foreign picks, of what has changed during a build, what is not its own; odd are those
// that count as its own from now on, because they change in each build.
func (o *Outputs) Foreign(changed []string) (foreign, odd []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range changed {
		own, noted := o.own(name)
		switch {
		case noted:
			odd = append(odd, name)
		case !own:
			foreign = append(foreign, name)
		}
	}
	return foreign, odd
}

func (o *Outputs) own(name string) (own, odd bool) {
	path := filepath.ToSlash(name)
	if slices.ContainsFunc(o.known, func(known string) bool { return within(path, known) }) {
		return true, false
	}
	if len(o.building) == 0 {
		return false, false
	}
	if _, was := o.before[name]; !was && o.built(path) {
		return true, false // whoever makes a file by hand changes it again
	}
	f := o.files[name]
	if f == nil {
		f = &suspect{}
		o.files[name] = f
	}
	if !f.touched {
		f.touched = true
		f.in++
	}
	sum := o.sum(name)
	// A developer who saves has changed something; a build writes the same again.
	f.made = f.made || f.in > 1 && sum == f.sum
	f.sum = sum
	if !f.made && f.in > patience {
		f.made = true
		return true, true
	}
	return f.made, false
}

// End ends a build. What one that ran to its end has left alone is none of its outputs.
func (o *Outputs) End(whole bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, f := range o.files {
		if whole && !f.touched && o.built(filepath.ToSlash(name)) {
			delete(o.files, name)
		}
	}
}

// built tells whether a file is in the folder of a Micro whose commands run.
func (o *Outputs) built(path string) bool {
	return slices.ContainsFunc(o.building, func(m space.MicroSpec) bool { return within(path, m.Src) })
}

// sum is that of a file's content; 0 if it cannot be read, such as one that is gone.
func (o *Outputs) sum(name string) uint64 {
	path := filepath.Join(o.dir, name)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return 0 // a FIFO would have us wait
	}
	file, err := os.Open(path) //nolint:gosec // the developer's own
	if err != nil {
		return 0
	}
	defer file.Close()
	var h maphash.Hash
	h.SetSeed(o.seed)
	if _, err := io.Copy(&h, file); err != nil {
		return 0
	}
	return h.Sum64()
}
