//go:build !wasip1

package sqlite

import (
	"context"
	"database/sql"
	"io"
	"strings"
	"time"
)

// pooled is a database behind database/sql, whose connections are for concurrent use.
type pooled struct{ *sql.DB }

type pooledStmt struct{ *sql.Stmt }

func openSource(name string) (source, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(context.Background()); err != nil {
		_ = db.Close() // it was not open
		return nil, err
	}
	return pooled{db}, nil
}

func (p pooled) prepare(ctx context.Context, text string) (querier, error) {
	s, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return pooledStmt{s}, nil
}

func (p pooled) query(ctx context.Context, text string, args []any) (cursor, error) {
	return pool(p.QueryContext(ctx, text, args...))
}

func (s pooledStmt) ask(ctx context.Context, args []any) (cursor, error) {
	return pool(s.QueryContext(ctx, args...))
}

// pooledRows write each row as a host would, so that all else is the same.
type pooledRows struct {
	*sql.Rows
	reader
	names []string
	dest  []any
}

func pool(rows *sql.Rows, err error) (cursor, error) {
	if err != nil {
		return nil, err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		_ = rows.Close() // the error before is what matters
		return nil, err
	}
	n := len(types)
	r := &pooledRows{Rows: rows, reader: reader{cells: make([]cell, n), boxes: &boxes{}}, names: make([]string, n), dest: make([]any, n)}
	values, declared := make([]any, n), make([]string, n)
	for i, t := range types {
		r.names[i], declared[i], r.dest[i] = t.Name(), strings.ToUpper(t.DatabaseTypeName()), &values[i]
	}
	r.times = timesOf(declared)
	return r, nil
}

// Columns implements [cursor].
func (r *pooledRows) Columns() []string { return r.names }

func (r *pooledRows) reading() *reader { return &r.reader }

func (r *pooledRows) next() error {
	if !r.Next() {
		if err := r.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	if err := r.Scan(r.dest...); err != nil {
		return err
	}
	row := r.buf[:0]
	for _, to := range r.dest {
		value := *to.(*any)
		switch v := value.(type) {
		case time.Time: // which was a text
			value = v.Format(time.RFC3339Nano)
		case []byte:
			if v == nil {
				value = []byte{} // else it were NULL
			}
		}
		var err error
		if row, err = appendValue(row, value); err != nil {
			return err
		}
	}
	r.begin(row, 1)
	_, err := r.advance()
	return err
}

var (
	_ source  = pooled{}
	_ querier = pooledStmt{}
	_ cursor  = (*pooledRows)(nil)
)
