package wasi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// TestConform holds the engine against the rules that any build must keep.
func TestConform(t *testing.T) {
	engine, err := wasi.New(t.Context(), wasi.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	wasitest.Conform(t, func(t *testing.T, p wasitest.Program) (wasitest.Sandbox, error) {
		module, err := engine.Compile(t.Context(), p.Module)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = module.Close(context.Background()) })
		if err := module.Report().Fits(p.Rules.Memory); err != nil {
			return nil, err
		}
		bundle, err := os.OpenRoot(p.Bundle)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = bundle.Close() })
		return &sandbox{module, p, wasi.InstanceConfig{
			Args: p.Args, Env: p.Env, Bundle: bundle, TmpDir: t.TempDir(),
			Limits: wasi.Limits{
				Memory: p.Rules.Memory, Tmp: p.Rules.Tmp, TmpInodes: p.Rules.TmpInodes, Response: p.Rules.Response,
			},
		}}, nil
	})
}

// sandbox is an engine's module as the kit sees it.
type sandbox struct {
	module  *wasi.Module
	program wasitest.Program
	config  wasi.InstanceConfig
}

func (s *sandbox) Serve(w http.ResponseWriter, r *http.Request) string {
	ctx, cancel := context.WithTimeout(r.Context(), s.program.Rules.Timeout)
	defer cancel()
	instance, err := s.module.NewInstance(context.Background(), s.config)
	if err != nil {
		return err.Error()
	}
	err = instance.Serve(w, r.WithContext(ctx), io.Discard)
	if closed := instance.Close(); closed != nil {
		return closed.Error()
	}
	return word(err)
}

// word is how the kit calls the end of a request.
func word(err error) string {
	if err == nil {
		return wasitest.EndedWell
	}
	fault, ok := errors.AsType[*wasi.Fault](err)
	if !ok {
		return err.Error()
	}
	switch fault.Kind {
	case wasi.FaultTrap:
		return wasitest.Trapped
	case wasi.FaultExit:
		return wasitest.Exited
	case wasi.FaultOutOfMemory:
		return wasitest.OutOfMemory
	case wasi.FaultDeadline:
		return wasitest.Deadline
	case wasi.FaultBadResponse:
		return wasitest.BadResponse
	case wasi.FaultResponseTooLarge:
		return wasitest.TooLarge
	default:
		return fault.Message
	}
}
