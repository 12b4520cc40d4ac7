package wasi

import (
	"math/rand/v2"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// How far samples are apart, on average: in fuel what takes some 50 µs, and as much time
// in functions of the host. The distances are exponential, so that where the samples fall
// has nothing to do with where requests begin.
const (
	meanFuel = slice / 10
	meanHost = 50 * time.Microsecond
)

// sampler takes the samples of one guest, for a profile. It is used by the goroutine that
// runs the guest.
//
// While the guest computes, a sample is taken at each yield. Of functions of the host, each
// call is timed, and one sampled where the sum passes a bound. Either kind has what
// was used of its kind since the last.
type sampler struct {
	profile  *Profile
	compiled *compiled
	meter    *meter

	running bool      // whether the guest computes
	mark    time.Time // since when either goes on
	used    int64     // what the meter said then
	due     time.Duration
	rest    [2]spent // since the latest samples

	asking      map[uint32]bool // see asks
	functions   []uint32
	definitions []api.FunctionDefinition
	stack       experimental.StackIterator // of the call of the host that goes on
}

// distance is how much fuel the guest gets until the next sample.
func (s *sampler) distance() int64 {
	return min(max(int64(rand.ExpFloat64()*meanFuel), 1), slice) //nolint:gosec // not a secret
}

// enter says that the guest is called.
func (s *sampler) enter() { s.switchTo(true) }

// leave says that the call has ended, however.
func (s *sampler) leave() {
	s.switchTo(false)
	s.stack = nil
	s.profile.leave(&s.rest)
}

// switchTo notes what was used by who has the processor, and who gets it. A function of the
// host that has ended by a panic has it still.
func (s *sampler) switchTo(guest bool) {
	now, used := time.Now(), s.meter.used()
	if s.running || s.stack != nil {
		kind := inHost
		if s.running {
			kind = inGuest
		}
		s.rest[kind].add(spent{used - s.used, now.Sub(s.mark)})
	}
	s.running, s.mark, s.used = guest, now, used
}

// take takes a sample of a stack, on top of which stands a function of the host's.
func (s *sampler) take(kind int, host api.FunctionDefinition, stack experimental.StackIterator) {
	s.functions, s.definitions = s.functions[:0], s.definitions[:0]
	if kind == inHost {
		s.functions, s.definitions = append(s.functions, s.profile.host(host.DebugName())), append(s.definitions, host)
	}
	stack.Next() // the function of the host itself
	for stack.Next() {
		f := stack.Function().Definition()
		if kind == inGuest && len(s.functions) == 0 && s.asks(f) {
			continue
		}
		if len(s.functions) == mostFrames-1 {
			s.functions = append(s.functions, cutFunction)
			break
		}
		s.functions, s.definitions = append(s.functions, f.Index()), append(s.definitions, f)
	}
	used := s.rest[kind]
	s.rest[kind] = spent{}
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

// called notes that a function of the host's has ended.
func (s *sampler) called(f api.FunctionDefinition) {
	if s == nil || s.stack == nil {
		return
	}
	s.switchTo(true)
	stack := s.stack
	s.stack = nil
	if s.rest[inHost].time < s.due {
		return
	}
	s.take(inHost, f, stack)
	s.due = time.Duration(rand.ExpFloat64() * float64(meanHost)) //nolint:gosec // not a secret
	s.mark = time.Now()                                          // what that took is nobody's
}
