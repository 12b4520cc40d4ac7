package sqlite

import (
	"context"
	"math"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// stream is an open blob of a session.
type stream struct {
	database *database
	blob     uintptr
	size     uint32
}

// openBlob opens a value of a table, however long it is.
func (s *Session) openBlob(ctx context.Context, number uint32, table, column string, row int64) (n, size uint32, err error) {
	d, c, err := s.database(ctx, number)
	if err != nil {
		return 0, 0, err
	}
	if len(s.blobs) >= maxBlobs {
		return 0, 0, &Error{Code: sqlite3.SQLITE_ERROR, Message: "32 blobs are open already: close those that are not used", Offset: -1}
	}
	defer c.enter(ctx, s.meter)(&err)
	b := &stream{database: d}
	if b.blob, err = c.openBlob(table, column, row); err != nil {
		return 0, 0, err
	}
	b.size = uint32(sqlite3.Xsqlite3_blob_bytes(c.tls, b.blob))
	if n, err = s.next(); err != nil {
		sqlite3.Xsqlite3_blob_close(c.tls, b.blob)
		return 0, 0, err
	}
	if s.blobs == nil {
		s.blobs = map[uint32]*stream{}
	}
	s.blobs[n] = b
	return n, b.size, nil
}

func (c *connection) openBlob(table, column string, row int64) (uintptr, error) {
	schema, t, k := cString(c.tls, "main"), cString(c.tls, table), cString(c.tls, column)
	defer func() {
		for _, p := range []uintptr{schema, t, k} {
			libc.Xfree(c.tls, p)
		}
	}()
	out := libc.Xcalloc(c.tls, 1, 8)
	defer libc.Xfree(c.tls, out)
	if rc := sqlite3.Xsqlite3_blob_open(c.tls, c.db, schema, t, k, row, 0, out); rc != sqlite3.SQLITE_OK {
		return 0, c.fault(rc)
	}
	return *at[uintptr](out), nil
}

// readBlob reads a part of a blob.
func (s *Session) readBlob(ctx context.Context, number, offset uint32, buffer []byte) (err error) {
	b := s.blobs[number]
	if b == nil {
		return misuse("no blob is open under the number %d", number)
	}
	c, err := s.connection(ctx, b.database)
	if err != nil {
		return err
	}
	if uint64(offset)+uint64(len(buffer)) > uint64(b.size) || b.size > math.MaxInt32 {
		return &Error{Code: sqlite3.SQLITE_ERROR, Message: "the blob ends before", Offset: -1}
	}
	if err := s.took(len(buffer)); err != nil {
		return err
	}
	defer c.enter(ctx, s.meter)(&err)
	c.copied += int64(len(buffer))
	for len(buffer) > 0 { // in pieces that fit into the library's memory
		const piece = 64 << 10
		n := min(len(buffer), piece)
		if err := c.readBlob(b.blob, offset, buffer[:n]); err != nil {
			return err
		}
		buffer, offset = buffer[n:], offset+uint32(n)
	}
	return nil
}

func (c *connection) readBlob(blob uintptr, offset uint32, buffer []byte) error {
	out := libc.Xmalloc(c.tls, uint64(len(buffer)))
	defer libc.Xfree(c.tls, out)
	if rc := sqlite3.Xsqlite3_blob_read(c.tls, blob, out, int32(len(buffer)), int32(offset)); rc != sqlite3.SQLITE_OK {
		return c.fault(rc)
	}
	copy(buffer, view(out, len(buffer)))
	return nil
}

// closeBlob frees a blob, at the cost of an account; nil is nobody's.
func (s *Session) closeBlob(number uint32, meter Meter) {
	b := s.blobs[number]
	delete(s.blobs, number)
	if b == nil || b.database.c.broken {
		return
	}
	c := b.database.c
	var err error
	defer c.enter(context.Background(), meter)(&err) // it has no more to say
	sqlite3.Xsqlite3_blob_close(c.tls, b.blob)
}
