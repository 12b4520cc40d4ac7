package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// Blob reads a blob, or the bytes of a text, that may be longer than what a query can
// give. It is not for concurrent use.
type Blob struct {
	ctx    context.Context //nolint:containedctx // as io.Reader has no place for it
	source blobSource
	size   int64
	at     int64
	closed bool
}

// blobSource is what a blob is read from.
type blobSource interface {
	// read fills the buffer with what is in the blob at an offset.
	read(ctx context.Context, b []byte, offset int64) error
	close() error
}

// OpenBlob opens the blob, or the text, in a column of the row with that rowid: the way
// to those that are longer than a query gives, which is "string or blob too big". It must
// be closed before the connection is, and is not usable after a snapshot. The context is
// that of all reading.
func OpenBlob(ctx context.Context, conn *sql.Conn, table, column string, rowid int64) (*Blob, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	source, size, err := openBlob(ctx, conn, table, column, rowid)
	if err != nil {
		return nil, err
	}
	return &Blob{ctx: ctx, source: source, size: size}, nil
}

// Size returns the length of the whole in bytes.
func (b *Blob) Size() int64 { return b.size }

// Read implements [io.Reader].
func (b *Blob) Read(p []byte) (int, error) {
	n, err := b.ReadAt(p, b.at)
	b.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt implements [io.ReaderAt], but for concurrent use.
func (b *Blob) ReadAt(p []byte, offset int64) (int, error) {
	if b.closed {
		return 0, errors.New("sqlite: the blob is closed")
	}
	if err := alive(b.ctx); err != nil {
		return 0, err
	}
	if offset < 0 {
		return 0, fmt.Errorf("sqlite: read a blob at %d: that is before its beginning", offset)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if offset >= b.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), b.size-offset))
	if err := b.source.read(b.ctx, p[:n], offset); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Seek implements [io.Seeker].
func (b *Blob) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.at
	case io.SeekEnd:
		offset += b.size
	case io.SeekStart:
	default:
		return b.at, fmt.Errorf("sqlite: seek in a blob from %d: there is no such whence", whence)
	}
	if offset < 0 {
		return b.at, fmt.Errorf("sqlite: seek in a blob to %d: that is before its beginning", offset)
	}
	b.at = offset
	return offset, nil
}

// Close implements [io.Closer].
func (b *Blob) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	return b.source.close()
}

// hostBlob is a blob that the host has open.
type hostBlob struct {
	sql *sql.Conn
	id  uint32
}

// openHostBlob opens a blob by the connection that is below one of database/sql's.
func openHostBlob(c *sql.Conn, table, column string, rowid int64) (source blobSource, size int64, err error) {
	err = raw(c, func(c *conn) error {
		id, n, code := c.host.blobOpen(c.database, table, column, rowid)
		if code != codeOK {
			return c.fail(code)
		}
		size, source = int64(n), &hostBlob{id: id}
		return nil
	})
	if blob, ok := source.(*hostBlob); ok {
		blob.sql = c
	}
	return source, size, err
}

func (b *hostBlob) read(_ context.Context, p []byte, offset int64) error {
	return raw(b.sql, func(c *conn) error {
		if code := c.host.blobRead(b.id, offset, p); code != codeOK {
			return c.fail(code)
		}
		return nil
	})
}

func (b *hostBlob) close() error {
	return raw(b.sql, func(c *conn) error {
		if code := c.host.blobClose(b.id); code != codeOK {
			return c.fail(code)
		}
		return nil
	})
}

// raw finds the driver's connection below one of database/sql's.
func raw(c *sql.Conn, do func(*conn) error) error {
	return c.Raw(func(driverConn any) error {
		own, ok := driverConn.(*conn)
		if !ok {
			return fmt.Errorf("sqlite: the connection is a %T, and not one of this driver", driverConn)
		}
		return do(own)
	})
}

var _ interface {
	io.ReadSeekCloser
	io.ReaderAt
} = (*Blob)(nil)
