package wasi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
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
	// databases are those that it has open.
	databases sqlite.State
	// features are those that a handler has enabled.
	features handler.Features
	reason   string
	took     time.Duration
	log      string
	starved  bool
	budget   Budget // of which it has taken charged bytes; nil has no end
	charged  int64
}

// Taken tells whether there is a snapshot. It may be asked of nil.
func (s *Snapshot) Taken() bool { return s != nil && s.image != nil }

// Reason says why none was taken, "" if one was.
func (s *Snapshot) Reason() string { return s.reason }

// Starved tells whether there is none because the budget had no room for it.
func (s *Snapshot) Starved() bool { return s.starved }

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
	if err := s.image.Close(); err != nil {
		return err
	}
	s.release()
	return nil
}

// release gives the budget back what the memory has taken of it.
func (s *Snapshot) release() {
	if s.budget != nil {
		s.budget.Give(s.charged)
	}
	s.charged = 0
}

// hold makes the snapshot's memory, of which the budget has to have what is not
// zero. If it has not, there is no snapshot, and the reason says so.
func (s *Snapshot) hold(size uint64, parts iter.Seq2[memory.Part, error], budget Budget) error {
	s.budget = budget
	charged := func(yield func(memory.Part, error) bool) {
		for p, err := range parts {
			switch n := int64(len(p.Bytes)); {
			case err != nil:
			case budget != nil && !budget.Take(n):
				err = ErrNoMemory
			default:
				s.charged += n
			}
			if !yield(p, err) {
				return
			}
		}
	}
	var err error
	s.image, err = memory.NewImage(size, charged)
	if err != nil {
		s.release()
	}
	if errors.Is(err, ErrNoMemory) {
		s.starved, s.reason = true, "the node has no memory left to keep it"
		return nil
	}
	return err
}

// snapshotHeader stands before the memory of a snapshot where it is kept.
type snapshotHeader struct {
	// Refused says why the initialiser failed; then there is nothing else.
	Refused []string       `json:"refused,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Size    uint64         `json:"size"`
	Globals []uint64       `json:"globals,omitempty"`
	State   preview1.State `json:"state"`
	// Databases are those that it has open.
	Databases sqlite.State `json:"databases,omitzero"`
	// Features are those that a handler has enabled.
	Features handler.Features `json:"features,omitempty"`
	Took     time.Duration    `json:"took"`
	Log      string           `json:"log,omitempty"`
}

// snapshot returns what the header says, without a memory.
func (h snapshotHeader) snapshot() *Snapshot {
	const reasonBytes, logBytes = 8 << 10, 64 << 10 // whoever wrote it
	h.State.Known()
	return &Snapshot{
		globals: h.Globals, state: h.State, databases: h.Databases, features: h.Features, took: h.Took,
		reason: h.Reason[:min(len(h.Reason), reasonBytes)], log: h.Log[:min(len(h.Log), logBytes)],
	}
}

// headerBytes bounds a header, in which the names of open files take the most room.
const headerBytes = 2 << 20

// write writes the header, its length before it. A snapshot whose header would be
// too long is none.
func (h snapshotHeader) write(w io.Writer) error {
	text, err := frame(h)
	if err == nil && len(text) > headerBytes {
		text, err = frame(snapshotHeader{Reason: "the names of the files that it has open are too long", Took: h.Took})
	}
	if err != nil {
		return fmt.Errorf("describe a snapshot: %w", err)
	}
	_, err = w.Write(text)
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
				yield(memory.Part{}, fmt.Errorf("%w: %w", errDamaged, err))
				return
			}
			n := binary.LittleEndian.Uint32(head[8:])
			if n > partBytes {
				yield(memory.Part{}, fmt.Errorf("%w: a part is too long", errDamaged))
				return
			}
			if int(n) > cap(buffer) {
				buffer = make([]byte, partBytes)
			}
			p := memory.Part{Offset: binary.LittleEndian.Uint64(head[:]), Bytes: buffer[:n]}
			if _, err := io.ReadFull(r, p.Bytes); err != nil {
				yield(memory.Part{}, fmt.Errorf("%w: %w", errDamaged, err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// errDamaged says that what was kept of a snapshot is not what was written, or not
// of this module.
var errDamaged = errors.New("what is kept of a snapshot is damaged")

// readSnapshot reads what an instance of the module may begin with. Whoever wrote it
// has run the guest, and is believed no more than that: it can say what is in the
// sandbox, and nothing else.
func (m *Module) readSnapshot(r io.Reader, config InstanceConfig) (*Snapshot, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	s := h.snapshot()
	if h.Reason != "" {
		return s, nil
	}
	if h.Size < m.Report().MemoryMin || h.Size > config.Limits.Memory || len(h.Globals) != len(m.compiled.prepared.Globals) {
		return nil, fmt.Errorf("%w: it is of another module, or of other limits", errDamaged)
	}
	return s, s.hold(h.Size, readParts(r), config.Budgets.Memory)
}

func readHeader(r io.Reader) (h snapshotHeader, err error) {
	err = readFrame(r, headerBytes, &h)
	return h, err
}
