package memory

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// countFaults keeps the goroutine on its thread until stop is called, which returns how
// many page faults the thread had meanwhile, in its own code and in the kernel's on its
// behalf.
func countFaults() (stop func() int64) {
	runtime.LockOSThread()
	before := faults()
	return func() int64 {
		n := faults() - before
		runtime.UnlockOSThread()
		return n
	}
}

// faults is how many page faults the thread has had.
func faults() int64 {
	var usage unix.Rusage
	// It cannot fail, nor wait: no other goroutine need be let in.
	_, _, _ = unix.RawSyscall(unix.SYS_GETRUSAGE, unix.RUSAGE_THREAD, uintptr(unsafe.Pointer(&usage)), 0)
	return usage.Minflt + usage.Majflt
}

// probeFaults fails unless a page that is written to first counts, by this process and
// by the kernel.
func probeFaults() error {
	page := hostPage()
	b, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return advise("mmap", err)
	}
	defer func() { _ = unix.Munmap(b) }()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return advise("pipe2", err)
	}
	defer func() { _, _ = unix.Close(pipe[0]), unix.Close(pipe[1]) }()
	if _, err := unix.Write(pipe[1], []byte("x")); err != nil {
		return err
	}
	stop := countFaults()
	b[0] = 1
	own := stop()
	stop = countFaults()
	if _, err := unix.Read(pipe[0], b[page:page+1]); err != nil {
		stop()
		return err
	}
	if kernels := stop(); own < 1 || kernels < 1 {
		return fmt.Errorf("%d and %d page faults were counted", own, kernels)
	}
	return nil
}
