package preview1

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// State is what a process that has initialised itself is to go on from, each time
// anew: its descriptors and its monotonic clock. It holds nothing of the host's,
// and has a form in JSON.
type State struct {
	Open []Open `json:"open"`
	// Monotonic is what the monotonic clock showed.
	Monotonic time.Duration `json:"monotonic"`
	// Drew names what the guest has asked for that is another thing each time:
	// [DrewRandomness], [DrewTime]. All that go on from the state have the same of it.
	Drew []string `json:"drew,omitempty"`
}

// What [State.Drew] may name.
const (
	DrewRandomness = "randomness"
	DrewTime       = "the time"
)

// drawn is what a guest has asked for.
type drawn struct{ randomness, time bool }

func (d drawn) names() []string {
	var names []string
	if d.randomness {
		names = append(names, DrewRandomness)
	}
	if d.time {
		names = append(names, DrewTime)
	}
	return names
}

// Known leaves of Drew what a process can say, for a state that somebody else has
// written.
func (s *State) Known() {
	s.Drew = slices.DeleteFunc(drawn{randomness: true, time: true}.names(), func(name string) bool {
		return !slices.Contains(s.Drew, name)
	})
}

// Open is a descriptor of a [State].
type Open struct {
	// Number is the guest's.
	Number int `json:"number"`
	// Start is the number of what the process began with that is behind it, plus
	// one; 0 is a file, or a directory, that is to be opened.
	Start int `json:"start,omitempty"`
	// Path is within the preopen with the number Preopen, among those there are;
	// empty is the null device.
	Preopen int    `json:"preopen,omitempty"`
	Path    string `json:"path,omitempty"`
	Dir     bool   `json:"dir,omitempty"`
	Offset  int64  `json:"offset,omitempty"`

	Flags      uint16 `json:"flags,omitempty"`
	Base       uint64 `json:"base"`
	Inheriting uint64 `json:"inheriting,omitempty"`
}

// State returns what the process has come to. An error says for the module's
// author what nobody could go on from.
func (p *Process) State() (State, error) {
	s := State{Monotonic: time.Since(p.began), Drew: p.drew.names()}
	for number, d := range p.table.open {
		if d == nil {
			continue
		}
		o := Open{Number: number, Start: d.start, Flags: d.flags, Base: d.rights.base, Inheriting: d.rights.inheriting}
		if d.start == 0 {
			if err := o.describe(d.res); err != nil {
				return State{}, err
			}
		}
		s.Open = append(s.Open, o)
	}
	return s, nil
}

// describe says how to open what the guest has opened.
func (o *Open) describe(res resource) error {
	switch r := res.(type) {
	case *file:
		if !r.dir.ReadOnly() {
			return fmt.Errorf("the file %q is open, which is not of the bundle", r.path)
		}
		offset, err := r.Seek(0, unix.SEEK_CUR)
		if err != nil {
			return err
		}
		o.Preopen, o.Path, o.Offset = int(r.device)-1, r.path, offset
		return nil
	case *directory:
		if !r.dir.ReadOnly() {
			return fmt.Errorf("the folder %q is open, which is not of the bundle", r.path)
		}
		o.Preopen, o.Path, o.Dir = int(r.device)-1, r.path, true
		return nil
	case *stream:
		if r.r == (eof{}) {
			return nil // the null device
		}
	}
	return fmt.Errorf("the descriptor %d is open, and is no file of the bundle", o.Number)
}

// resume makes the descriptors those of a state. The process has begun.
func (p *Process) resume(s *State) error {
	if len(s.Open) > maxDescriptors {
		return errors.New("resume a process: it has too many descriptors")
	}
	p.began = p.began.Add(-s.Monotonic)
	start := p.table.open
	p.table.open = nil
	for _, o := range s.Open {
		if o.Number < len(p.table.open) || o.Number >= maxDescriptors || o.Start < 0 || o.Start > len(start) {
			return fmt.Errorf("resume a process: descriptor %d cannot be restored", o.Number)
		}
		d := &descriptor{}
		var err error
		if o.Start > 0 {
			*d = *start[o.Start-1]
		} else {
			d.res, err = p.reopen(o)
		}
		if err != nil {
			return fmt.Errorf("resume a process: descriptor %d: %w", o.Number, err)
		}
		d.flags, d.rights = o.Flags, rights{base: o.Base, inheriting: o.Inheriting}
		p.table.open = append(p.table.open, make([]*descriptor, o.Number-len(p.table.open))...)
		p.table.open = append(p.table.open, d)
	}
	return nil
}

// reopen opens a file, or a directory, of a state.
func (p *Process) reopen(o Open) (resource, error) {
	if o.Path == "" {
		return null(), nil
	}
	if o.Preopen < 0 || o.Preopen >= len(p.config.Preopens) {
		return nil, errnoBadf
	}
	top := p.config.Preopens[o.Preopen].Dir
	if !top.ReadOnly() {
		return nil, errnoRofs
	}
	device := device(o.Preopen)
	if o.Dir {
		dir, err := top.OpenDir(o.Path, 0)
		return &directory{dir: dir, device: device, path: o.Path}, err
	}
	f, err := top.OpenFile(o.Path, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(o.Offset, unix.SEEK_SET); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{File: f, device: device, dir: top, path: o.Path}, nil
}
