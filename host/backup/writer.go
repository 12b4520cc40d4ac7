package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spacewasm/spacewasm/host/store"
)

// writer makes an archive. It is a [store.Sink] of what goes below prefix.
type writer struct {
	ctx     context.Context //nolint:containedctx // of one call of Write, whose part this is
	gz      *gzip.Writer
	tar     *tar.Writer
	sum     store.Sum
	entries int64
	created time.Time
	prefix  string
	add     func(n int) // is told of each piece of content
}

var _ store.Sink = (*writer)(nil)

func newWriter(ctx context.Context, w io.Writer, manifest Manifest, add func(int)) (*writer, error) {
	// Modules compress well at any level, and the server has work to do meanwhile.
	gz, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	a := &writer{ctx: ctx, gz: gz, tar: tar.NewWriter(gz), sum: store.NewSum(), created: manifest.Created, add: func(int) {}}
	if err := a.document(manifestName, manifest); err != nil {
		return nil, err
	}
	if add != nil {
		a.add = add
	}
	return a, nil
}

// document adds a file of JSON.
func (a *writer) document(name string, content any) error {
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	return a.File(name, int64(len(text)), bytes.NewReader(text))
}

// Folder implements [store.Sink].
func (a *writer) Folder(name string) error {
	name = a.prefix + name
	a.entries++
	a.sum.Folder(name)
	return a.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o700, ModTime: a.created, Format: tar.FormatPAX,
	})
}

// File implements [store.Sink].
func (a *writer) File(name string, size int64, r io.Reader) error {
	name = a.prefix + name
	if err := a.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.created, Format: tar.FormatPAX,
	}); err != nil {
		return err
	}
	content := store.NewDigesting(&paced{ctx: a.ctx, r: r, add: a.add})
	if _, err := io.Copy(a.tar, content); err != nil {
		return err
	}
	if content.Size() != size {
		return fmt.Errorf("%s has %d bytes, not %d any more", name, content.Size(), size)
	}
	a.entries++
	a.sum.File(name, size, content.Sum())
	return nil
}

// finish ends the archive.
func (a *writer) finish() error {
	a.prefix = ""
	last := end{Entries: a.entries, SHA256: string(a.sum.Digest())}
	if err := a.document(endName, last); err != nil {
		return err
	}
	return errors.Join(a.tar.Close(), a.gz.Close())
}

// paced is a reader that ends with the context, and tells how far it is.
type paced struct {
	ctx context.Context //nolint:containedctx // of one call, as this is
	r   io.Reader
	add func(n int)
}

func (p *paced) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := p.r.Read(b)
	p.add(n)
	return n, err
}
