package wasi

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Snapshot is what a module has come to when it has initialised itself: its memory,
// its globals, its open files and its clock. Instances begin with it, each with its
// own copy. It is safe for concurrent use, and is to be closed after all of them.
//
// Where a module has no initialiser, or what it did cannot be kept, no snapshot is
// taken, and each instance initialises itself before its request.
type Snapshot struct {
	image   *memory.Image // nil if none was taken
	globals []uint64
	state   preview1.State
	// features are those that a handler has enabled.
	features handler.Features
	reason   string
	took     time.Duration
	log      string
}

// Taken tells whether there is a snapshot. It may be asked of nil.
func (s *Snapshot) Taken() bool { return s != nil && s.image != nil }

// Reason says why none was taken, "" if one was.
func (s *Snapshot) Reason() string { return s.reason }

// Bytes is the size of its memory.
func (s *Snapshot) Bytes() uint64 {
	if !s.Taken() {
		return 0
	}
	return s.image.Size()
}

// Took is how long the initialiser ran.
func (s *Snapshot) Took() time.Duration { return s.took }

// Log is the beginning of what the initialiser wrote to its standard output and
// error.
func (s *Snapshot) Log() string { return s.log }

// Drew names what the initialiser asked for that is another thing each time
// ("randomness", "the time"): all instances have the same of it.
func (s *Snapshot) Drew() []string { return s.state.Drew }

// Close frees the memory. It is idempotent, and may be called of nil.
func (s *Snapshot) Close() error {
	if !s.Taken() {
		return nil
	}
	return s.image.Close()
}

// snapshotHeader stands before the memory of a snapshot where it is kept.
type snapshotHeader struct {
	// Refused says why the initialiser failed; then there is nothing else.
	Refused []string       `json:"refused,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Size    uint64         `json:"size"`
	Globals []uint64       `json:"globals,omitempty"`
	State   preview1.State `json:"state"`
	// Features are those that a handler has enabled.
	Features handler.Features `json:"features,omitempty"`
	Took     time.Duration    `json:"took"`
	Log      string           `json:"log,omitempty"`
}

// snapshot returns what the header says, without a memory.
func (h snapshotHeader) snapshot() *Snapshot {
	return &Snapshot{
		globals: h.Globals, state: h.State, features: h.Features, reason: h.Reason, took: h.Took, log: h.Log,
	}
}

// headerBytes bounds a header: a guest has at most 256 files open, each with a path
// of 4 KiB that JSON may make six times as long.
const headerBytes = 16 << 20

// write writes the header, its length before it.
func (h snapshotHeader) write(w io.Writer) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("describe a snapshot: %w", err)
	}
	_, err = w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

// partBytes bounds a part of the memory as it is kept.
const partBytes = 2 << 20

// writeParts writes parts of a memory, each behind its offset and its length.
func writeParts(w io.Writer, parts iter.Seq2[memory.Part, error]) error {
	for p, err := range parts {
		if err != nil {
			return err
		}
		head := binary.LittleEndian.AppendUint64(nil, p.Offset)
		if _, err := w.Write(binary.LittleEndian.AppendUint32(head, uint32(len(p.Bytes)))); err != nil {
			return err
		}
		if _, err := w.Write(p.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// readParts reads what writeParts has written. A part is good until the next.
func readParts(r io.Reader) iter.Seq2[memory.Part, error] {
	return func(yield func(memory.Part, error) bool) {
		var head [12]byte
		var buffer []byte
		for {
			if _, err := io.ReadFull(r, head[:]); err == io.EOF {
				return
			} else if err != nil {
				yield(memory.Part{}, err)
				return
			}
			n := binary.LittleEndian.Uint32(head[8:])
			if n > partBytes {
				yield(memory.Part{}, errors.New("a part is too long"))
				return
			}
			if int(n) > cap(buffer) {
				buffer = make([]byte, partBytes)
			}
			p := memory.Part{Offset: binary.LittleEndian.Uint64(head[:]), Bytes: buffer[:n]}
			if _, err := io.ReadFull(r, p.Bytes); err != nil {
				yield(memory.Part{}, err)
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// readSnapshot reads what an instance of the module may begin with, or the
// [*RefusedError] that it was. Whoever wrote it has run the guest, and is believed
// no more than that: it can say what is in the sandbox, and nothing else.
func (m *Module) readSnapshot(r io.Reader, limit uint64) (*Snapshot, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	if len(h.Refused) > 0 {
		return nil, &RefusedError{Faults: h.Refused}
	}
	s := h.snapshot()
	if h.Reason != "" {
		return s, nil
	}
	if h.Size < m.Report().MemoryMin || h.Size > limit || len(h.Globals) != len(m.compiled.prepared.Globals) {
		return nil, errors.New("read a snapshot: it is of another module, or of other limits")
	}
	if s.image, err = memory.NewImage(h.Size, readParts(r)); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	return s, nil
}

func readHeader(r io.Reader) (snapshotHeader, error) {
	var h snapshotHeader
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return h, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > headerBytes {
		return h, errors.New("its header is too long")
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, err
	}
	return h, json.Unmarshal(text, &h)
}
