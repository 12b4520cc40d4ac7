package memory

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Tracker finds the pages of a memory that a guest has written to. It is safe for
// concurrent use, and is to be closed.
//
// A page of a private mapping that has been written to is the process's own: it
// is present or swapped out, and not of the file. The kernel says so in
// /proc/self/pagemap, since Linux 6.7 by an ioctl that walks it for us.
type Tracker struct {
	mu      sync.RWMutex // held whole to close
	pagemap *os.File     // nil where it cannot be read
	scans   bool         // it knows the ioctl
	counts  bool         // page faults are counted
}

// maxRestored is how many pages are copied back at most; where more have been
// written to it is cheaper to give them all back to the kernel, and to fault in
// the few that the next request needs.
const maxRestored = 4096

// NewTracker finds out what the system offers. Where it offers nothing (some
// containers), a reset gives the whole memory back to the kernel.
func NewTracker() *Tracker {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return &Tracker{}
	}
	t := &Tracker{pagemap: f, scans: true}
	t.counts = probeFaults() == nil
	if t.probe() == nil {
		return t
	}
	t.scans = false
	if t.probe() == nil {
		return t
	}
	_ = f.Close()
	return &Tracker{}
}

// probe fails unless the tracker finds the one page that was written to.
func (t *Tracker) probe() error {
	page := hostPage()
	image, err := NewImage(PageSize, Of())
	if err != nil {
		return err
	}
	defer func() { _ = image.Close() }()
	r, err := Reserve(PageSize)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	if err := r.Load(image); err != nil {
		return err
	}
	written := PageSize/page - 1
	r.Reallocate(PageSize)[written*page] = 1
	found := 0
	err = t.dirty(r, func(first, end int) bool {
		found += end - first
		return first == written
	})
	if err == nil && found != 1 {
		err = fmt.Errorf("%d pages found instead of one", found)
	}
	return err
}

// Close frees the tracker. It is idempotent.
func (t *Tracker) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pagemap == nil {
		return nil
	}
	f := t.pagemap
	t.pagemap = nil
	return f.Close()
}

// String names the way it goes, for operators.
func (t *Tracker) String() string {
	switch {
	case t.pagemap == nil:
		return "madvise"
	case t.scans:
		return "pagemap scan"
	}
	return "pagemap"
}

func (t *Tracker) reset(r *Reservation) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(r.bytes) == 0 {
		return nil
	}
	if t.pagemap == nil {
		return forget(r.bytes)
	}
	left := maxRestored
	r.written.begin()
	err := t.dirty(r, func(first, end int) bool {
		if left -= end - first; left < 0 {
			return false
		}
		r.written.add(first, end)
		r.image.restore(r.bytes, first, end)
		return true
	})
	if err != nil || left < 0 {
		r.written.known = false
	}
	if err != nil {
		return err
	}
	if left < 0 {
		return forget(r.bytes)
	}
	return nil
}

// forget gives pages of a memory back to the kernel: they are those of its image
// again, and zero beyond it.
func forget(b []byte) error {
	if err := unix.Madvise(b, unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("reset memory: %w", advise("madvise", err))
	}
	return nil
}

// dirty calls found with each run of pages that have been written to, until it
// returns false.
func (t *Tracker) dirty(r *Reservation, found func(first, end int) bool) error {
	if t.scans {
		return t.scan(r, found)
	}
	return t.read(r.bytes, found)
}

// The categories of pages (linux/fs.h).
const (
	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4

	pagemapScan = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)
)

// scanArg is struct pm_scan_arg.
type scanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages   uint64
	categoryInverted, categoryMask, categoryAnyof, returnMask uint64
}

// pageRegion is struct page_region.
type pageRegion struct{ start, end, _ uint64 }

// scratch is where the kernel lists pages. It belongs to the memory, and so to
// the heap: a pointer into a goroutine's stack could move before the kernel uses
// it.
type scratch [128]pageRegion

// scan asks for the pages that are no file's, and are present or swapped out.
func (t *Tracker) scan(r *Reservation, found func(first, end int) bool) error {
	if r.scratch == nil {
		r.scratch = new(scratch)
	}
	regions := r.scratch
	start := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(r.bytes))))
	arg := scanArg{
		size: uint64(unsafe.Sizeof(scanArg{})), start: start, end: start + uint64(len(r.bytes)),
		vec: uint64(uintptr(unsafe.Pointer(regions))), vecLen: uint64(len(regions)),
		categoryInverted: pageIsFile, categoryMask: pageIsFile, categoryAnyof: pageIsPresent | pageIsSwapped,
		returnMask: pageIsPresent | pageIsSwapped,
	}
	page := uint64(hostPage())
	for arg.start < arg.end {
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, t.pagemap.Fd(), pagemapScan, uintptr(unsafe.Pointer(&arg)))
		if errno != 0 {
			return fmt.Errorf("scan pagemap: %w", errno)
		}
		for _, region := range regions[:n] {
			if !found(int((region.start-start)/page), int((region.end-start)/page)) {
				return nil
			}
		}
		if arg.walkEnd <= arg.start {
			return nil
		}
		arg.start = arg.walkEnd
	}
	return nil
}

// read reads an entry of eight bytes for each page.
func (t *Tracker) read(b []byte, found func(first, end int) bool) error {
	const entry, file, swapped, present = 8, 1 << 61, 1 << 62, 1 << 63
	var entries [4096]byte
	page := hostPage()
	first := int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) / page
	for k := 0; k < len(b)/page; {
		n := min(len(entries)/entry, len(b)/page-k)
		if _, err := t.pagemap.ReadAt(entries[:n*entry], int64(first+k)*entry); err != nil {
			return fmt.Errorf("read pagemap: %w", err)
		}
		for i := range n {
			e := binary.NativeEndian.Uint64(entries[i*entry:])
			if e&file == 0 && e&(present|swapped) != 0 && !found(k+i, k+i+1) {
				return nil
			}
		}
		k += n
	}
	return nil
}
