package wasi

import (
	"context"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// listeners are the modules of the host once more, of which wazero tells a listener
// whenever a function is called, with the stack. They are made when first somebody needs
// them. The guest's own code is the same either way.
type listeners struct {
	mu    sync.Mutex
	hosts map[string]api.Module // nil until all are there
}

// listening returns how the imports of a guest are found that is to be profiled.
func (e *Engine) listening(ctx context.Context) (experimental.ImportResolver, error) {
	l := &e.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hosts == nil {
		hosts := map[string]api.Module{}
		ctx := experimental.WithFunctionListenerFactory(context.WithoutCancel(ctx), experimental.FunctionListenerFactoryFunc(listen))
		for name, export := range exports() {
			builder := e.runtime.NewHostModuleBuilder(name)
			export(builder)
			host, err := builder.Compile(ctx)
			if err != nil {
				return nil, fmt.Errorf("compile the functions of %s for profiles: %w", name, err)
			}
			if hosts[name], err = e.runtime.InstantiateModule(ctx, host, wazero.NewModuleConfig().WithName("")); err != nil {
				return nil, fmt.Errorf("instantiate the functions of %s for profiles: %w", name, err)
			}
		}
		l.hosts = hosts
	}
	hosts := l.hosts
	return func(name string) api.Module { return hosts[name] }, nil
}

// listen returns who is told of the calls of a function of the host's.
func listen(f api.FunctionDefinition) experimental.FunctionListener {
	if f.ModuleName() == instrument.HostModule && f.Name() == instrument.Yield {
		return yields{}
	}
	return hostCalls{}
}

// yields listens to the guests that ask for fuel. The time that this takes is nobody's.
type yields struct{}

var _ experimental.FunctionListener = yields{}

// Before implements [experimental.FunctionListener].
func (yields) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, stack experimental.StackIterator) {
	if s := meterOf(ctx).sampler; s != nil {
		s.yields(stack)
	}
}

// After implements [experimental.FunctionListener].
func (yields) After(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64) {
	if s := meterOf(ctx).sampler; s != nil {
		s.switchTo(true)
	}
}

// Abort implements [experimental.FunctionListener].
func (yields) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

// hostCalls listens to the guests that call any other function of the host's.
type hostCalls struct{}

var _ experimental.FunctionListener = hostCalls{}

// Before implements [experimental.FunctionListener].
func (hostCalls) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, stack experimental.StackIterator) {
	if s := meterOf(ctx).sampler; s != nil {
		s.calls(stack)
	}
}

// After implements [experimental.FunctionListener].
func (hostCalls) After(ctx context.Context, _ api.Module, f api.FunctionDefinition, _ []uint64) {
	meterOf(ctx).sampler.back(f)
}

// Abort implements [experimental.FunctionListener].
func (hostCalls) Abort(ctx context.Context, _ api.Module, f api.FunctionDefinition, _ error) {
	meterOf(ctx).sampler.back(f)
}
