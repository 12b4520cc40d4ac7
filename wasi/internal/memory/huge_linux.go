package memory

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Place is where memory is about to be mapped, by somebody who does it in a way of
// their own.
type Place struct {
	start unsafe.Pointer
	size  uintptr
}

// NextPlace returns where the kernel maps the next so many bytes, if nobody has it map
// something else meanwhile.
func NextPlace(size int) (Place, error) {
	start, err := unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return Place{}, fmt.Errorf("look for a place: %w", advise("mmap", err))
	}
	if err := unix.MunmapPtr(start, uintptr(size)); err != nil {
		return Place{}, fmt.Errorf("look for a place: %w", advise("munmap", err))
	}
	return Place{start, uintptr(size)}, nil
}

// Huge has the memory consist of huge pages (transparent ones, which the kernel gives
// as it can), once it is mapped; it waits a moment for that. Should something else be
// there by then, or nothing, it does no harm.
func (p Place) Huge() {
	const tries, pause = 100, 20 * time.Microsecond
	for range tries {
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(p.start), p.size, unix.MADV_HUGEPAGE)
		if !errors.Is(errno, unix.ENOMEM) { // there is something, or it cannot be done
			return
		}
		time.Sleep(pause)
	}
}
