// Package sqlite queries the SQLite files that a Micro ships in its folder: by
// database/sql, whose driver of the name "sqlite" it is, and by rows.
//
//	db, err := sql.Open("sqlite", "/data.db")
//	db, err := sqlite.Open("/data.db")
//
// In a Micro, [DB] takes a fifth to a quarter of the time of database/sql for a row by its
// key, and less than a tenth for thousands of rows (docs/benchmarks.md), as all that
// database/sql does for each row and column is Go compiled to WebAssembly. It reads
// columns as what is wanted of them, where they stand in the host's answer:
//
//	rows, err := byAuthor.Query("Austen")
//	if err != nil {
//		return err
//	}
//	defer rows.Close()
//	for rows.Next() {
//		fmt.Fprintln(w, rows.Int64(0), rows.Text(1))
//	}
//	return rows.Err()
//
// What expects a [database/sql.DB] gets one; the two can stand side by side.
//
// In a Micro the engine is the host's, and nothing of SQLite is compiled into the
// module (docs/sqlite-abi.md). For another GOOS it is modernc.org/sqlite, so that the
// same source runs on the machine on which it is written. Both give the same values for
// the same rows, those of modernc.org/sqlite without any of its options: a text in a
// column that is declared DATE, DATETIME or TIMESTAMP is a [time.Time] if it can be.
//
// Databases are read-only, and so are transactions, which isolate from nothing, as
// nothing changes. The path begins at the Micro's folder: natively that is the working
// directory, where "/data.db" is the file data.db in it, and files are neither changed
// nor made; this holds for all that the process opens through SQLite. A test, or another
// program, that makes a database opens it with the name of the system's own layer for
// files: sql.Open("sqlite", path+"?vfs=unix"), which is win32 on Windows.
//
// A statement that is open, and a connection, stay usable over a snapshot: what main has
// opened and prepared needs no preparing in a request. A connection keeps the statements
// of the texts that it has run last, too: where nothing but speed asks for a prepared
// statement, QueryRow of a [database/sql.DB] with its text is faster, as database/sql keeps books
// of those that are prepared. With a [DB] there is little between the two.
//
// The deadline of a context ends a query in its middle, as that of the request does; that
// a context was cancelled otherwise is seen between two batches of rows and before each
// call, as nothing else runs meanwhile.
package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// host is what the driver asks of the engine: the functions of docs/sqlite-abi.md, each
// with its code. A buffer that is too small is not filled; the size is that of the whole.
type host interface {
	open(path string) (database uint32, code int32)
	close(database uint32) int32
	prepare(database uint32, text string) (prepared, int32)
	columns(statement uint32, buf []byte) (size int, code int32)
	parameters(statement uint32, buf []byte) (size int, code int32)
	bind(statement uint32, values []byte) int32
	step(statement uint32, buf []byte) (count, size int, code int32)
	column(statement uint32, column, offset int, buf []byte) (n int, code int32)
	reset(statement uint32) int32
	finalize(statement uint32) int32
	blobOpen(database uint32, table, column string, row int64) (blob, size uint32, code int32)
	blobRead(blob uint32, offset int64, buf []byte) int32
	blobClose(blob uint32) int32
	// deadline has the queries of a database end so long from now; 0 takes that back.
	deadline(database uint32, after time.Duration) int32
	// failure is the last, of whose message as much is written as there is room for.
	failure(buf []byte) (code, offset int32, size int)
}

// prepared is what is told of a statement when it is compiled.
type prepared struct {
	id      uint32 // 0 where there is none
	read    int    // the bytes of the text that it is
	inputs  int    // parameters
	outputs int    // columns
}

// engine is the driver over a host.
type engine struct{ host host }

// Open implements [driver.Driver].
func (e engine) Open(name string) (driver.Conn, error) {
	c, err := e.connect(name)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (e engine) connect(name string) (*conn, error) {
	path, err := parseName(name)
	if err != nil {
		return nil, err
	}
	c := &conn{host: e.host}
	var code int32
	if c.database, code = e.host.open(path); code != codeOK {
		return nil, c.fail(code)
	}
	return c, nil
}

// parseName takes the path from a data source name, which may be a URI as those of
// SQLite (https://www.sqlite.org/uri.html). An option that would change what is read is
// refused, rather than forgotten.
func parseName(name string) (string, error) {
	path, query, _ := strings.Cut(name, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("sqlite: the options of %q: %w", name, err)
	}
	for option, values := range options {
		switch option {
		case "immutable", "cache", "nolock", "_query_only", "_defensive", "_busy_timeout", "_timeout":
		case "mode":
			if values[0] != "ro" {
				return "", fmt.Errorf("sqlite: mode=%s: a Micro's databases are read-only: leave it out, or mode=ro", values[0])
			}
		default:
			return "", fmt.Errorf("sqlite: there is no option %s in a Micro: leave it out of %q", option, name)
		}
	}
	uri, ok := strings.CutPrefix(path, "file:")
	if !ok {
		return path, nil
	}
	if authority, ok := strings.CutPrefix(uri, "//"); ok {
		from, _, _ := strings.Cut(authority, "/")
		if from != "" && from != "localhost" {
			return "", fmt.Errorf("sqlite: %q is on another machine: leave %q out", name, from)
		}
		uri = authority[len(from):]
	}
	path, err = url.PathUnescape(uri)
	if err != nil {
		return "", fmt.Errorf("sqlite: the path of %q: %w", name, err)
	}
	return path, nil
}

// alive tells whether a context has ended. The clock is looked at, too, as nothing else
// runs in a Micro that could end it.
func alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// errBroken is what a host says that keeps to no rule.
var errBroken = errors.New("sqlite: the host's answer makes no sense: its version of the ABI may be another")

var _ driver.Driver = engine{}
