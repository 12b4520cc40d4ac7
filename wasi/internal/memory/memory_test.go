package memory_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

const page = memory.PageSize

func reserve(t *testing.T, limit uint64) *memory.Reservation {
	t.Helper()
	r, err := memory.Reserve(limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return r
}

func TestGrow(t *testing.T) {
	r := reserve(t, 4*page)
	m := r.Allocate(100*page, 200*page) // what a module declares does not matter
	if r.Peak() != 0 || r.Denied() {
		t.Errorf("before anything: peak %d, denied %v", r.Peak(), r.Denied())
	}
	small := m.Reallocate(page)
	if len(small) != page || !bytes.Equal(small, make([]byte, page)) {
		t.Fatalf("%d bytes, or not zero", len(small))
	}
	small[0], small[page-1] = 1, 2
	large := m.Reallocate(4 * page)
	if len(large) != 4*page || &large[0] != &small[0] || large[0] != 1 || large[page-1] != 2 || !bytes.Equal(large[page:], make([]byte, 3*page)) {
		t.Fatal("the memory moved, lost what was in it, or is not zero where it is new")
	}
	if r.Peak() != 4*page || r.Denied() {
		t.Errorf("at the cap: peak %d, denied %v", r.Peak(), r.Denied())
	}
	for _, size := range []uint64{4*page + 1, 5 * page, 1 << 32, 1 << 63} {
		if m.Reallocate(size) != nil {
			t.Errorf("grew to %d", size)
		}
	}
	if r.Peak() != 4*page || !r.Denied() {
		t.Errorf("above the cap: peak %d, denied %v", r.Peak(), r.Denied())
	}
	large[4*page-1] = 3 // what the guest has stays usable
	m.Free()
	if large[0] != 1 {
		t.Error("Free took the memory, which is not the engine's")
	}
}

// The cap is whole pages, as a guest grows by pages.
func TestCap(t *testing.T) {
	for limit, most := range map[uint64]uint64{0: 0, 1: 0, page - 1: 0, page: page, 2*page - 1: page, 3 * page: 3 * page} {
		r := reserve(t, limit)
		if got := r.Reallocate(most); uint64(len(got)) != most || (most > 0 && got == nil) || r.Denied() {
			t.Errorf("limit %d: %d bytes of %d", limit, len(got), most)
		}
		if r.Reallocate(most+page) != nil || !r.Denied() {
			t.Errorf("limit %d: grew beyond %d", limit, most)
		}
	}
}

// A reservation takes address space only.
func TestReserveMuch(t *testing.T) {
	for range 8 {
		m := reserve(t, 4<<30).Reallocate(4 << 30)
		if len(m) != 4<<30 || m[len(m)-1] != 0 {
			t.Fatal("not all of it is there")
		}
		m[1<<30] = 1
	}
}

func TestReserveTooMuch(t *testing.T) {
	if _, err := memory.Reserve(1 << 62); err == nil || !strings.Contains(err.Error(), "bytes of address space") {
		t.Errorf("got %v", err)
	}
}

func TestClosed(t *testing.T) {
	r := reserve(t, page)
	r.Reallocate(page)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r.Reallocate(page) != nil {
		t.Error("a closed reservation has memory")
	}
	if r.Peak() != page {
		t.Errorf("the peak is %d", r.Peak())
	}
}
