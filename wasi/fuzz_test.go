package wasi_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// FuzzServe takes any bytes through all of the engine: they are refused with a
// reason, or they initialise, serve a request in time, and can be reset to what a
// new instance is.
func FuzzServe(f *testing.F) {
	for _, name := range wasitest.Guests() {
		f.Add(wasitest.Guest(name))
	}
	engine, err := wasi.New(context.Background(), wasi.Config{})
	if err != nil {
		f.Fatal(err)
	}
	bundle, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := errors.Join(engine.Close(context.Background()), bundle.Close()); err != nil {
			f.Error(err)
		}
	})
	config := wasi.InstanceConfig{
		Args: []string{"main.wasm"}, Bundle: bundle, TmpDir: f.TempDir(),
		Limits: wasi.Limits{Memory: 4 << 20, Tmp: 1 << 20, TmpInodes: 10, Response: 1 << 20},
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) > 100<<10 {
			t.Skip("compiling is bounded by a child, not here")
		}
		module, err := engine.Compile(t.Context(), code)
		if err != nil {
			refused(t, err)
			return
		}
		defer func() { must(t, module.Close(context.Background())) }()
		if refused(t, module.Report().Fits(config.Limits.Memory)) {
			return
		}
		const deadline, late = 50 * time.Millisecond, 2 * time.Second
		began := time.Now()
		config := config
		config.Snapshot, err = module.Initialise(t.Context(), wasi.Initialisation{Timeout: deadline, Instance: config})
		if refused(t, err) {
			return
		}
		defer func() { must(t, config.Snapshot.Close()) }()
		i, err := module.NewInstance(t.Context(), config)
		must(t, err)
		defer func() { must(t, i.Close()) }()
		fresh := wasi.State(i)
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		err = i.Serve(httptest.NewRecorder(), get(ctx), io.Discard)
		if fault, ok := errors.AsType[*wasi.Fault](err); err != nil && (!ok || fault.Kind == wasi.FaultHost) {
			t.Errorf("the host's fault: %v", err)
		}
		if took := time.Since(began); took > late {
			t.Errorf("it took %v", took)
		}
		if i.Reset() != nil {
			return // it was stopped in the middle
		}
		if got := wasi.State(i); got != fresh {
			t.Errorf("after a reset %s, new %s", got, fresh)
		}
	})
}

// refused tells whether err is a refusal with a reason; nothing else may go wrong.
func refused(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	if e, ok := errors.AsType[*wasi.RefusedError](err); !ok || len(e.Faults) == 0 || e.Faults[0] == "" {
		t.Errorf("got %v", err)
	}
	return true
}
