package store

import (
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/spacewasm/spacewasm/host/space"
)

// Explain makes an error of the disk or the database one that its reader can act
// on; other errors stay what they are. Whoever writes to the data directory for a
// client ends with it.
func Explain(err error) error {
	if _, worded := errors.AsType[*space.Error](err); worded {
		return err
	}
	code, message := explanation(err)
	if message == "" {
		return err
	}
	e := space.Errorf(code, "%s", message)
	e.Err = err
	return e
}

func explanation(err error) (space.Code, string) {
	var code int
	if failed, ok := errors.AsType[*sqlite.Error](err); ok {
		code = failed.Code() & 0xff // the rest says more, in the log
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), code == sqlite3.SQLITE_FULL:
		return space.CodeStorage, "the server's disk is full: remove apps, or free room on the disk of the data directory"
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), code == sqlite3.SQLITE_READONLY:
		return space.CodeStorage, "the server's data directory cannot be written to: its disk is read-only, or its files belong to another user"
	case code == sqlite3.SQLITE_BUSY, code == sqlite3.SQLITE_LOCKED:
		return space.CodeInternal, "another program holds the server's database locked: end that one, and try again"
	case code == sqlite3.SQLITE_CORRUPT, code == sqlite3.SQLITE_NOTADB:
		return space.CodeInternal, "the server's database is damaged: restore the data directory from a backup, or the copy beside it (spacewasm.db.v*)"
	case errors.Is(err, syscall.EIO), code == sqlite3.SQLITE_IOERR:
		return space.CodeInternal, "the server's disk fails: see the system's log"
	}
	return "", ""
}
