package wasi_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// T19: a guest that the budget refuses memory fails for another reason than one
// that is at its own limit, and closing gives everything back.
func TestMemoryBudget(t *testing.T) {
	for _, c := range []struct {
		guest  string
		budget int64
		kind   wasi.FaultKind // 0 for none
		body   string
	}{
		{"hello", 1 << 20, 0, "hello\n"},
		{"grow", 2 << 20, wasi.FaultNoRoom, ""},
		{"grow", 8 << 20, wasi.FaultOutOfMemory, ""},
		{"grow-ok", 8 << 20, 0, "64\n"}, // its limit, in pages
		{"grow-ok", 2 << 20, 0, "24\n"}, // the budget, less 512 KiB for what is beside
	} {
		b := newBench(t)
		p := &wasitest.Budget{Limit: c.budget}
		b.config.Budgets.Memory = p
		a := b.ask(t, c.guest, get(t.Context()))
		if c.kind == 0 && (a.fault != nil || a.Body.String() != c.body) || c.kind != 0 && (a.fault == nil || a.fault.Kind != c.kind) {
			t.Errorf("%s with %d: fault %+v, body %q", c.guest, c.budget, a.fault, a.Body)
		}
		if p.Used != 0 || p.Most < 64<<10 {
			t.Errorf("%s with %d: %d left over, %d at most", c.guest, c.budget, p.Used, p.Most)
		}
	}
}

// T19: an instance is charged as a whole when it is made, and one that is too
// large for what is left is not made.
func TestMemoryBudgetFull(t *testing.T) {
	b := newBench(t)
	module, err := b.engine.Compile(t.Context(), wasitest.Guest("bigmem"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = module.Close(t.Context()) }()
	b.config.Limits.Memory = 1 << 30
	least := int64(module.Report().MemoryMin)
	p := &wasitest.Budget{Limit: least + 1<<20}
	b.config.Budgets.Memory = p
	first, err := module.NewInstance(t.Context(), b.config)
	if err != nil || p.Used < least {
		t.Fatalf("%v, %d used", err, p.Used)
	}
	if _, err := module.NewInstance(t.Context(), b.config); !errors.Is(err, wasi.ErrNoMemory) {
		t.Errorf("got %v", err)
	}
	if err := first.Serve(httptest.NewRecorder(), get(t.Context()), io.Discard); err != nil {
		t.Error(err)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil || p.Used != 0 {
		t.Errorf("%v, %d left over", err, p.Used)
	}
}
