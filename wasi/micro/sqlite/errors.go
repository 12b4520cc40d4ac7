package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The codes of which the driver knows what they mean
// (https://www.sqlite.org/rescode.html).
const (
	codeOK     = 0
	codeBusy   = 5
	codeMisuse = 21
	codeRow    = 100
	codeDone   = 101
)

// hostError is an error of the engine. Its text is as modernc.org/sqlite writes it.
type hostError struct {
	code    int
	message string
	offset  int
}

// Error implements error.
func (e *hostError) Error() string {
	text, suffix := codeText(e.code), ""
	if e.code == codeBusy {
		suffix = " (SQLITE_BUSY)"
	}
	if e.message == "" || e.message == text {
		return fmt.Sprintf("%s (%d)%s", text, e.code, suffix)
	}
	if strings.HasPrefix(e.message, text+": ") { // as the host's own messages are
		return fmt.Sprintf("%s (%d)%s", e.message, e.code, suffix)
	}
	return fmt.Sprintf("%s: %s (%d)%s", text, e.message, e.code, suffix)
}

// Code returns SQLite's result code, which may be an extended one.
func (e *hostError) Code() int { return e.code }

// Offset returns where in the text of SQL an error is, in bytes, or -1 where it is not
// known. Natively it never is.
func Offset(err error) int {
	var e *hostError
	if errors.As(err, &e) {
		return e.offset
	}
	return -1
}

// fail makes an error of a code. A number that the host does not know makes the
// connection useless, so that database/sql opens another.
func (c *conn) fail(code int32) error {
	if code == codeMisuse {
		c.lost = true
		return driver.ErrBadConn
	}
	const usual, most = 512, 64 << 10
	buf := make([]byte, usual)
	said, offset, size := c.host.failure(buf)
	if size > len(buf) {
		buf = make([]byte, min(size, most))
		said, offset, size = c.host.failure(buf)
	}
	e := &hostError{code: int(code), offset: -1}
	if said == code { // else the message is another's
		e.message, e.offset = strings.ToValidUTF8(string(buf[:max(0, min(size, len(buf)))]), "\uFFFD"), int(offset)
	}
	return e
}

// codeText is what SQLite calls a code: sqlite3_errstr.
func codeText(code int) string {
	switch code {
	case 516:
		return "abort due to ROLLBACK"
	case codeRow:
		return "another row available"
	case codeDone:
		return "no more rows available"
	}
	texts := [...]string{
		0: "not an error", 1: "SQL logic error", 3: "access permission denied", 4: "query aborted",
		5: "database is locked", 6: "database table is locked", 7: "out of memory",
		8: "attempt to write a readonly database", 9: "interrupted", 10: "disk I/O error",
		11: "database disk image is malformed", 12: "unknown operation", 13: "database or disk is full",
		14: "unable to open database file", 15: "locking protocol", 17: "database schema has changed",
		18: "string or blob too big", 19: "constraint failed", 20: "datatype mismatch",
		21: "bad parameter or other API misuse", 23: "authorization denied", 25: "column index out of range",
		26: "file is not a database", 27: "notification message", 28: "warning message",
	}
	if primary := code & 0xff; primary < len(texts) && texts[primary] != "" {
		return texts[primary]
	}
	return "unknown error"
}

// missing is the error of a parameter that has no argument.
func missing(name string, index int) error {
	if name != "" {
		return fmt.Errorf("missing named argument %q", name[1:])
	}
	return errors.New("missing argument with index " + strconv.Itoa(index))
}
