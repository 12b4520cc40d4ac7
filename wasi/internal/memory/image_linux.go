package memory

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// source is the sealed memfd behind an image.
type source struct{ file *os.File }

func hostPage() int { return os.Getpagesize() }

// seal makes a memfd, which write fills, that nobody can write to or cut short any
// more: it is mapped into every memory, and a page that went missing would end
// the process (threats: SIGBUS). The content is a view of it. It is filled by
// writes: each page of a mapping that is touched first costs ten times as much.
func seal(size uint64, write func(io.WriterAt) error) ([]byte, source, error) {
	fd, err := unix.MemfdCreate("spacewasm-image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, source{}, advise("memfd_create", err)
	}
	s := source{os.NewFile(uintptr(fd), "image")}
	content, err := s.fill(size, write)
	if err != nil {
		_ = s.file.Close()
		return nil, source{}, err
	}
	return content, s, nil
}

// WriteAt implements [io.WriterAt].
func (s source) WriteAt(p []byte, at int64) (int, error) {
	n, err := s.file.WriteAt(p, at)
	if err != nil {
		err = advise("write", err)
	}
	return n, err
}

// seal seals it. The kernel says that it is busy while it has a page in its hands, as to
// move it: that passes.
func (s source) seal(seals int) error {
	for wait := time.Millisecond; ; wait *= 2 {
		_, err := unix.FcntlInt(s.file.Fd(), unix.F_ADD_SEALS, seals)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || wait > time.Second {
			return advise("seal", err)
		}
		time.Sleep(wait)
	}
}

func (s source) fill(size uint64, write func(io.WriterAt) error) ([]byte, error) {
	if err := s.file.Truncate(int64(size)); err != nil {
		return nil, advise("ftruncate", err)
	}
	if err := write(s); err != nil {
		return nil, err
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if err := s.seal(seals); err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, nil
	}
	content, err := unix.Mmap(int(s.file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, advise("mmap", err)
	}
	return content, nil
}

func (s source) close(content []byte) error {
	var err error
	if content != nil {
		err = unix.Munmap(content)
	}
	closed := s.file.Close()
	if errors.Is(closed, os.ErrClosed) {
		closed = nil
	}
	return errors.Join(err, closed)
}

// Load makes the image the content of the memory, which has not been used yet
// and is large enough. Pages are shared with all other memories of the image
// until they are written to. The image is to stay open as long as the memory.
func (r *Reservation) Load(image *Image) error {
	size := image.Size()
	if size > uint64(cap(r.bytes)) {
		return fmt.Errorf("an image of %d bytes does not fit into a memory of %d", size, cap(r.bytes))
	}
	r.image = image
	if size == 0 {
		return nil
	}
	at := unsafe.Pointer(unsafe.SliceData(r.bytes))
	_, err := unix.MmapPtr(int(image.source.file.Fd()), 0, at, uintptr(size),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("map a memory image of %d bytes: %w", size, advise("mmap", err))
	}
	return nil
}

// advise adds to an error of the kernel what its owner can do about it.
func advise(call string, err error) error {
	advice := ""
	switch {
	case errors.Is(err, unix.ENOMEM):
		advice = ": the machine has no memory left, or the process has too many mappings (sysctl vm.max_map_count)"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		advice = ": raise the limit of open files (LimitNOFILE of the service)"
	case errors.Is(err, unix.ENOSPC):
		advice = ": the memory behind shared memory is full (the size of the container's, or its memory limit)"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		advice = ": the system call is forbidden here (a seccomp profile of the container?)"
	}
	return fmt.Errorf("%s: %w%s", call, err, advice)
}
