package sqlite

import (
	"crypto/rand"
	"time"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// vfsName is the name of our file system in the library.
const vfsName = "spacewasm"

// pathBytes bounds the names of files, of which there is one.
const pathBytes = 64

// openFile is what the library has of a file. Its number is that of the connection's file:
// 0 is the database, the others are temporary.
type openFile struct {
	methods uintptr
	number  int64
}

// registerFiles adds our file system to the library, not as its default. It knows no names:
// a connection has its database, and temporary files in memory.
func registerFiles(tls *libc.TLS) int32 {
	name := cString(tls, vfsName)
	vfs := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	methods := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
	*at[sqlite3.Tsqlite3_io_methods](methods) = sqlite3.Tsqlite3_io_methods{
		FiVersion:               1,
		FxClose:                 pointer(fileClose),
		FxRead:                  pointer(fileRead),
		FxWrite:                 pointer(fileWrite),
		FxTruncate:              pointer(fileTruncate),
		FxSync:                  pointer(func(*libc.TLS, uintptr, int32) int32 { return sqlite3.SQLITE_OK }),
		FxFileSize:              pointer(fileSize),
		FxLock:                  pointer(func(*libc.TLS, uintptr, int32) int32 { return sqlite3.SQLITE_OK }),
		FxUnlock:                pointer(func(*libc.TLS, uintptr, int32) int32 { return sqlite3.SQLITE_OK }),
		FxCheckReservedLock:     pointer(fileReserved),
		FxFileControl:           pointer(func(*libc.TLS, uintptr, int32, uintptr) int32 { return sqlite3.SQLITE_NOTFOUND }),
		FxSectorSize:            pointer(func(*libc.TLS, uintptr) int32 { return 0 }),
		FxDeviceCharacteristics: pointer(fileCharacteristics),
	}
	*at[sqlite3.Tsqlite3_vfs](vfs) = sqlite3.Tsqlite3_vfs{
		FiVersion:          2,
		FszOsFile:          int32(unsafe.Sizeof(openFile{})),
		FmxPathname:        pathBytes,
		FzName:             name,
		FpAppData:          methods,
		FxOpen:             pointer(vfsOpen),
		FxDelete:           pointer(func(*libc.TLS, uintptr, uintptr, int32) int32 { return sqlite3.SQLITE_IOERR_DELETE }),
		FxAccess:           pointer(vfsAccess),
		FxFullPathname:     pointer(vfsFullPathname),
		FxDlOpen:           pointer(func(*libc.TLS, uintptr, uintptr) uintptr { return 0 }),
		FxDlError:          pointer(func(*libc.TLS, uintptr, int32, uintptr) {}),
		FxDlSym:            pointer(func(*libc.TLS, uintptr, uintptr, uintptr) uintptr { return 0 }),
		FxDlClose:          pointer(func(*libc.TLS, uintptr, uintptr) {}),
		FxRandomness:       pointer(vfsRandomness),
		FxSleep:            pointer(func(*libc.TLS, uintptr, int32) int32 { return 0 }),
		FxCurrentTime:      pointer(vfsCurrentTime),
		FxGetLastError:     pointer(func(*libc.TLS, uintptr, int32, uintptr) int32 { return 0 }),
		FxCurrentTimeInt64: pointer(vfsCurrentTimeInt64),
	}
	return sqlite3.Xsqlite3_vfs_register(tls, vfs, 0)
}

// cString copies a text for the library.
func cString(tls *libc.TLS, s string) uintptr {
	p := libc.Xmalloc(tls, types.Size_t(len(s)+1))
	if p == 0 {
		panic("sqlite: the system has no memory")
	}
	b := view(p, len(s)+1)
	copy(b, s)
	b[len(s)] = 0
	return p
}

// given copies a text, with a NUL behind it, into memory that the library frees and counts;
// 0 where there is none.
func given[T string | []byte](tls *libc.TLS, text T) uintptr {
	p := sqlite3.Xsqlite3_malloc64(tls, uint64(len(text)+1))
	if p != 0 {
		b := view(p, len(text)+1)
		copy(b, text)
		b[len(text)] = 0
	}
	return p
}

// vfsOpen opens the database of the connection, or a temporary file.
func vfsOpen(tls *libc.TLS, vfs, _, file uintptr, flags int32, outFlags uintptr) int32 {
	const temporary = sqlite3.SQLITE_OPEN_TEMP_DB | sqlite3.SQLITE_OPEN_TRANSIENT_DB |
		sqlite3.SQLITE_OPEN_TEMP_JOURNAL | sqlite3.SQLITE_OPEN_SUBJOURNAL
	*at[openFile](file) = openFile{}
	c := all.owner(tls)
	if c == nil {
		return sqlite3.SQLITE_CANTOPEN
	}
	switch {
	case flags&sqlite3.SQLITE_OPEN_MAIN_DB != 0 && flags&sqlite3.SQLITE_OPEN_READONLY != 0:
		at[openFile](file).number = 0
		flags = sqlite3.SQLITE_OPEN_MAIN_DB | sqlite3.SQLITE_OPEN_READONLY
	case flags&temporary != 0:
		at[openFile](file).number = c.temporary.open()
	default:
		return sqlite3.SQLITE_CANTOPEN
	}
	at[openFile](file).methods = at[sqlite3.Tsqlite3_vfs](vfs).FpAppData
	if outFlags != 0 {
		*at[int32](outFlags) = flags
	}
	return sqlite3.SQLITE_OK
}

// vfsAccess finds nothing beside the database: no journal, and no log.
func vfsAccess(_ *libc.TLS, _, _ uintptr, _ int32, out uintptr) int32 {
	*at[int32](out) = 0
	return sqlite3.SQLITE_OK
}

func vfsFullPathname(_ *libc.TLS, _, name uintptr, size int32, out uintptr) int32 {
	text := libc.GoString(name)
	if len(text) >= int(size) {
		return sqlite3.SQLITE_CANTOPEN
	}
	b := view(out, len(text)+1)
	copy(b, text)
	b[len(text)] = 0
	return sqlite3.SQLITE_OK
}

func vfsRandomness(_ *libc.TLS, _ uintptr, n int32, out uintptr) int32 {
	_, _ = rand.Read(view(out, int(n))) // which does not fail
	return n
}

// julianEpoch is the start of Unix time in the milliseconds of the library, which count
// from noon in Greenwich on November 24, 4714 B.C.
const julianEpoch = 210866760000000

func vfsCurrentTimeInt64(_ *libc.TLS, _, out uintptr) int32 {
	*at[int64](out) = julianEpoch + time.Now().UnixMilli()
	return sqlite3.SQLITE_OK
}

func vfsCurrentTime(_ *libc.TLS, _, out uintptr) int32 {
	const day = 86400000
	*at[float64](out) = float64(julianEpoch+time.Now().UnixMilli()) / day
	return sqlite3.SQLITE_OK
}

func fileClose(tls *libc.TLS, file uintptr) int32 {
	if c := all.owner(tls); c != nil {
		c.temporary.close(at[openFile](file).number)
	}
	return sqlite3.SQLITE_OK
}

// fileRead reads all that is asked for, or fills up with zeros what is beyond the end.
func fileRead(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	c := all.owner(tls)
	if c == nil || n < 0 || offset < 0 {
		return sqlite3.SQLITE_IOERR_READ
	}
	b := view(buffer, int(n))
	if number := at[openFile](file).number; number != 0 {
		return shortRead(b, c.temporary.read(number, b, offset))
	}
	if c.stopped() { // what looks at many pages in one step of a query does not ask else
		return sqlite3.SQLITE_IOERR_READ
	}
	c.copied += int64(n) // a step may read the whole file
	read, err := c.file.read(b, offset)
	if err != nil {
		return sqlite3.SQLITE_IOERR_READ
	}
	return shortRead(b, read)
}

func shortRead(b []byte, read int) int32 {
	if read == len(b) {
		return sqlite3.SQLITE_OK
	}
	clear(b[read:])
	return sqlite3.SQLITE_IOERR_SHORT_READ
}

func fileWrite(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	c, number := all.owner(tls), at[openFile](file).number
	if c == nil || number == 0 || n < 0 || offset < 0 {
		return sqlite3.SQLITE_READONLY
	}
	if c.stopped() || !c.temporary.write(number, view(buffer, int(n)), offset) {
		return sqlite3.SQLITE_FULL
	}
	return sqlite3.SQLITE_OK
}

func fileTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	c, number := all.owner(tls), at[openFile](file).number
	if c == nil || number == 0 {
		return sqlite3.SQLITE_READONLY
	}
	c.temporary.truncate(number, size)
	return sqlite3.SQLITE_OK
}

func fileSize(tls *libc.TLS, file, out uintptr) int32 {
	c := all.owner(tls)
	if c == nil {
		return sqlite3.SQLITE_IOERR_FSTAT
	}
	if number := at[openFile](file).number; number != 0 {
		*at[int64](out) = c.temporary.size(number)
	} else {
		*at[int64](out) = c.file.size
	}
	return sqlite3.SQLITE_OK
}

func fileReserved(_ *libc.TLS, _, out uintptr) int32 {
	*at[int32](out) = 0
	return sqlite3.SQLITE_OK
}

// fileCharacteristics says of the database that nobody changes it, so that the library
// neither locks it nor looks for what was left of a change.
func fileCharacteristics(_ *libc.TLS, file uintptr) int32 {
	if at[openFile](file).number == 0 {
		return sqlite3.SQLITE_IOCAP_IMMUTABLE
	}
	return 0
}
