package wasi

import (
	"encoding/binary"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Profile collects where instances spend their time that are made with it (see
// [InstanceConfig]). The zero value is ready to use. It is safe for concurrent use.
type Profile struct {
	mu       sync.Mutex
	over     bool
	requests int64
	stacks   map[string]*Sample // by their functions
	names    map[uint32]Frame
	hosts    map[string]uint32 // numbers of the host's functions
	// rest is what was used since the latest sample of each kind, in executions that
	// have ended. The next sample has it.
	rest [2]spent
}

// Sample is a stack, and what was spent in it.
type Sample struct {
	// Frames are the functions, the innermost first.
	Frames []Frame
	// Count is how often the stack was met.
	Count int64
	// Fuel is what it has used, as requests are charged.
	Fuel int64
	// Time is how long it took, in which it may have waited for a processor, or, in a
	// function of the host, for whatever that waits for.
	Time time.Duration
}

// Frame is a function of a stack. Its name is fit to be shown to people.
type Frame struct {
	Name string
	Host bool // of the host, or of the engine
}

// Profiled is what a profile has found.
type Profiled struct {
	// Requests is how many executions have begun, and Samples how many samples there are.
	Requests, Samples int64
	Stacks            []Sample
}

// The kinds of samples.
const (
	inGuest = iota
	inHost
)

// spent is what was used between two samples.
type spent struct {
	fuel int64
	time time.Duration
}

func (s *spent) add(other spent) {
	s.fuel += other.fuel
	s.time += other.time
}

// The bounds of a profile: a guest makes its stacks, and their names.
const (
	mostStacks = 20_000
	mostName   = 300 // bytes
	// mostFrames is where wazero v1.12.0 ends a stack.
	mostFrames = 29
)

// hostFunction is set in the number of a function of the host's; the rest are those of
// the prepared module. cutFunction stands for the outer frames of a stack that is too deep,
// or one stack too many.
const (
	hostFunction = 1 << 31
	cutFunction  = hostFunction - 1
)

// begin counts an execution.
func (p *Profile) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.requests++
	}
}

// leave takes what an execution has used since its latest samples.
func (p *Profile) leave(rest *[2]spent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for kind := range rest {
		p.rest[kind].add(rest[kind])
		rest[kind] = spent{}
	}
}

// add takes a sample of a stack, whose functions are in the order of [Sample].Frames. name
// gives the name of the i-th function.
func (p *Profile) add(kind int, functions []uint32, used spent, name func(i int) Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	used.add(p.rest[kind])
	p.rest[kind] = spent{}
	if used.fuel < 0 { // got back from calls that had paid in advance
		p.rest[kind].fuel, used.fuel = used.fuel, 0
	}
	s := p.stack(functions, name)
	s.Count++
	s.Fuel += used.fuel
	s.Time += used.time
}

// stack returns the sample of a stack. Of one too many only the innermost function is told.
func (p *Profile) stack(functions []uint32, name func(i int) Frame) *Sample {
	key := make([]byte, 0, 4*mostFrames)
	for _, f := range functions {
		key = binary.LittleEndian.AppendUint32(key, f)
	}
	if s := p.stacks[string(key)]; s != nil {
		return s
	}
	if len(p.stacks) >= mostStacks && len(functions) > 1 {
		if len(p.stacks) >= 2*mostStacks {
			return p.stack([]uint32{cutFunction}, name)
		}
		if functions[1] != cutFunction {
			return p.stack([]uint32{functions[0], cutFunction}, name)
		}
	}
	if p.stacks == nil {
		p.stacks, p.names = map[string]*Sample{}, map[uint32]Frame{cutFunction: {Name: "(outer functions not kept)", Host: true}}
	}
	s := &Sample{Frames: make([]Frame, len(functions))}
	for i, f := range functions {
		known, ok := p.names[f]
		if !ok {
			known = name(i)
			p.names[f] = known
		}
		s.Frames[i] = known
	}
	p.stacks[string(key)] = s
	return s
}

// host returns the number of a function of the host's.
func (p *Profile) host(name string) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	number, ok := p.hosts[name]
	if !ok {
		if p.hosts == nil {
			p.hosts = map[string]uint32{}
		}
		number = hostFunction | uint32(len(p.hosts))
		p.hosts[name] = number
	}
	return number
}

// Stop ends the profile, and returns what it has found. What was used after the last
// sample has a stack of its own, so that the sums are of all there was. Instances go on,
// and tell nothing any more.
func (p *Profile) Stop() Profiled {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	found := Profiled{Requests: p.requests}
	for _, s := range p.stacks {
		found.Samples += s.Count
		found.Stacks = append(found.Stacks, *s)
	}
	for kind, name := range []string{"(between samples)", "(between samples, in the host)"} {
		if rest := p.rest[kind]; rest.fuel > 0 || rest.time > 0 {
			found.Stacks = append(found.Stacks, Sample{
				Frames: []Frame{{Name: name, Host: true}}, Fuel: max(rest.fuel, 0), Time: rest.time,
			})
		}
	}
	p.stacks, p.names, p.rest = nil, nil, [2]spent{}
	return found
}

// label is a function's name for people: it is the guest's word, or the number that the
// function has in the module as it was uploaded.
func (c *compiled) label(f api.FunctionDefinition) string {
	name := f.Name()
	if name == "" {
		name, _ = c.name(f.Index())
	}
	if name == "" {
		name = "$" + strconv.Itoa(c.numbers.original(int(f.Index())))
	}
	if len(name) > mostName {
		name = strings.ToValidUTF8(name[:mostName], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
}
