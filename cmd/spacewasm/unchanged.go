package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

const (
	// worthAsking is the weight of a project from which on it is asked what of it the
	// server has: smaller ones are sent before the answer is here.
	worthAsking = 256 << 10
	// worthReferring is the size of a file from which on a reference is shorter.
	worthReferring = 512
	// maxAsked is how many files a server lets be asked for, as many as a bundle has.
	maxAsked = 20_000
)

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

// look reads the files of a project for what they hold, a piece at a time. Files that
// are too small, or that change meanwhile, are left out.
func (p *project) look(ctx context.Context) (map[string]known, error) {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	found := map[string]known{}
	for _, e := range p.entries {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if e.dir {
			continue
		}
		k, err := lookAt(root, e.path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", e.path, err)
		}
		if k.content.Size >= worthReferring {
			found[e.path] = k
		}
	}
	return found, nil
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

// leaveOut finds the files of a project that the app has already, which then are not
// sent.
func (s *session) leaveOut(ctx context.Context, app space.AppName, p *project, show *progress) error {
	if p == nil || p.weight < worthAsking || len(p.entries) > maxAsked {
		return nil
	}
	show.note("looking for changes…")
	found, err := p.look(ctx)
	if err != nil {
		return err
	}
	asked := make([]wire.File, 0, len(found))
	for _, k := range found {
		asked = append(asked, wire.File{SHA256: k.content.Hex(), Size: k.content.Size})
	}
	missing, err := s.Missing(ctx, app, asked)
	if err != nil {
		return err
	}
	sent := map[string]bool{}
	for _, sum := range missing {
		sent[sum] = true
	}
	for path, k := range found {
		if sent[k.content.Hex()] {
			delete(found, path)
		} else {
			p.unchanged += k.content.Size
		}
	}
	p.held = found
	return nil
}

// upload sends what the app has not, and shows how far it is.
func (s *session) upload(ctx context.Context, app space.AppName, load *upload, show *progress) (wire.App, error) {
	defer show.stop()
	if err := s.leaveOut(ctx, app, load.folder, show); err != nil {
		return wire.App{}, err
	}
	answer, err := s.send(ctx, app, load, show)
	if e, ok := errors.AsType[*space.Error](err); ok && e.Code == space.CodeNotHeld && load.folder != nil && load.folder.held != nil {
		// A revision has been dropped meanwhile.
		load.folder.held, load.folder.unchanged = nil, 0
		show.note("the server has not kept the unchanged files; sending all")
		return s.send(ctx, app, load, show)
	}
	return answer, err
}

func (s *session) send(ctx context.Context, app space.AppName, load *upload, show *progress) (wire.App, error) {
	unchanged := int64(0)
	if load.folder != nil {
		unchanged = load.folder.unchanged
	}
	show.uploading(load.weight-unchanged, unchanged)
	body, err := load.open(show.add)
	if err != nil {
		return wire.App{}, err
	}
	defer body.Close()
	body = &watched{ReadCloser: body, ended: show.sent}
	kind, size := load.contentType, load.size
	if len(load.set) > 0 {
		if kind, body, size, err = client.Form(load.set, kind, body, size); err != nil {
			return wire.App{}, err
		}
	}
	return s.Push(ctx, app, kind, body, size, show.told)
}
