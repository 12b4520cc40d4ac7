package sqlite

import (
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Error is what SQLite, or a bound of ours, has to say.
type Error struct {
	Code    int32 // of SQLite, extended
	Message string
	Offset  int32 // where it is in the SQL, in bytes; -1 where that is not known
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// fault is the error that the library has just returned.
func (c *connection) fault(rc int32) error {
	e := &Error{Code: rc, Offset: -1}
	if c.db == 0 {
		e.Message = libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
		return e
	}
	e.Message = advised(libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db)))
	e.Offset = sqlite3.Xsqlite3_error_offset(c.tls, c.db)
	return e
}

// outOfMemory is the error where the connection, or the node, has no more memory for it.
func (c *connection) outOfMemory() error {
	return &Error{Code: sqlite3.SQLITE_NOMEM, Message: advised("out of memory"), Offset: -1}
}

// advised adds to a message of the library what there is to do, where that is ours to say.
func advised(message string) string {
	switch message {
	case "not authorized":
		return message + ": databases are only read, by SELECT, VALUES, WITH and EXPLAIN"
	case "out of memory":
		return message + ": a database has 96 MiB for what it works with and the statements that are prepared, less while the server is busy; finalize those that are not used"
	case "string or blob too big":
		return message + ": one that is in the file is read in parts, by blob_open"
	}
	return message
}

// misuse is the error of a call that cannot be meant.
func misuse(format string, words ...any) error {
	return &Error{Code: sqlite3.SQLITE_MISUSE, Message: fmt.Sprintf(format, words...), Offset: -1}
}

// tooMuch is the error of a call beyond a bound of ours.
func tooMuch(format string, words ...any) error {
	return &Error{Code: sqlite3.SQLITE_TOOBIG, Message: fmt.Sprintf(format, words...), Offset: -1}
}
