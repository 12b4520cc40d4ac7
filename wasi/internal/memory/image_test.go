package memory_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

func newImage(t testing.TB, size uint64, parts ...memory.Part) *memory.Image {
	t.Helper()
	i, err := memory.NewImage(size, memory.Of(parts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := i.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return i
}

func newTracker(t testing.TB) *memory.Tracker {
	t.Helper()
	tracker := memory.NewTracker()
	t.Cleanup(func() {
		for range 2 {
			if err := tracker.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return tracker
}

// load makes a memory of an image, with room to grow.
func load(t testing.TB, i *memory.Image) (*memory.Reservation, []byte) {
	t.Helper()
	r, err := memory.Reserve(i.Size() + 4*page)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Load(i); err != nil {
		t.Fatal(err)
	}
	return r, r.Reallocate(i.Size())
}

func TestImage(t *testing.T) {
	i := newImage(t, 2*page,
		memory.Part{Offset: 10, Bytes: []byte("hello")},
		memory.Part{Offset: 12, Bytes: []byte("LL")},
		memory.Part{Offset: 2*page - 3, Bytes: []byte("end")},
		memory.Part{Offset: 2 * page})
	want := make([]byte, 2*page)
	copy(want[10:], "heLLo")
	copy(want[2*page-3:], "end")
	if !bytes.Equal(i.Content(), want) {
		t.Error("not what the parts say")
	}
	_, a := load(t, i)
	_, b := load(t, i)
	a[10] = 'j'
	if b[10] != 'h' || i.Content()[10] != 'h' {
		t.Error("what one memory writes is seen by another, or in the image")
	}
	if !bytes.Equal(b, want) {
		t.Error("a memory is not its image")
	}
}

// A memory that is hardly used costs hardly anything.
func TestSparseImage(t *testing.T) {
	const size = 8192 * page // 512 MiB
	began := time.Now()
	i := newImage(t, size, memory.Part{Offset: 3*page + 1, Bytes: make([]byte, 64<<20)},
		memory.Part{Offset: size - 1, Bytes: []byte{1}})
	r, b := load(t, i)
	b[100*page] = 1
	if err := r.Reset(newTracker(t)); err != nil || b[100*page] != 0 || b[size-1] != 1 {
		t.Errorf("%d and %d after a reset, %v", b[100*page], b[size-1], err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// Zeros that cover something are written.
func TestZerosCover(t *testing.T) {
	i := newImage(t, page, memory.Part{Bytes: []byte("hello")}, memory.Part{Offset: 1, Bytes: []byte{0, 0}})
	if got := string(i.Content()[:5]); got != "h\x00\x00lo" {
		t.Errorf("%q", got)
	}
}

func TestImageRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		size  uint64
		parts []memory.Part
	}{
		"half a page":  {page / 2, nil},
		"a part after": {page, []memory.Part{{Offset: page, Bytes: []byte("x")}}},
		"a part over":  {page, []memory.Part{{Offset: page - 1, Bytes: []byte("xx")}}},
		"far away":     {page, []memory.Part{{Offset: 1<<64 - 1, Bytes: []byte("xx")}}},
		"all there is": {1 << 62, nil},
	} {
		if _, err := memory.NewImage(c.size, memory.Of(c.parts...)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r := reserve(t, page)
	if err := r.Load(newImage(t, 2*page)); err == nil {
		t.Error("a large image was loaded into a small memory")
	}
	if err := r.Reset(newTracker(t)); !errors.Is(err, memory.ErrGrown) {
		t.Errorf("a memory without an image was reset: %v", err)
	}
}

func TestEmptyImage(t *testing.T) {
	r, b := load(t, newImage(t, 0))
	if len(b) != 0 {
		t.Errorf("%d bytes", len(b))
	}
	if err := r.Reset(newTracker(t)); err != nil {
		t.Error(err)
	}
}

// A memory that has grown keeps what is new, so it cannot be reset.
func TestResetOfGrown(t *testing.T) {
	r, _ := load(t, newImage(t, page))
	r.Reallocate(2 * page)[page] = 1
	if err := r.Reset(newTracker(t)); !errors.Is(err, memory.ErrGrown) {
		t.Errorf("got %v", err)
	}
}

// A memory that has grown can begin anew: it has the size of its image, and what
// it grows by is zero again.
func TestRenew(t *testing.T) {
	i := newImage(t, 2*page, memory.Part{Bytes: []byte("image")})
	for name, tracker := range trackers(t) {
		r, _ := load(t, i)
		for round := range 3 {
			b := r.Reallocate(5 * page)
			for k := 0; k < len(b); k += 1000 {
				b[k] = 0xff
			}
			if err := r.Renew(tracker); err != nil {
				t.Fatal(err)
			}
			if b = r.Reallocate(2 * page); !bytes.Equal(b, i.Content()) || r.Denied() {
				t.Fatalf("%s, round %d: not the image", name, round)
			}
			if b = r.Reallocate(5 * page); !bytes.Equal(b[2*page:], make([]byte, 3*page)) {
				t.Fatalf("%s, round %d: what is beyond the image is not zero", name, round)
			}
		}
	}
	if err := reserve(t, page).Renew(newTracker(t)); err == nil {
		t.Error("a memory without an image began anew")
	}
}

// Reset equals fresh: whatever was written where, afterwards the memory is the
// image, and so is one that was taken of it.
func TestResetEqualsFresh(t *testing.T) {
	const size = 64 * page
	content := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(content[:size/2]) // the rest is zero
	i := newImage(t, size, memory.Part{Bytes: content})
	for name, tracker := range trackers(t) {
		r, b := load(t, i)
		rapid.Check(t, func(t *rapid.T) {
			for range rapid.IntRange(1, 40).Draw(t, "writes") {
				at := rapid.IntRange(0, size-1).Draw(t, "at")
				n := rapid.SampledFrom([]int{1, 8, 5000, 300_000, size}).Draw(t, "length")
				for k := at; k < min(at+n, size); k += 97 {
					b[k]++
				}
			}
			if err := r.Reset(tracker); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b, content) {
				t.Fatalf("%s: not the image", name)
			}
		})
	}
}

// An image of a memory is the memory as it was.
func TestImageOfMemory(t *testing.T) {
	r, b := load(t, newImage(t, page, memory.Part{Bytes: []byte("before")}))
	copy(b, "after!")
	grown := r.Reallocate(2 * page)
	grown[page+7] = 9
	taken, err := memory.NewImage(2*page, memory.Parts(grown))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	clone, c := load(t, taken)
	if string(c[:6]) != "after!" || c[page+7] != 9 || len(c) != 2*page {
		t.Error("the snapshot is not the memory")
	}
	c[0], c[page+7] = 'x', 'y'
	if err := clone.Reset(newTracker(t)); err != nil || string(c[:6]) != "after!" || c[page+7] != 9 {
		t.Errorf("after a reset %q, %v", c[:6], err)
	}
	b[0] = 'z'
	if c[0] != 'a' {
		t.Error("the snapshot changes with the memory")
	}
}

func BenchmarkReset(b *testing.B) {
	const size, dirty = 80 * page, 30 // a Go program with net/http
	content := bytes.Repeat([]byte("content "), size/8)
	i := newImage(b, size, memory.Part{Bytes: content})
	for name, tracker := range trackers(b) {
		b.Run(name, func(b *testing.B) {
			r, m := load(b, i)
			for b.Loop() {
				for k := range dirty {
					m[k*size/dirty]++
				}
				if err := r.Reset(tracker); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkClone(b *testing.B) {
	const size = 80 * page
	i := newImage(b, size, memory.Part{Bytes: bytes.Repeat([]byte("content "), size/8)})
	for b.Loop() {
		r, err := memory.Reserve(512 << 20)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Load(i); err != nil {
			b.Fatal(err)
		}
		r.Reallocate(size)[0] = 1
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
