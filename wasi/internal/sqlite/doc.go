// Package sqlite lets guests ask the host's SQLite about database files in their bundle,
// read-only: the ABI of docs/sqlite-abi.md.
//
// The library is C that was translated to Go (modernc.org/sqlite/lib). It is used by its
// C interface, not by the driver for database/sql, as only that has an authorizer, limits,
// a file system and a heap for each connection. What C calls pointers are uintptr here:
// memory of the library's own allocator, which Go's collector does not know.
//
// A [Pool] has the connections of one Micro, and outlives its requests; a [Session] is
// what one instance has open, and is put back between two of them.
package sqlite

import "unsafe"

// ModuleName is the module from which guests import. It names the version of the ABI.
const ModuleName = "spacewasm_sqlite_v1"

// Budget is an amount that all share: see [wasi.Budget].
type Budget interface {
	Take(n int64) bool
	Give(n int64)
}

// pointer makes a function one that the library can call.
func pointer[F any](f F) uintptr {
	return *(*uintptr)(unsafe.Pointer(&struct{ f F }{f}))
}

// at is what the library has at an address.
func at[T any](address uintptr) *T {
	return *(**T)(unsafe.Pointer(&address)) // it is not Go's memory, so it does not move
}

// view is n bytes of the library's at an address, good until it is freed.
func view(address uintptr, n int) []byte {
	if n == 0 || address == 0 {
		return nil
	}
	return unsafe.Slice(at[byte](address), n)
}
