package wasi

import (
	"context"
	"errors"
	"runtime"

	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// slice is the fuel that a guest gets at a time: about half a millisecond of
// plain instructions. For as long it can keep a processor to itself, and Go's
// collector waiting.
const slice = 1_000_000

var (
	// errFuel ends a guest that has used more fuel than its limit.
	errFuel = errors.New("the fuel is used up")
	// errStack ends a guest that calls too deep.
	errStack = errors.New("stack overflow")
)

// meter counts the fuel of one request. It is used by the goroutine that runs
// the guest.
type meter struct {
	left    api.MutableGlobal // an [instrument.Meter]
	granted int64
	limit   int64 // 0 for none
	// lasts is called when the guest yields: its request is none of the short ones.
	lasts func()
	// deep tells that the guest has called deeper than [instrument.Shallow].
	deep bool
	// sampler is told of each yield; nil unless the guest is profiled.
	sampler *sampler
}

// begin grants the first fuel of a request.
func (m *meter) begin(limit uint64) {
	m.granted, m.limit = m.grant(), int64(min(limit, 1<<62))
	m.deep = false
	m.left.Set(uint64(instrument.NewMeter(m.granted).Marked()))
}

// exhausted is called by a guest that calls deep: it notes that, and ends one that calls too
// deep.
func (m *meter) exhausted() {
	if m.deep {
		panic(errStack)
	}
	m.deep = true
	m.left.Set(uint64(instrument.Meter(m.left.Get()).Unmark()))
}

// grant is how much fuel the guest gets until it yields.
func (m *meter) grant() int64 {
	if m.sampler != nil {
		return m.sampler.step()
	}
	return slice
}

// used is the fuel that the guest has used since begin.
func (m *meter) used() int64 { return m.granted - instrument.Meter(m.left.Get()).Fuel() }

// yield is called by a guest whose fuel has run out, or has got too much of it
// back: it ends one whose context is over, lets others run, and grants more.
func (m *meter) yield(ctx context.Context) {
	preview1.Alive(ctx)
	if m.limit > 0 && m.used() > m.limit {
		panic(errFuel)
	}
	if m.sampler == nil || m.sampler.rests() {
		m.lasts()
		runtime.Gosched()
	}
	now := instrument.Meter(m.left.Get())
	more := m.grant()
	m.granted += more - now.Fuel()
	m.left.Set(uint64(now.Refuel(more)))
}

// Charge counts fuel in that the host has used on the guest's behalf. It ends a guest that
// has used more than its limit.
func (m *meter) Charge(fuel int64) {
	m.granted += fuel
	if m.limit > 0 && m.used() > m.limit {
		panic(errFuel)
	}
}

// Allows tells whether the guest may use so much more.
func (m *meter) Allows(fuel int64) bool { return m.limit == 0 || m.used()+fuel <= m.limit }

// meterKey is where a guest's meter stands in the context of its call.
type meterKey struct{}

// meterContext carries a meter to the host functions.
type meterContext struct {
	context.Context //nolint:containedctx // it is a context
	meter           *meter
}

// Value implements [context.Context].
func (c meterContext) Value(key any) any {
	if key == (meterKey{}) {
		return c.meter
	}
	return c.Context.Value(key)
}

// meterOf is the meter of the guest that is called with ctx.
func meterOf(ctx context.Context) *meter {
	m, ok := ctx.Value(meterKey{}).(*meter)
	if !ok {
		panic("wasi: a guest was called without a meter in its context")
	}
	return m
}
