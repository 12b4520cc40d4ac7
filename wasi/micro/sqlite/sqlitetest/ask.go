// Package sqlitetest has queries, and what runs them and tells the answer, so that a
// driver can be compared with another: what a Micro gets with what the same database
// gives natively. It imports no driver.
package sqlitetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is what is asked of a database.
type Request struct {
	Path    string  `json:"path"`
	Queries []Query `json:"queries"`
	Rows    bool    `json:"rows,omitempty"` // by AskRows
}

// Query is one question. Args are numbers, which are integers if they have neither point
// nor exponent, texts, booleans and null, or {"blob": BASE64}, {"time": RFC 3339}.
type Query struct {
	SQL   string                     `json:"sql"`
	Args  []json.RawMessage          `json:"args,omitempty"`
	Named map[string]json.RawMessage `json:"named,omitempty"`
}

// Answer is what a query gives: rows, or an error, or rows and then an error.
type Answer struct {
	Columns []string  `json:"columns"`
	Types   []string  `json:"types"` // the database's names
	Scans   []string  `json:"scans"` // Go's types, as the first row has them
	Rows    [][]Value `json:"rows"`
	Error   string    `json:"error,omitempty"`
	Code    int       `json:"code,omitempty"`
}

// Value is a value with its type: null, int, float, text, blob, bool or time. A float is
// its bits and its text, a blob is in base64; of what is long there is a digest.
type Value struct {
	Type string `json:"t"`
	Text string `json:"v,omitempty"`
}

// Ask asks all queries of a request of a database that is open.
func Ask(ctx context.Context, db *sql.DB, queries []Query) []Answer {
	answers := make([]Answer, 0, len(queries))
	for _, q := range queries {
		var a Answer
		a.failed(a.run(ctx, db, q))
		answers = append(answers, a)
	}
	return answers
}

// Rows are what a query gives without database/sql.
type Rows interface {
	Columns() []string
	Next() bool
	Value(column int) any
	Err() error
	Close() error
}

// AskRows asks all queries by a function that gives rows. There are no types in what it
// answers.
func AskRows(query func(text string, args ...any) (Rows, error), queries []Query) []Answer {
	answers := make([]Answer, 0, len(queries))
	for _, q := range queries {
		var a Answer
		a.failed(a.read(query, q))
		answers = append(answers, a)
	}
	return answers
}

// WithoutTypes is what AskRows answers where Ask answers this.
func (a Answer) WithoutTypes() Answer {
	a.Types, a.Scans = nil, nil
	return a
}

// failed notes an error, if there is one.
func (a *Answer) failed(err error) {
	if err == nil {
		return
	}
	a.Error = err.Error()
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		a.Code = coded.Code()
	}
}

func (a *Answer) read(query func(text string, args ...any) (Rows, error), q Query) error {
	args, err := q.Arguments()
	if err != nil {
		return err
	}
	rows, err := query(q.SQL, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	a.Columns = rows.Columns()
	for rows.Next() {
		values := make([]Value, len(a.Columns))
		for i := range values {
			values[i] = valueOf(rows.Value(i))
		}
		a.Rows = append(a.Rows, values)
	}
	return rows.Err()
}

func (a *Answer) run(ctx context.Context, db *sql.DB, q Query) error {
	args, err := q.Arguments()
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, q.SQL, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if a.Columns, err = rows.Columns(); err != nil {
		return err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for _, t := range types {
		a.Types = append(a.Types, t.DatabaseTypeName())
		a.Scans = append(a.Scans, fmt.Sprint(t.ScanType()))
	}
	row, dest := make([]any, len(types)), make([]any, len(types))
	for i := range dest {
		dest[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		values := make([]Value, len(row))
		for i := range row {
			values[i] = valueOf(row[i])
		}
		a.Rows = append(a.Rows, values)
	}
	return rows.Err()
}

func valueOf(v any) Value {
	switch v := v.(type) {
	case nil:
		return Value{"null", ""}
	case int64:
		return Value{"int", strconv.FormatInt(v, 10)}
	case float64:
		return Value{"float", fmt.Sprintf("%016x %s", math.Float64bits(v), strconv.FormatFloat(v, 'g', -1, 64))}
	case string:
		return Value{"text", short(strconv.QuoteToASCII(v))} // what is no UTF-8 as well
	case []byte:
		if v == nil {
			return Value{"blob", "nil"}
		}
		return Value{"blob", short(base64.StdEncoding.EncodeToString(v))}
	case bool:
		return Value{"bool", strconv.FormatBool(v)}
	case time.Time:
		return Value{"time", v.Format(time.RFC3339Nano)}
	}
	return Value{fmt.Sprintf("%T", v), fmt.Sprint(v)}
}

// short is a text, or what tells whether two of a length are the same.
func short(text string) string {
	const most = 1000
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s... %d bytes of SHA-256 %x", text[:most/10], len(text), sha256.Sum256([]byte(text)))
}

// Arguments are the positional ones, and then the named ones by their names.
func (q Query) Arguments() ([]any, error) {
	var args []any
	for _, raw := range q.Args {
		v, err := argument(raw)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	names := make([]string, 0, len(q.Named))
	for name := range q.Named {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v, err := argument(q.Named[name])
		if err != nil {
			return nil, err
		}
		args = append(args, sql.Named(name, v))
	}
	return args, nil
}

func argument(raw json.RawMessage) (any, error) {
	text := string(raw)
	var special struct {
		Blob *string    `json:"blob"`
		Time *time.Time `json:"time"`
	}
	switch {
	case text == "null":
		return nil, nil
	case text == "true", text == "false":
		return text == "true", nil
	case strings.HasPrefix(text, `"`):
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case strings.HasPrefix(text, "{"):
		if err := json.Unmarshal(raw, &special); err != nil {
			return nil, err
		}
		if special.Time != nil {
			return *special.Time, nil
		}
		if special.Blob != nil {
			return base64.StdEncoding.DecodeString(*special.Blob)
		}
	case strings.ContainsAny(text, ".eE"):
		return strconv.ParseFloat(text, 64)
	}
	return strconv.ParseInt(text, 10, 64)
}
