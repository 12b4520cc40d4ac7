package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"
	"time"
)

// conn is an open database. It is not for concurrent use, as database/sql has it.
type conn struct {
	host     host
	database uint32
	lost     bool // the host does not know it, or what was prepared with it
	closed   bool
	limited  bool // the host has been given a deadline

	idle   []*statement // compiled and not in use, the one used last at the end
	buffer []byte       // for rows, unless some have it
	values []byte       // for what is bound
	boxes  boxes        // for what is read
}

// maxIdle is how many statements are kept for when their text comes again: with that
// a query that was not prepared costs no more than one that was.
const maxIdle = 16

// Prepare implements [driver.Conn].
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.compile(ctx, query)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c *conn) compile(ctx context.Context, query string) (*stmt, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	query = beforeNUL(query)
	if query == "" {
		return &stmt{conn: c}, nil
	}
	s, err := c.take(query)
	if err != nil {
		return nil, err
	}
	if s.id == 0 || s.read < len(query) { // a script is taken statement by statement
		c.give(s)
		s = nil
	} else {
		s.kept = true
	}
	return &stmt{conn: c, query: query, own: s}, nil
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return given(c.query(ctx, beforeNUL(query), nil, args))
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.exec(ctx, beforeNUL(query), nil, args)
}

// query runs all statements of a text, the first of which may be compiled already. The
// rows are those of the last that gives some, or of the last.
func (c *conn) query(ctx context.Context, text string, own *statement, args []driver.NamedValue) (*rows, error) {
	var last *rows
	for text != "" {
		r, n, err := c.begin(ctx, text, own, args)
		own = nil
		if err != nil {
			if last != nil {
				_ = last.Close() // the error before is what matters
			}
			return nil, err
		}
		text = text[n:]
		switch {
		case r == nil:
		case last == nil:
			last = r
		case r.left > 0 || text == "":
			err := last.Close()
			if last = r; err != nil {
				_ = last.Close()
				return nil, err
			}
		default:
			if err := r.Close(); err != nil {
				_ = last.Close()
				return nil, err
			}
		}
	}
	if last == nil {
		last = &rows{conn: c, statement: &statement{columns: []string{}}, current: -1, done: true}
	}
	return last, nil
}

// given makes an interface of rows, if there are some.
func given(r *rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// exec runs all statements of a text to their end.
func (c *conn) exec(ctx context.Context, text string, own *statement, args []driver.NamedValue) (driver.Result, error) {
	for text != "" {
		r, n, err := c.begin(ctx, text, own, args)
		own = nil
		if err != nil {
			return nil, err
		}
		text = text[n:]
		if r == nil {
			continue
		}
		for err == nil && !r.done {
			err = r.fill(ctx)
		}
		if closed := r.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, err
		}
	}
	return unchanged{}, nil
}

// begin runs the first statement of a text up to its first batch of rows. It returns the
// length of what it has read, and no rows where there was no statement.
func (c *conn) begin(ctx context.Context, text string, s *statement, args []driver.NamedValue) (*rows, int, error) {
	if err := alive(ctx); err != nil {
		return nil, 0, err
	}
	if s == nil || s.busy {
		var err error
		if s, err = c.take(text); err != nil {
			return nil, 0, err
		}
	}
	if s.id == 0 {
		return nil, s.read, nil
	}
	s.busy = true
	r := &rows{conn: c, statement: s, ctx: ctx, current: -1}
	err := c.bind(s, args)
	if err == nil {
		err = c.describe(s)
	}
	if err == nil {
		r.cells, r.times, r.boxes = make([]cell, s.outputs), s.times, &c.boxes
		err = r.fill(ctx)
	}
	if err != nil {
		_ = r.Close()
		return nil, 0, err
	}
	if r.left > 0 {
		r.current = 0
	}
	return r, s.read, nil
}

// limit has the host end queries when the context does, if that has a time.
func (c *conn) limit(ctx context.Context) error {
	deadline, limited := ctx.Deadline()
	if !limited && !c.limited {
		return nil
	}
	after := time.Duration(0)
	if limited {
		after = max(time.Until(deadline), 1)
	}
	c.limited = limited
	if code := c.host.deadline(c.database, after); code != codeOK {
		return c.fail(code)
	}
	return nil
}

// CheckNamedValue implements [driver.NamedValueChecker]: what is usual needs no looking
// at its type by reflection, and the rest is database/sql's.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	switch value := v.Value.(type) {
	case nil, int64, float64, string, bool:
		return nil
	case int:
		v.Value = int64(value)
		return nil
	}
	return driver.ErrSkip
}

// Begin implements [driver.Conn].
func (c *conn) Begin() (driver.Tx, error) { return unchanged{}, nil }

// BeginTx implements [driver.ConnBeginTx]. Every level of isolation is kept.
func (c *conn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	return unchanged{}, alive(ctx)
}

// Ping implements [driver.Pinger].
func (c *conn) Ping(ctx context.Context) error {
	_, err := c.exec(ctx, "select 1", nil, nil)
	return err
}

// ResetSession implements [driver.SessionResetter].
func (c *conn) ResetSession(context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid implements [driver.Validator].
func (c *conn) IsValid() bool { return !c.lost && !c.closed }

// Close implements [driver.Conn]. What was prepared is closed with it.
func (c *conn) Close() error {
	if c.closed {
		return nil
	}
	c.closed, c.idle = true, nil
	if code := c.host.close(c.database); code != codeOK && !c.lost {
		return c.fail(code)
	}
	return nil
}

// unchanged is the result of what has run, and a transaction: nothing changes.
type unchanged struct{}

// LastInsertId implements [driver.Result].
func (unchanged) LastInsertId() (int64, error) { return 0, nil }

// RowsAffected implements [driver.Result].
func (unchanged) RowsAffected() (int64, error) { return 0, nil }

// Commit implements [driver.Tx].
func (unchanged) Commit() error { return nil }

// Rollback implements [driver.Tx].
func (unchanged) Rollback() error { return nil }

// beforeNUL is what SQLite reads of a text.
func beforeNUL(text string) string {
	before, _, _ := strings.Cut(text, "\x00")
	return before
}

var (
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.SessionResetter    = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
	_ driver.Result             = unchanged{}
	_ driver.Tx                 = unchanged{}
)
