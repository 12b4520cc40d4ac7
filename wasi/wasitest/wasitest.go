// Package wasitest is a kit that any build of the sandbox must pass ([Conform]), and the guests that it and unit tests
// run: small committed modules, each beside its source in guests/.
//
// Unless its source says otherwise a guest is a CGI program (RFC 3875): a WASI preview 1 command that exports _start and
// memory and writes its response to standard output. All answers are text/plain with status 200 where nothing else is
// said, and numbers end with a line feed. The first comment in NAME.wat states exactly what the guest does:
//
//	answers    hello echo env args stderr nbytes state vector flush exit0
//	faults     trap trap-late trap-bounds trap-convert trap-copy trap-div trap-null trap-overflow trap-table
//	           trap-type exit3 nohdr badstatus badheader crheader
//	never ends spin recurse chain fill wait sleep bigbody
//	memory     grow grow-ok bigmem overflow deep table-grow
//	files      tmpwrite rowrite, and rules, which goes up to each (its source says how)
//	refused    noentry unknownimport importmem badhandler
//	handler    reactor
//	snapshots  wizer wizer-resume, and those whose state none can hold: wizer-table wizer-drop wizer-vector
//	forwards   preview1 handler
//	profiles   busy (its source says where its time goes)
//	database   sqlite_c, which asks /data.db (its source says how)
//
// After changing a source run `make guests`, which needs wat2wasm of wabt and clang with wasi-libc; a test holds
// that the two agree.
package wasitest

import (
	"embed"
	"path"
	"strings"
)

// modules is the only way to embed files; nothing writes to it.
//
//go:embed guests/*.wasm
var modules embed.FS

const (
	guestDir  = "guests"
	extension = ".wasm"
)

// Guest returns the module with the given name, such as "hello". The bytes are the caller's own. It panics if there is
// no such guest, as that is a mistake in the test.
func Guest(name string) []byte {
	module, err := modules.ReadFile(path.Join(guestDir, name+extension))
	if err != nil {
		panic("wasitest: there is no guest " + name)
	}
	return module
}

// Guests returns the names of all guests, sorted.
func Guests() []string {
	files, err := modules.ReadDir(guestDir)
	if err != nil {
		panic(err) // the directory is part of the program
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), extension)
	}
	return names
}
