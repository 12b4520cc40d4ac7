package memory_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// trackers returns one for each way that this machine has.
func trackers(t testing.TB) map[string]*memory.Tracker {
	t.Helper()
	ways := memory.Ways()
	t.Cleanup(func() {
		for name, tracker := range ways {
			if name != "pagemap" { // which shares its file
				_ = tracker.Close()
			}
		}
	})
	if len(ways) < 2 {
		t.Log("this machine has no pagemap")
	}
	return ways
}

// T3: a dirty page that was swapped out is not present, and dirty all the same.
func TestResetOfSwapped(t *testing.T) {
	i := newImage(t, 16*page, memory.Part{Bytes: bytes.Repeat([]byte("content "), 16*page/8)})
	for name, tracker := range trackers(t) {
		r, b := load(t, i)
		for k := 0; k < len(b); k += os.Getpagesize() {
			b[k] = 'X'
		}
		if err := unix.Madvise(b, unix.MADV_PAGEOUT); err != nil {
			t.Skipf("MADV_PAGEOUT: %v", err)
		}
		if err := r.Reset(tracker); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, i.Content()) {
			t.Errorf("%s: not the image", name)
		}
	}
}

// T4, T5: an image is no file that a child inherits, and nobody can change or
// shorten it.
func TestImageIsSealed(t *testing.T) {
	before := memfds(t)
	newImage(t, page)
	after := memfds(t)
	if len(after) != len(before)+1 {
		t.Fatalf("%d descriptors more", len(after)-len(before))
	}
	for fd := range after {
		if before[fd] {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("a child would inherit it: %#x, %v", flags, err)
		}
		if err := unix.Ftruncate(fd, 0); err == nil {
			t.Error("it can be cut short")
		}
		if _, err := unix.Pwrite(fd, []byte("x"), 0); err == nil {
			t.Error("it can be written to")
		}
	}
}

// memfds are the descriptors of images that this process has open.
func memfds(t *testing.T) map[int]bool {
	t.Helper()
	open := map[int]bool{}
	for fd := range 256 {
		if name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); err == nil && bytes.Contains([]byte(name), []byte("spacewasm-image")) {
			open[fd] = true
		}
	}
	return open
}

// A reset copies back what it knows of where a guest has written to nothing else, which
// shows by the page faults of its thread, and looks again where it has.
func TestWatch(t *testing.T) {
	const pages = 64
	image := newImage(t, pages*page, memory.Part{Bytes: bytes.Repeat([]byte("content "), pages*page/8)})
	for name, tracker := range trackers(t) {
		r, b := load(t, image)
		random := rand.New(rand.NewPCG(1, 2))
		looked := 0
		for round := range 500 {
			end := r.Watch(tracker)
			if round%7 == 6 { // as who runs for long
				r.Unwatch()
			}
			for range 3 {
				k := random.IntN(8) * page // seen soon
				if round%50 == 49 {
					k = random.IntN(pages) * page
				}
				b[k+random.IntN(page)]++
			}
			end()
			if !memory.Known(r) {
				looked++
			}
			if err := r.Reset(tracker); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b, image.Content()) {
				t.Fatalf("%s: round %d: not the image", name, round)
			}
		}
		if counts := memory.Counts(tracker); counts && (looked < 5 || looked > 250) || !counts && looked != 500 {
			t.Errorf("%s: it looked %d times", name, looked)
		}
		// Who writes and is not watched is found all the same.
		for k := range pages {
			b[k*page+1]++
			if err := r.Reset(tracker); err != nil || !bytes.Equal(b, image.Content()) {
				t.Fatalf("%s: unwatched: not the image, %v", name, err)
			}
		}
	}
}
