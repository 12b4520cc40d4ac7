package static

import (
	"bytes"
	"compress/gzip"
	"container/list"
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// Files within these bounds are compressed when they are asked for: below, the
// header is most of the answer; above, the first client would wait for seconds.
const (
	minPacked = 1 << 10
	maxPacked = 8 << 20
)

// packWait is how long a client waits for the turn of its file. Then it gets the
// file as it is, which is no worse.
const packWait = 200 * time.Millisecond

// pack returns a file compressed, or nil if it is to be sent as it is.
func (s *Site) pack(ctx context.Context, root *os.Root, f *file) ([]byte, error) {
	if content := s.packed.get(f.name); content != nil {
		return content, nil
	}
	if !s.takeTurn(ctx) {
		return nil, nil
	}
	defer func() { <-s.packing }()
	if content := s.packed.get(f.name); content != nil || f.dense.Load() {
		return content, nil
	}
	// Without a tenth saved it is not worth the client's work.
	out := bounded{left: min(f.whole.size-f.whole.size/10, s.packed.limit)}
	writer := gzip.NewWriter(&out)
	err := s.copyFile(writer, root, f.name)
	if err == nil {
		err = writer.Close()
	}
	if errors.Is(err, errTooLarge) {
		f.dense.Store(true)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content := bytes.Clone(out.Bytes()) // without the room that it grew by
	s.packed.put(f.name, content)
	return content, nil
}

func (s *Site) takeTurn(ctx context.Context) bool {
	select {
	case s.packing <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(packWait)
	defer timer.Stop()
	select {
	case s.packing <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

var errTooLarge = errors.New("it does not become small enough")

// bounded is a buffer that takes so many bytes and no more.
type bounded struct {
	bytes.Buffer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errTooLarge
	}
	return b.Buffer.Write(p)
}

// packed keeps compressed files, those that were asked for last.
type packed struct {
	limit int64

	mu    sync.Mutex
	size  int64
	items map[string]*list.Element // of content
	order list.List                // the one that was asked for last in front
}

type content struct {
	name  string
	bytes []byte
}

func (p *packed) get(name string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	item := p.items[name]
	if item == nil {
		return nil
	}
	p.order.MoveToFront(item)
	return item.Value.(content).bytes
}

func (p *packed) put(name string, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.items == nil {
		p.items = map[string]*list.Element{}
	}
	if p.items[name] != nil {
		return
	}
	for p.size+int64(len(b)) > p.limit && p.order.Len() > 0 {
		oldest := p.order.Remove(p.order.Back()).(content)
		delete(p.items, oldest.name)
		p.size -= int64(len(oldest.bytes))
	}
	p.items[name] = p.order.PushFront(content{name, b})
	p.size += int64(len(b))
}

func (p *packed) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items, p.size = nil, 0
	p.order.Init()
}
