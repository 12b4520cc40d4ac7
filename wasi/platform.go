package wasi

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// platform adds the functions that every prepared module imports.
func platform(builder wazero.HostModuleBuilder) {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	export := func(name string, run api.GoModuleFunc, params, results []api.ValueType) {
		builder.NewFunctionBuilder().WithGoModuleFunction(run, params, results).Export(name)
	}
	export(instrument.Yield, func(ctx context.Context, _ api.Module, _ []uint64) { meterOf(ctx).yield(ctx) }, nil, nil)
	export(instrument.Exhausted, func(ctx context.Context, _ api.Module, _ []uint64) { meterOf(ctx).exhausted() }, nil, nil)
	export(instrument.Wait32, wait, []api.ValueType{i32, i32, i64, i32}, []api.ValueType{i32})
	export(instrument.Wait64, wait, []api.ValueType{i32, i64, i64, i32}, []api.ValueType{i32})
}

// wait is what is left of memory.atomic.wait32 and wait64 (threads proposal) once
// the guest has found its memory to be as expected. The module has no other
// thread: nobody will notify it, so it waits for its timeout.
func wait(ctx context.Context, _ api.Module, stack []uint64) {
	const timedOut = 2
	timeout := time.Duration(stack[2])
	if timeout < 0 { // which all mean the same
		timeout = preview1.Forever
	}
	preview1.Sleep(ctx, timeout)
	stack[0] = timedOut
}
