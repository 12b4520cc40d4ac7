package wasi

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// ReadArtefact reads what a child has handed over, and returns the entry that it
// is for; "" is a refusal.
func ReadArtefact(file *os.File) (string, error) {
	h, err := readArtefact(file)
	return h.Entry, err
}

// Memory is the linear memory of an instance.
func Memory(i *Instance) []byte {
	m := i.guest.wasm.Memory()
	b, _ := m.Read(0, m.Size())
	return b
}

// State sums up all that a guest could find in its instance: memory and globals.
func State(i *Instance) string {
	text := fmt.Sprintf("memory of %d bytes %x", len(Memory(i)), sha256.Sum256(Memory(i)))
	for _, g := range i.guest.globals {
		text += fmt.Sprintf(" %x", g.Get())
	}
	return text
}

// CompileReactor compiles a module which no contract has a place for yet.
func CompileReactor(ctx context.Context, e *Engine, code []byte) (*Module, error) {
	report, err := e.Inspect(code)
	if err != nil {
		return nil, err
	}
	report.Faults = nil
	return e.module(ctx, sha256.Sum256(code), report, func() (*compiled, error) { return e.compileHere(ctx, code) })
}

// Call calls the entry point of an instance, without a request.
func Call(ctx context.Context, i *Instance) error {
	i.used = true
	if err := i.process.Begin(nil, preview1.Stdio{}); err != nil {
		return err
	}
	i.guest.begin(0)
	return i.guest.serve(ctx, i.process)
}
