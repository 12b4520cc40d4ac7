package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io"
)

// DB is a database that is open: the way to its rows that costs a Micro least. A Micro has
// one connection to it; natively there are as many as are needed at a time, and what is said
// of concurrent use in [database/sql.DB] holds for it and for [Stmt].
type DB struct{ source source }

// source is where a database is: with the host, or natively behind database/sql.
type source interface {
	// prepare compiles a text.
	prepare(ctx context.Context, text string) (querier, error)
	query(ctx context.Context, text string, args []any) (cursor, error)
	Close() error
}

// querier is a text that is compiled.
type querier interface {
	ask(ctx context.Context, args []any) (cursor, error)
	Close() error
}

// cursor is where the rows of a query come from.
type cursor interface {
	Columns() []string
	Close() error
	// next goes on to the next row, or says [io.EOF].
	next() error
	// reading is what reads the row.
	reading() *reader
}

// Open opens the database of a name as that which [sql.Open] takes, for example /data.db.
func Open(name string) (*DB, error) {
	s, err := openSource(name)
	if err != nil {
		return nil, err
	}
	return &DB{s}, nil
}

// Close closes the database with what was prepared.
func (db *DB) Close() error { return db.source.Close() }

// Prepare compiles a text. The arguments of its queries are as those of database/sql,
// [sql.Named] ones included.
func (db *DB) Prepare(text string) (*Stmt, error) {
	return db.PrepareContext(context.Background(), text)
}

// PrepareContext is Prepare with a context.
func (db *DB) PrepareContext(ctx context.Context, text string) (*Stmt, error) {
	q, err := db.source.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return &Stmt{q}, nil
}

// Query runs a text. What the last ones were compiled to is kept.
func (db *DB) Query(text string, args ...any) (*Rows, error) {
	return db.QueryContext(context.Background(), text, args...)
}

// QueryContext is Query with a context, until the end of the rows.
func (db *DB) QueryContext(ctx context.Context, text string, args ...any) (*Rows, error) {
	return opened(db.source.query(ctx, text, args))
}

// QueryRow runs a text, and reads the first row. [Row.Err] tells of all that has failed.
func (db *DB) QueryRow(text string, args ...any) *Row {
	return db.QueryRowContext(context.Background(), text, args...)
}

// QueryRowContext is QueryRow with a context.
func (db *DB) QueryRowContext(ctx context.Context, text string, args ...any) *Row {
	return first(db.source.query(ctx, text, args))
}

// Stmt is a text that is compiled.
type Stmt struct{ querier querier }

// Query runs it.
func (s *Stmt) Query(args ...any) (*Rows, error) {
	return s.QueryContext(context.Background(), args...)
}

// QueryContext runs it with a context, until the end of the rows.
func (s *Stmt) QueryContext(ctx context.Context, args ...any) (*Rows, error) {
	return opened(s.querier.ask(ctx, args))
}

// QueryRow runs it, and reads the first row. [Row.Err] tells of all that has failed.
func (s *Stmt) QueryRow(args ...any) *Row {
	return s.QueryRowContext(context.Background(), args...)
}

// QueryRowContext is QueryRow with a context.
func (s *Stmt) QueryRowContext(ctx context.Context, args ...any) *Row {
	return first(s.querier.ask(ctx, args))
}

// Close frees it.
func (s *Stmt) Close() error { return s.querier.Close() }

// Rows are what a query gives, read one after the other; they begin before the first. The
// columns of the one that Next has gone on to are read by the methods of [Row]. They are
// not for concurrent use.
type Rows struct {
	Row
	cursor cursor
}

// Columns are the names of the columns.
func (r *Rows) Columns() []string { return r.cursor.Columns() }

// Next goes on to the next row. It is false at the end, where the rows close themselves,
// and after an error, that of reading a column included.
func (r *Rows) Next() bool {
	if r.err != nil {
		return r.end(nil)
	}
	if err := r.cursor.next(); err != nil {
		return r.end(err)
	}
	if r.reader == nil {
		r.reader = r.cursor.reading()
		r.cells = r.reader.cells
	}
	return true
}

func (r *Rows) end(err error) bool {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if closed := r.Close(); err == nil {
		err = closed
	}
	if r.err == nil {
		r.err = err
	}
	return false
}

// Close ends the reading before the end is reached. Close may be called again.
func (r *Rows) Close() error {
	r.reader, r.cells = nil, nil
	return r.cursor.Close()
}

func opened(c cursor, err error) (*Rows, error) {
	if err != nil {
		return nil, err
	}
	return &Rows{cursor: c}, nil
}

// first is the first row alone.
func first(c cursor, err error) *Row {
	if err != nil {
		return &Row{err: err}
	}
	if err := c.next(); err != nil {
		if errors.Is(err, io.EOF) {
			err = sql.ErrNoRows
		}
		_ = c.Close() // the error before is what matters
		return &Row{err: err}
	}
	var alone struct { // at once
		row    Row
		reader reader
	}
	alone.reader = c.reading().detach()
	alone.row = Row{&alone.reader, alone.reader.cells, c.Close()}
	return &alone.row
}
