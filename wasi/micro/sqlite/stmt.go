package sqlite

import (
	"context"
	"database/sql/driver"
	"strconv"
	"strings"
)

// statement is one that the host has compiled.
type statement struct {
	prepared
	text     string   // that it was compiled from: the statement and what follows it
	names    []string // of the parameters, with their sign; nil where none has one
	columns  []string // their names; nil until they are asked for
	declared []string // their declared types, in upper case
	times    []bool   // of which these are times; nil where none is
	busy     bool     // rows are read from it
	kept     bool     // it is a stmt's own, until that is closed
}

// take returns the first statement of a text: one that is idle, or a new one.
func (c *conn) take(text string) (*statement, error) {
	for i := len(c.idle) - 1; i >= 0; i-- {
		if s := c.idle[i]; s.text == text {
			c.idle = append(c.idle[:i], c.idle[i+1:]...)
			return s, nil
		}
	}
	p, code := c.host.prepare(c.database, text)
	if code != codeOK && code != codeMisuse && len(c.idle) > 0 { // it may be that too many are open
		c.forget(0)
		p, code = c.host.prepare(c.database, text)
	}
	if code != codeOK {
		return nil, c.fail(code)
	}
	if p.read <= 0 || p.read > len(text) || p.inputs < 0 || p.outputs < 0 {
		return nil, errBroken
	}
	s := &statement{prepared: p, text: text}
	if p.inputs > 0 && mayName(text[:p.read]) {
		if err := c.nameParameters(s); err != nil {
			c.host.finalize(s.id)
			return nil, err
		}
	}
	return s, nil
}

// give puts a statement back that is reset.
func (c *conn) give(s *statement) {
	if s.id == 0 || c.closed {
		return
	}
	if c.idle = append(c.idle, s); len(c.idle) > maxIdle {
		c.forget(maxIdle)
	}
}

// forget finalizes the statements that were idle longest.
func (c *conn) forget(keep int) {
	n := len(c.idle) - keep
	for _, s := range c.idle[:n] {
		c.host.finalize(s.id)
	}
	c.idle = append(c.idle[:0], c.idle[n:]...)
}

// mayName tells whether a parameter of a text may have a name: the host is not asked
// where all are ?, which is usual.
func mayName(text string) bool {
	for i := range len(text) {
		switch text[i] {
		case ':', '@', '$':
			return true
		case '?':
			if i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
				return true
			}
		}
	}
	return false
}

// nameParameters asks for the names of the parameters.
func (c *conn) nameParameters(s *statement) error {
	texts, err := c.list(s.inputs, 1, func(buf []byte) (int, int32) { return c.host.parameters(s.id, buf) })
	if err == nil && strings.Join(texts, "") != "" {
		s.names = texts
	}
	return err
}

// describe asks for the columns, once.
func (c *conn) describe(s *statement) error {
	if s.columns != nil || s.outputs == 0 {
		return nil
	}
	const each = 4 // name, declared type, table, column
	texts, err := c.list(s.outputs, each, func(buf []byte) (int, int32) { return c.host.columns(s.id, buf) })
	if err != nil {
		return err
	}
	s.columns, s.declared = make([]string, s.outputs), make([]string, s.outputs)
	for i := range s.columns {
		s.columns[i], s.declared[i] = texts[each*i], strings.ToUpper(texts[each*i+1])
	}
	s.times = timesOf(s.declared)
	return nil
}

// list reads texts, so many of each, through the buffer for what is bound.
func (c *conn) list(count, each int, ask func(buf []byte) (int, int32)) ([]string, error) {
	const usual, most = 1 << 10, 4 << 20
	if count > most/each {
		return nil, errBroken
	}
	if cap(c.values) < usual {
		c.values = make([]byte, 0, usual)
	}
	buf := c.values[:cap(c.values)]
	size, code := ask(buf)
	if code == codeOK && size > len(buf) && size <= most {
		buf = make([]byte, size)
		size, code = ask(buf)
	}
	switch {
	case code != codeOK:
		return nil, c.fail(code)
	case size < 0 || size > len(buf):
		return nil, errBroken
	}
	return optionalTexts(buf[:size], count*each)
}

// bind gives a statement its parameters, in one call.
func (c *conn) bind(s *statement, args []driver.NamedValue) error {
	if s.inputs == 0 {
		return nil
	}
	c.values = c.values[:0]
	for i := range s.inputs {
		name := ""
		if s.names != nil {
			name = s.names[i]
		}
		arg := argument(args, name, i+1)
		if arg == nil {
			return missing(name, i+1)
		}
		var err error
		if c.values, err = appendValue(c.values, arg.Value); err != nil {
			return err
		}
	}
	if code := c.host.bind(s.id, c.values); code != codeOK {
		return c.fail(code)
	}
	return nil
}

// argument finds the one for a parameter: by its name, without the sign, or by its
// number. As modernc.org/sqlite has it, $1 is the same as ?1.
func argument(args []driver.NamedValue, name string, index int) *driver.NamedValue {
	if name == "" {
		if index <= len(args) && args[index-1].Ordinal == index {
			return &args[index-1]
		}
		for i := range args {
			if args[i].Ordinal == index {
				return &args[i]
			}
		}
		return nil
	}
	number := 0
	if name[0] == '?' || name[0] == '$' {
		if n, err := strconv.Atoi(name[1:]); err == nil && strconv.Itoa(n) == name[1:] {
			number = n
		}
	}
	for i := range args {
		if (number > 0 && args[i].Ordinal == number) || args[i].Name == name[1:] {
			return &args[i]
		}
	}
	return nil
}

// stmt is a prepared statement, or a script.
type stmt struct {
	conn  *conn
	query string
	own   *statement // nil for a script

	closed bool
}

// NumInput implements [driver.Stmt]: the arguments are counted when they are bound.
func (s *stmt) NumInput() int { return -1 }

// QueryContext implements [driver.StmtQueryContext].
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return given(s.conn.query(ctx, s.query, s.own, args))
}

// ExecContext implements [driver.StmtExecContext].
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.exec(ctx, s.query, s.own, args)
}

// Query implements [driver.Stmt].
func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), numbered(args))
}

// Exec implements [driver.Stmt].
func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), numbered(args))
}

// Close implements [driver.Stmt]. The statement stays for when its text comes again.
func (s *stmt) Close() error {
	own := s.own
	s.closed = true
	if s.own = nil; own != nil {
		if own.kept = false; !own.busy { // else the rows give it back
			s.conn.give(own)
		}
	}
	return nil
}

func numbered(args []driver.Value) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, value := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return named
}

var (
	_ driver.StmtQueryContext = (*stmt)(nil)
	_ driver.StmtExecContext  = (*stmt)(nil)
)
