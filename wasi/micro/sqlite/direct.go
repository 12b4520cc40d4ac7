package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// direct is the driver's connection without database/sql before it.
type direct struct{ *conn }

// directStmt is the driver's statement likewise.
type directStmt struct{ *stmt }

func (d direct) prepare(ctx context.Context, text string) (querier, error) {
	s, err := d.compile(ctx, text)
	if err != nil {
		return nil, err
	}
	return directStmt{s}, nil
}

func (d direct) query(ctx context.Context, text string, args []any) (cursor, error) {
	return d.ask(ctx, beforeNUL(text), nil, args)
}

func (s directStmt) ask(ctx context.Context, args []any) (cursor, error) {
	if s.closed {
		return nil, errStmtClosed
	}
	return s.conn.ask(ctx, s.query, s.own, args)
}

// ask is query with the arguments as they are written.
func (c *conn) ask(ctx context.Context, text string, own *statement, args []any) (cursor, error) {
	if c.closed {
		return nil, errClosed
	}
	var few [4]driver.NamedValue
	named := few[:0]
	for i, value := range args {
		arg := driver.NamedValue{Ordinal: i + 1, Value: value}
		if err := c.convert(&arg); err != nil {
			return nil, fmt.Errorf("sqlite: argument %d: %w", i+1, err)
		}
		named = append(named, arg)
	}
	r, err := c.query(ctx, text, own, named)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// convert makes a value of the driver's of an argument, as database/sql does.
func (c *conn) convert(arg *driver.NamedValue) error {
	if named, ok := arg.Value.(sql.NamedArg); ok {
		arg.Name, arg.Value = named.Name, named.Value
	}
	err := c.CheckNamedValue(arg)
	if errors.Is(err, driver.ErrSkip) {
		arg.Value, err = driver.DefaultParameterConverter.ConvertValue(arg.Value)
	}
	return err
}

// reading implements [cursor].
func (r *rows) reading() *reader { return &r.reader }

var (
	errClosed     = errors.New("sqlite: the database is closed")
	errStmtClosed = errors.New("sqlite: the statement is closed")
)

var (
	_ source  = direct{}
	_ querier = directStmt{}
	_ cursor  = (*rows)(nil)
)
