package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

var _ io.WriteCloser = (*Writer)(nil)

// Writer turns what a guest writes to standard error into entries, one for each line. It is for one goroutine at a
// time. Its methods never return an error: a full disk is no reason to fail a request.
type Writer struct {
	store   *Store
	journal *journal // nil when the app's name or the store is no good
	micro   string
	request string

	line   []byte // what came since the last line feed, MaxLine bytes at most
	lost   int    // bytes of that line beyond MaxLine
	open   bool   // a line has begun
	used   int64  // bytes handed to the journal
	done   bool   // closed, or the request has had its share
	gone   bool   // the app's logs have been removed
	batch  [][]byte
	lineAt time.Time // of the lines that a call completes

	tail      []string // the guest's last lines
	tailBytes int
}

// What [Writer.Tail] has at most. A panic of Go says what it is before its many lines of stack.
const (
	tailLines = 200
	tailBytes = 32 << 10
)

// Writer returns the standard error of one request to a Micro. The entries carry the request's id.
func (s *Store) Writer(app, micro, request string) *Writer {
	w := &Writer{store: s, micro: micro, request: request}
	j, err := s.journal(app)
	if err != nil {
		s.report(err)
	}
	w.journal, w.done, w.gone = j, err != nil, err != nil
	return w
}

// Write stores the lines that p completes, at once. It always returns len(p) and nil.
func (w *Writer) Write(p []byte) (int, error) {
	n := len(p)
	w.lineAt = time.Now()
	for len(p) > 0 && !w.done {
		line, rest, complete := bytes.Cut(p, []byte{'\n'})
		w.collect(line)
		if complete {
			w.endLine()
		}
		p = rest
	}
	w.flush()
	return n, nil
}

// Close stores a last line that no line feed ended. What is written later is dropped. It always returns nil.
func (w *Writer) Close() error {
	if w.open && !w.done {
		w.lineAt = time.Now()
		w.endLine()
		w.flush()
	}
	w.done, w.line = true, nil
	return nil
}

// Platform stores what the platform has to say of the request, after the guest's own words, also if these were too
// many.
func (w *Writer) Platform(code, message string) {
	if w.gone {
		return
	}
	w.lineAt = time.Now()
	if w.open && !w.done {
		w.endLine()
	}
	message = clean(message, max(0, len(message)-w.store.config.MaxLine), w.store.config.MaxLine)
	w.batch = append(w.batch, w.encode(Entry{Source: SourcePlatform, Code: code, Message: message}))
	w.flush()
}

// Tail returns the guest's last lines, the oldest first: at most 200, and 32 KiB.
func (w *Writer) Tail() []string { return slices.Clone(w.tail) }

// remember takes a line into the tail.
func (w *Writer) remember(message string) {
	w.tail = append(w.tail, message)
	w.tailBytes += len(message)
	for len(w.tail) > tailLines || w.tailBytes > tailBytes {
		w.tailBytes -= len(w.tail[0])
		w.tail = w.tail[1:]
	}
}

// collect keeps as much of a line as a message may have.
func (w *Writer) collect(part []byte) {
	kept := min(len(part), w.store.config.MaxLine-len(w.line))
	w.line = append(w.line, part[:kept]...)
	w.lost += len(part) - kept
	w.open = true
}

func (w *Writer) endLine() {
	message := string(bytes.TrimSuffix(w.line, []byte{'\r'}))
	message = clean(message, w.lost, w.store.config.MaxLine)
	w.line, w.lost, w.open = w.line[:0], 0, false
	w.remember(message)
	w.add(Entry{Source: SourceGuest, Message: message})
}

// add counts what the entry takes in the file: a million empty lines are not nothing.
func (w *Writer) add(e Entry) {
	line := w.encode(e)
	if w.used+int64(len(line)) > w.store.config.MaxPerRequest {
		w.done = true
		line = w.encode(Entry{Source: SourcePlatform, Message: fmt.Sprintf(
			"this request logged more than %d bytes; the rest was dropped", w.store.config.MaxPerRequest)})
	}
	w.used += int64(len(line))
	w.batch = append(w.batch, line)
}

func (w *Writer) encode(e Entry) []byte {
	e.Time, e.Micro, e.Request = w.lineAt, w.micro, w.request
	// The message has its length already; replacing invalid bytes and the mark may have made it longer.
	line, err := e.encode(len(e.Message))
	if err != nil {
		panic("logs: an entry of strings cannot be encoded: " + err.Error())
	}
	return line
}

func (w *Writer) flush() {
	if len(w.batch) == 0 {
		return
	}
	err := w.store.append(w.journal, w.batch)
	clear(w.batch)
	w.batch = w.batch[:0]
	if errors.Is(err, errRemoved) {
		w.done, w.gone = true, true // a request that outlives its app must not bring the app's logs back
		return
	}
	w.store.report(err)
}

// report tells OnError of the first failure after a success; a full disk would otherwise be told of with every line.
func (s *Store) report(err error) {
	if failed := err != nil; s.failing.Swap(failed) != failed && failed {
		s.config.OnError(err)
	}
}
