package project

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// worthReferring is the size of a file from which on a reference is shorter.
const worthReferring = 512

// known is what a file held when it was looked at.
type known struct {
	content  space.Content
	modified time.Time
}

// refer makes h the header of an entry that stands for the file, if it still is what
// it was.
func (k known) refer(h *tar.Header, info fs.FileInfo) bool {
	if k.content.Size == 0 || info.Size() != k.content.Size || !info.ModTime().Equal(k.modified) {
		return false
	}
	h.Size = 0
	h.PAXRecords = map[string]string{
		space.RecordSum:  k.content.Hex(),
		space.RecordSize: strconv.FormatInt(k.content.Size, 10),
	}
	return true
}

// Look reads the files that are packed for what they hold, a piece at a time, and returns
// that, for each file. Files that are too small, or that change meanwhile, are left out.
func (p *Project) Look(ctx context.Context) ([]space.Content, error) {
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	seen, contents := map[string]known{}, []space.Content{}
	for _, e := range p.Entries {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if e.Dir {
			continue
		}
		k, err := lookAt(root, e.Path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", e.Path, err)
		}
		if k.content.Size >= worthReferring {
			seen[e.Path] = k
			contents = append(contents, k.content)
		}
	}
	p.seen = seen
	return contents, nil
}

func lookAt(root *os.Root, path string) (known, error) {
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO would wait for a writer
	if err != nil {
		return known{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < worthReferring {
		return known{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil || n != info.Size() {
		return known{}, err
	}
	k := known{content: space.Content{Size: n}, modified: info.ModTime()}
	sum.Sum(k.content.Sum[:0])
	return k, nil
}

// LeaveOut has those of the files that were looked at packed as references that are held
// where the project goes, and replaces what was left out before; nil leaves out none.
func (p *Project) LeaveOut(held func(space.Content) bool) {
	p.held, p.unchanged = nil, 0
	if held == nil {
		return
	}
	p.held = map[string]known{}
	for path, k := range p.seen {
		if held(k.content) {
			p.held[path] = k
			p.unchanged += k.content.Size
		}
	}
}

// Unchanged is the size, in bytes, of the files that are left out.
func (p *Project) Unchanged() int64 { return p.unchanged }
