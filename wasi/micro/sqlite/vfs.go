//go:build !wasip1

package sqlite

import (
	"os"
	"path/filepath"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// folder is SQLite's layer for files, with three changes: a path begins at the working
// directory, a database is opened to be read only, and as one that does not change, so
// that nothing is written beside it. That is what a Micro has.
type folder struct {
	system  uintptr // the layer that opens files
	methods map[uintptr]uintptr
	mu      sync.Mutex
}

// It is one for the process, as SQLite's list of layers is.
var base = &folder{methods: map[uintptr]uintptr{}} //nolint:gochecknoglobals // C calls functions without one

func init() { //nolint:gochecknoinits // sql.Open finds drivers by what their packages do here
	base.register()
}

// register makes it the layer that is used where none is named.
func (f *folder) register() {
	tls := libc.NewTLS()
	defer tls.Close()
	f.system = sqlite3.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString("micro")
	if err != nil || f.system == 0 {
		panic("sqlite: there is no layer for files")
	}
	own := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	layer := in[sqlite3.Tsqlite3_vfs](own)
	*layer = *in[sqlite3.Tsqlite3_vfs](f.system)
	layer.FzName, layer.FpNext = name, 0
	layer.FxFullPathname, layer.FxOpen = function(fullPathname), function(open)
	if sqlite3.Xsqlite3_vfs_register(tls, own, 1) != sqlite3.SQLITE_OK {
		panic("sqlite: the layer for files cannot be registered")
	}
}

// fullPathname finds a path below the working directory, which none leaves.
func fullPathname(tls *libc.TLS, _, path uintptr, size int32, out uintptr) int32 {
	dir, err := os.Getwd()
	if err != nil {
		return sqlite3.SQLITE_CANTOPEN
	}
	full := filepath.Join(dir, filepath.Clean("/"+filepath.ToSlash(libc.GoString(path))))
	if len(full) >= int(size) {
		return sqlite3.SQLITE_CANTOPEN
	}
	copy(unsafe.Slice(in[byte](out), size), full+"\x00")
	return sqlite3.SQLITE_OK
}

// open opens a database to be read, and what SQLite sorts in as ever.
func open(tls *libc.TLS, _, path, file uintptr, flags int32, outFlags uintptr) int32 {
	database := flags&sqlite3.SQLITE_OPEN_MAIN_DB != 0
	if database {
		flags = flags&^(sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE) | sqlite3.SQLITE_OPEN_READONLY
	}
	system := in[sqlite3.Tsqlite3_vfs](base.system)
	code := callable[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](system.FxOpen)(tls, base.system, path, file, flags, outFlags)
	if opened := in[sqlite3.Tsqlite3_file](file); database && code == sqlite3.SQLITE_OK {
		opened.FpMethods = base.unchanging(tls, opened.FpMethods)
	}
	return code
}

// unchanging copies the functions of a kind of files, of which one is other: it says that
// the file does not change.
func (f *folder) unchanging(tls *libc.TLS, methods uintptr) uintptr {
	f.mu.Lock()
	defer f.mu.Unlock()
	if own, ok := f.methods[methods]; ok {
		return own
	}
	own := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
	copied := in[sqlite3.Tsqlite3_io_methods](own)
	*copied = *in[sqlite3.Tsqlite3_io_methods](methods)
	copied.FxDeviceCharacteristics = function(immutable)
	f.methods[methods] = own
	return own
}

func immutable(*libc.TLS, uintptr) int32 { return sqlite3.SQLITE_IOCAP_IMMUTABLE }

// in is what C has at an address.
func in[T any](address uintptr) *T {
	return *(**T)(unsafe.Pointer(&address))
}

// function makes one that C can call, and callable the other way round.
func function[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f F }{f})) }

func callable[F any](f uintptr) F { return *(*F)(unsafe.Pointer(&struct{ f uintptr }{f})) }
