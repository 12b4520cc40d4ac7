package wasi

import (
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// meanTime is how far samples are apart, on average. The distances are exponential, so that
// where the samples fall has nothing to do with where requests begin. Fuel is no measure
// of them, as calls pay part of it in advance.
const meanTime = 50 * time.Microsecond

// meanStep is the fuel after which a guest that is profiled yields, on average, so that one
// sample or another can be taken there: some five microseconds. Steps that are all the same
// would fall into step with the guest.
const meanStep = slice / 100

// sampler takes the samples of one guest, for a profile. It is used by the goroutine that
// runs the guest.
//
// Whenever the guest leaves its code, to yield or to call the host, the time that it ran is
// noted. At a yield a sample is taken of it if one is due: where a guest calls the host says
// nothing of where it was before. Calls of the host are timed, and sampled when they end.
// A sample has all that was used of its kind since the last.
type sampler struct {
	profile  *Profile
	compiled *compiled
	meter    *meter

	running bool      // whether the guest computes
	mark    time.Time // since when it does, or the host for it
	used    int64     // what the meter said then
	rested  int64     // what it said when the guest last let others run
	rest    [2]spent  // since the latest samples
	due     [2]time.Duration

	stack       experimental.StackIterator // of the call of the host that goes on
	functions   []uint32
	definitions []api.FunctionDefinition
	asking      map[uint32]bool // see asks
}

// step is how much fuel the guest gets until it yields.
func (s *sampler) step() int64 {
	return min(int64(rand.ExpFloat64()*meanStep)+1, slice) //nolint:gosec // not a secret
}

// rests tells whether it is time to let others run.
func (s *sampler) rests() bool {
	used := s.meter.used()
	if used-s.rested < slice && used >= s.rested {
		return false
	}
	s.rested = used
	return true
}

// enter says that the guest is called.
func (s *sampler) enter() {
	if s.meter.used() == 0 {
		s.rested = 0
	}
	s.draw(inGuest)
	s.draw(inHost)
	s.switchTo(true)
}

// leave says that the call has ended, however.
func (s *sampler) leave() {
	s.switchTo(false)
	s.stack = nil
	s.profile.leave(&s.rest)
}

// draw decides when the next sample is due.
func (s *sampler) draw(kind int) {
	s.due[kind] = time.Duration(rand.ExpFloat64() * float64(meanTime)) //nolint:gosec // not a secret
}

// switchTo notes what was used by who has the processor, and who gets it.
func (s *sampler) switchTo(guest bool) {
	now, used := time.Now(), s.meter.used()
	switch {
	case s.running:
		s.rest[inGuest].add(spent{used - s.used, now.Sub(s.mark)})
	case s.stack != nil:
		s.rest[inHost].add(spent{used - s.used, now.Sub(s.mark)})
	}
	s.running, s.mark, s.used = guest, now, used
}

// yields says that the guest asks for fuel, and takes a sample if one is due.
func (s *sampler) yields(stack experimental.StackIterator) {
	s.switchTo(false)
	if s.rest[inGuest].time >= s.due[inGuest] {
		s.take(inGuest, nil, stack)
	}
}

// calls says that the guest calls a function of the host's. What is to be had of the stack
// stays as it is until the next call.
func (s *sampler) calls(stack experimental.StackIterator) {
	s.switchTo(false)
	s.stack = stack
}

// back says that a function of the host's has ended, and the guest goes on.
func (s *sampler) back(f api.FunctionDefinition) {
	if s == nil || s.stack == nil {
		return
	}
	s.switchTo(true)
	if s.rest[inHost].time >= s.due[inHost] {
		s.take(inHost, f, s.stack)
		s.mark = time.Now() // what that took is nobody's
	}
	s.stack = nil
}

// take takes a sample of the stack, with a function of the host's on top if that is the
// one that took the time.
func (s *sampler) take(kind int, host api.FunctionDefinition, stack experimental.StackIterator) {
	s.functions, s.definitions = s.functions[:0], s.definitions[:0]
	if kind == inHost {
		s.functions, s.definitions = append(s.functions, s.profile.host(host.DebugName())), append(s.definitions, host)
	}
	frames := 0
	for ; stack.Next(); frames++ {
		f := stack.Function().Definition()
		if frames == 0 || len(s.functions) == 0 && s.asks(f) { // the first is the host's
			continue
		}
		s.functions, s.definitions = append(s.functions, f.Index()), append(s.definitions, f)
	}
	if frames >= mostFrames {
		s.functions = append(s.functions, cutFunction)
	}
	used := s.rest[kind]
	s.rest[kind] = spent{}
	s.draw(kind)
	s.profile.add(kind, s.functions, used, s.frame)
}

// frame describes the i-th function of the stack that is taken.
func (s *sampler) frame(i int) Frame {
	f := s.definitions[i]
	if s.functions[i]&hostFunction != 0 {
		return Frame{Name: f.DebugName(), Host: true}
	}
	return Frame{Name: s.compiled.label(f), Host: s.compiled.isAdded(f)}
}

// asks tells whether a function is one of those by which a guest gets to its yield.
func (s *sampler) asks(f api.FunctionDefinition) bool {
	if !s.compiled.isAdded(f) {
		return false
	}
	asks, known := s.asking[f.Index()]
	if !known {
		if s.asking == nil {
			s.asking = map[uint32]bool{}
		}
		asks = instrument.Asks(s.compiled.label(f))
		s.asking[f.Index()] = asks
	}
	return asks
}
