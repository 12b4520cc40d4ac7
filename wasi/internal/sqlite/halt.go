package sqlite

import (
	"context"
	"unsafe"

	sqlite3 "modernc.org/sqlite/lib"
)

// The library looks for an interrupt where a program jumps back only. A row may be made by
// a hundred thousand operations in a line, of which each compares or converts megabytes:
// that takes minutes. So when the context is over, the program itself is changed: each
// operation becomes a jump, which looks. The statement is of no use afterwards.

// watch has the statement halt when the context is over, until what it returns is called,
// which tells whether that has happened.
func (s *statement) watch(ctx context.Context) func() bool {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		s.halt()
		close(done)
	})
	return func() bool {
		if stop() {
			return false
		}
		<-done
		return true
	}
}

// halt changes the program while it runs, which the detector of races would not know to be
// meant: an operation is begun either as it was or as a jump, and is one byte. The one that
// runs may ask itself which it is, and then gives a wrong result, which nobody sees.
//
//go:norace
func (s *statement) halt() {
	sqlite3.Xsqlite3_interrupt(s.c.tls, s.c.db) // first: the jumps lead nowhere
	vdbe := at[sqlite3.TVdbe](s.stmt)
	ops := unsafe.Slice(at[sqlite3.TVdbeOp](vdbe.FaOp), vdbe.FnOp)
	for i := range ops {
		ops[i].Fopcode = sqlite3.OP_Goto
	}
}
