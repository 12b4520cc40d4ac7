package preview1

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stream is what has no positions: a standard stream, a FIFO or character device
// of a lent directory, a connection, the null device.
type stream struct {
	r io.Reader // nil where nothing can be read
	w io.Writer
	// host is the host's descriptor, if there is one: then it may have to be
	// waited for. Else the stream is always ready.
	host   syscall.RawConn
	kind   byte
	closer io.Closer // nil where the stream is the caller's
	socket bool
}

// newStream returns a standard stream, which stays its owner's.
func newStream(r io.Reader, w io.Writer) *stream {
	s := &stream{r: r, w: w, kind: typeUnknown}
	var owner any = r
	if r == nil {
		owner = w
	}
	file, ok := owner.(*os.File)
	if !ok {
		return s
	}
	if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		s.kind = typeCharDevice
	}
	if host, err := file.SyscallConn(); err == nil {
		s.host = host
	}
	return s
}

// null is /dev/null.
func null() *stream { return &stream{r: eof{}, w: io.Discard, kind: typeCharDevice} }

// eof is an empty reader.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (s *stream) close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// read reads what is there, and waits for it if the descriptor may block. At the
// end it returns 0.
func (s *stream) read(ctx context.Context, p []byte, block bool) (int, error) {
	if s.host == nil {
		if s.r == nil {
			return 0, nil
		}
		n, err := s.r.Read(p)
		if n > 0 || errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	}
	return transfer(ctx, s.host, unix.POLLIN, block, func(fd int) (int, error) { return unix.Read(fd, p) })
}

// write writes all of p, unless the descriptor may not block.
func (s *stream) write(ctx context.Context, p []byte, block bool) (int, error) {
	if s.host == nil {
		if s.w == nil {
			return len(p), nil
		}
		return s.w.Write(p)
	}
	written := 0
	for written < len(p) {
		n, err := transfer(ctx, s.host, unix.POLLOUT, block, func(fd int) (int, error) { return unix.Write(fd, p[written:]) })
		written += n
		if err != nil || !block {
			return written, err
		}
	}
	return written, nil
}

// transfer does something with a host's descriptor once that is ready. The
// descriptor itself may block: it can be a terminal that others use too.
func transfer(ctx context.Context, host syscall.RawConn, events int16, block bool, do func(fd int) (int, error)) (int, error) {
	for {
		fds, err := pollSet([]syscall.RawConn{host}, []int16{events})
		if err != nil {
			return 0, err
		}
		patience := time.Duration(0)
		if block {
			patience = Forever
		}
		if err := waitFor(ctx, fds, patience); err != nil {
			return 0, err
		}
		if fds[0].Revents == 0 {
			return 0, errnoAgain
		}
		n, err := control(host, do)
		if errors.Is(err, syscall.EAGAIN) && block {
			continue // another took it
		}
		return max(n, 0), err
	}
}

// control calls do with the descriptor, again if a signal interrupted it.
func control(host syscall.RawConn, do func(fd int) (int, error)) (n int, err error) {
	failed := host.Control(func(fd uintptr) {
		for {
			if n, err = do(int(fd)); !errors.Is(err, syscall.EINTR) {
				return
			}
		}
	})
	if failed != nil {
		return 0, failed
	}
	return n, err
}

// pollSet makes what poll(2) takes. The descriptors belong to resources of the
// table, which nobody closes meanwhile.
func pollSet(hosts []syscall.RawConn, events []int16) ([]unix.PollFd, error) {
	set := make([]unix.PollFd, len(hosts))
	for i, host := range hosts {
		fd, err := control(host, func(fd int) (int, error) { return fd, nil })
		if err != nil {
			return nil, err
		}
		set[i] = unix.PollFd{Fd: int32(fd), Events: events[i]}
	}
	return set, nil
}

// waitFor waits until one of the descriptors is ready, or patience or the
// context ends. poll(2) knows no context, so it is asked again and again.
func waitFor(ctx context.Context, set []unix.PollFd, patience time.Duration) error {
	const look = 50 * time.Millisecond
	end := time.Now().Add(patience)
	for {
		Alive(ctx)
		left := look
		if patience != Forever {
			left = min(look, time.Until(end))
		}
		// Rounded up: poll counts milliseconds, and a guest is not to wake early.
		n, err := unix.Poll(set, int((max(0, left)+time.Millisecond-1)/time.Millisecond))
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if n > 0 || (patience != Forever && time.Until(end) <= 0) {
			return nil
		}
	}
}
