package wasi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// offer has wazero find the machine code under a name, until the function that it
// returns is called.
//
// What loading costs is the kernel's work of giving the code its pages, 5,000 for a Go
// program. With huge pages it is ten. wazero maps the memory and reads the code into it
// in one go; but what it reads is ours, so it is a pipe, and while wazero waits for the
// code, the memory is advised to have huge pages. They make the code faster too, as the
// processor has to look up fewer addresses.
func (c *codeFile) offer(name string) (done func() error, err error) {
	head, first, size, err := c.entryHead()
	if err != nil || size < leastHuge {
		return c.offerLink(name)
	}
	out, in, err := os.Pipe()
	if err != nil {
		return c.offerLink(name)
	}
	if err := os.Symlink(fmt.Sprintf("/proc/self/fd/%d", out.Fd()), name); err != nil {
		return nil, errors.Join(fmt.Errorf("offer code: %w", err), out.Close(), in.Close())
	}
	fed, over := make(chan error, 1), make(chan struct{})
	go func() { fed <- errors.Join(c.feed(in, over, head, first, size), in.Close()) }()
	return func() error {
		close(over)
		// Who still writes finds that nobody reads; that is no error where wazero has
		// what it wants.
		err := errors.Join(out.Close(), withdraw(name))
		if failed := <-fed; failed != nil && !errors.Is(failed, syscall.EPIPE) {
			err = errors.Join(err, failed)
		}
		return err
	}, nil
}

// leastHuge is how much code makes the detour worth it, in bytes.
const leastHuge = 4 << 20

// entryHead reads what stands before the code: who wrote it, the offsets of functions,
// and the size of the code. wazero reads the first bytes of it at once, and then words.
func (c *codeFile) entryHead() (head []byte, first, size int, err error) {
	const magic, word, count = "WAZEVO", 8, 4
	begin := make([]byte, 512)
	n, err := c.file.ReadAt(begin, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, 0, err
	}
	begin = begin[:n]
	first = len(magic) + 1
	if n > first {
		first += int(begin[len(magic)]) + count
	}
	if n < first || string(begin[:len(magic)]) != magic {
		return nil, 0, 0, errors.New("the code is not as this version of wazero writes it")
	}
	functions := int64(binary.LittleEndian.Uint32(begin[first-count:]))
	length := int64(first) + functions*word + word
	if length > c.NativeBytes {
		return nil, 0, 0, errors.New("the code has more functions than bytes")
	}
	head = make([]byte, length)
	if _, err := c.file.ReadAt(head, 0); err != nil {
		return nil, 0, 0, err
	}
	code := binary.LittleEndian.Uint64(head[length-word:])
	if code > uint64(c.NativeBytes-length) {
		return nil, 0, 0, errors.New("the code is longer than its file")
	}
	return head, first, int(code), nil
}

// feed writes the code into a pipe. wazero takes the first bytes, or a word, that come
// in two parts for the end: what is written at once is all of the former, then whole
// words, and few enough to be written whole.
func (c *codeFile) feed(in *os.File, over <-chan struct{}, head []byte, first, size int) error {
	const word, atomic = 8, 4096
	last := len(head) - word
	for at, n := 0, first; at < last; n = atomic {
		n = min(n, last-at)
		if _, err := in.Write(head[at : at+n]); err != nil {
			return err
		}
		at += n
	}
	// By the last word wazero learns how much to map, which it does at once.
	awaitDrained(in, over)
	place, err := memory.NextPlace(size)
	if err != nil {
		return err
	}
	if _, err := in.Write(head[last:]); err != nil {
		return err
	}
	place.Huge()
	rest := io.NewSectionReader(c.file, int64(len(head)), c.NativeBytes-int64(len(head)))
	_, err = io.CopyBuffer(struct{ io.Writer }{in}, struct{ io.Reader }{rest}, make([]byte, 256<<10))
	return err
}

// awaitDrained waits until a pipe is empty, or it is over, or somebody has been slow to
// read it.
func awaitDrained(in *os.File, over <-chan struct{}) {
	const tries, pause = 20_000, 20 * time.Microsecond
	raw, err := in.SyscallConn()
	if err != nil {
		return
	}
	for range tries {
		left, failed := int32(0), false
		err := raw.Control(func(fd uintptr) {
			_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&left)))
			failed = errno != 0
		})
		if err != nil || failed || left == 0 {
			return
		}
		select {
		case <-over:
			return
		case <-time.After(pause):
		}
	}
}
