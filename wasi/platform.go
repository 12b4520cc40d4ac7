package wasi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// errUnaligned and errOutside are the traps of an atomic wait.
var (
	errUnaligned = errors.New("unaligned atomic")
	errOutside   = errors.New("out of bounds memory access")
)

// platform adds the functions that every prepared module imports.
func platform(builder wazero.HostModuleBuilder) {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	export := func(name string, run api.GoModuleFunc, params, results []api.ValueType) {
		builder.NewFunctionBuilder().WithGoModuleFunction(run, params, results).Export(name)
	}
	export(instrument.Yield, func(ctx context.Context, _ api.Module, _ []uint64) { meterOf(ctx).yield(ctx) }, nil, nil)
	export(instrument.Exhausted, func(context.Context, api.Module, []uint64) { panic(errStack) }, nil, nil)
	export(instrument.Wait32, wait(4), []api.ValueType{i32, i32, i64, i32}, []api.ValueType{i32})
	export(instrument.Wait64, wait(8), []api.ValueType{i32, i64, i64, i32}, []api.ValueType{i32})
}

// wait is memory.atomic.wait32 or wait64 (threads proposal) for a module that has
// no other thread: nobody will notify it, so it waits for its timeout, or until
// its context ends.
func wait(width uint64) api.GoModuleFunc {
	const differs, timedOut = 1, 2
	return func(ctx context.Context, m api.Module, stack []uint64) {
		at := uint64(uint32(stack[0])) + uint64(uint32(stack[3]))
		expected, timeout := stack[1], int64(stack[2])
		if at%width != 0 {
			panic(errUnaligned)
		}
		now, ok := load(m.Memory(), at, width)
		if !ok {
			panic(errOutside)
		}
		if width == 4 {
			expected = uint64(uint32(expected))
		}
		if now != expected {
			stack[0] = differs
			return
		}
		sleep(ctx, timeout)
		stack[0] = timedOut
	}
}

// load reads a number from a guest's memory.
func load(memory api.Memory, at, width uint64) (uint64, bool) {
	if at > 1<<32-width {
		return 0, false
	}
	if width == 8 {
		return memory.ReadUint64Le(uint32(at))
	}
	v, ok := memory.ReadUint32Le(uint32(at))
	return uint64(v), ok
}

// sleep waits for a number of nanoseconds, or for ever if it is negative. It
// unwinds the guest when its context ends.
func sleep(ctx context.Context, nanoseconds int64) {
	var over <-chan time.Time
	if nanoseconds >= 0 {
		timer := time.NewTimer(time.Duration(nanoseconds))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-ctx.Done():
		panic(fmt.Errorf("stopped: %w", ctx.Err()))
	}
}
