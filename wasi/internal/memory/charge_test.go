package memory_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// T19: an instance is charged before it begins, with what it has beside its
// memory, and growth asks the budget.
func TestCharge(t *testing.T) {
	p := &wasitest.Budget{Limit: 5*page + 100}
	r := reserve(t, 4*page)
	if r.Charge(p, 4*page, 2*page) || p.Used != 0 {
		t.Fatalf("charged more than there is: %d used", p.Used)
	}
	if !r.Charge(p, page, 100) || p.Used != page+100 {
		t.Fatalf("not charged: %d used", p.Used)
	}
	if r.Reallocate(page) == nil || p.Used != page+100 {
		t.Errorf("what it begins with is charged twice: %d used", p.Used)
	}
	if r.Reallocate(3*page) == nil || p.Used != 3*page+100 {
		t.Errorf("grown: %d used", p.Used)
	}
	p.Used += 2 * page // another instance's
	if r.Reallocate(4*page) != nil || !r.Starved() || r.Denied() || r.Peak() != 3*page {
		t.Errorf("grew beyond the budget: starved %v, denied %v, peak %d", r.Starved(), r.Denied(), r.Peak())
	}
	if r.Reallocate(5*page) != nil || r.Starved() || !r.Denied() {
		t.Errorf("above the cap: starved %v, denied %v", r.Starved(), r.Denied())
	}
	if p.Used != 5*page+100 {
		t.Errorf("a refusal changed the budget: %d used", p.Used)
	}
}

// T19: whatever memories are made, grow and are closed in whatever order, the
// budget has what they have, and in the end all of it back.
func TestChargeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &wasitest.Budget{Limit: rapid.Int64Range(0, 40*page).Draw(t, "limit")}
		type charged struct {
			*memory.Reservation
			size, beside int64
		}
		var live []charged
		pick := func(t *rapid.T) int {
			if len(live) == 0 {
				t.Skip("there is none")
			}
			return rapid.IntRange(0, len(live)-1).Draw(t, "which")
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				var sum int64
				for _, m := range live {
					sum += m.size + m.beside
				}
				if p.Used != sum || sum > p.Limit {
					t.Fatalf("%d of %d used, by memories of %d", p.Used, p.Limit, sum)
				}
			},
			"make": func(t *rapid.T) {
				m := charged{size: rapid.Int64Range(0, 4).Draw(t, "pages") * page, beside: rapid.Int64Range(0, 2*page).Draw(t, "beside")}
				var err error
				if m.Reservation, err = memory.Reserve(16 * page); err != nil {
					t.Fatal(err)
				}
				room := m.size+m.beside <= p.Limit-p.Used
				if m.Charge(p, uint64(m.size), uint64(m.beside)) != room {
					t.Fatalf("charged: %v", !room)
				}
				if !room {
					m.size, m.beside = 0, 0
					_ = m.Close()
					return
				}
				live = append(live, m)
			},
			"grow": func(t *rapid.T) {
				m := &live[pick(t)]
				size := m.size + rapid.Int64Range(0, 20).Draw(t, "pages")*page
				want := size <= 16*page && size-m.size <= p.Limit-p.Used
				// An empty memory that stays so is nil as well.
				if got := m.Reallocate(uint64(size)) != nil; got != want && size > 0 {
					t.Fatalf("grown to %d: %v", size, got)
				}
				if want {
					m.size = size
				}
			},
			"close": func(t *rapid.T) {
				i := pick(t)
				for range 2 {
					if err := live[i].Close(); err != nil {
						t.Fatal(err)
					}
				}
				live = append(live[:i], live[i+1:]...)
			},
		})
		for _, m := range live {
			_ = m.Close()
		}
		if p.Used != 0 {
			t.Fatalf("%d left over", p.Used)
		}
	})
}

// T19: what a memory had grown by is given back when it begins anew, but for as
// much as a program's start takes every time.
func TestRenewGivesBack(t *testing.T) {
	const mib = 1 << 20
	image, err := memory.NewImage(page, memory.Of())
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	tracker := memory.NewTracker()
	defer tracker.Close()
	for grown, kept := range map[uint64]int64{page: page, 8 * mib: 8 * mib, 64 * mib: page} {
		node := &wasitest.Budget{Limit: 100 * mib}
		r := reserve(t, 64*mib)
		if !r.Charge(node, page, 0) {
			t.Fatal("no room")
		}
		if err := r.Load(image); err != nil {
			t.Fatal(err)
		}
		r.Reallocate(page)
		r.Reallocate(grown)[grown-1] = 1
		if err := r.Renew(tracker); err != nil || node.Used != kept {
			t.Errorf("after %d bytes %d are kept, want %d; %v", grown, node.Used, kept, err)
		}
		r.Reallocate(page)
		if b := r.Reallocate(grown); b == nil || (grown > page && b[grown-1] != 0) {
			t.Errorf("after %d bytes it cannot grow again, or is not zero", grown)
		}
		if err := r.Close(); err != nil || node.Used != 0 {
			t.Errorf("%d left over, %v", node.Used, err)
		}
	}
}
