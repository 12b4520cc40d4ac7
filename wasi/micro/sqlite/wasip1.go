//go:build wasip1

package sqlite

import (
	"context"
	"database/sql"
	"time"
	"unsafe"
)

// Error is an error of SQLite's.
type Error = hostError

func init() { sql.Register("sqlite", engine{&wasmHost{}}) }

func openSource(name string) (source, error) {
	c, err := engine{&wasmHost{}}.connect(name)
	if err != nil {
		return nil, err
	}
	return direct{c}, nil
}

//go:wasmimport spacewasm_sqlite_v1 open
func hostOpen(path unsafe.Pointer, length, flags uint32, out unsafe.Pointer) int32

//go:wasmimport spacewasm_sqlite_v1 close
func hostClose(database uint32) int32

//go:wasmimport spacewasm_sqlite_v1 prepare
func hostPrepare(database uint32, text unsafe.Pointer, length, flags uint32, out unsafe.Pointer) int32

//go:wasmimport spacewasm_sqlite_v1 columns
func hostColumns(statement uint32, buf unsafe.Pointer, capacity uint32, out unsafe.Pointer) int32

//go:wasmimport spacewasm_sqlite_v1 parameters
func hostParameters(statement uint32, buf unsafe.Pointer, capacity uint32, out unsafe.Pointer) int32

//go:wasmimport spacewasm_sqlite_v1 bind
func hostBind(statement uint32, values unsafe.Pointer, length uint32) int32

//go:wasmimport spacewasm_sqlite_v1 step
func hostStep(statement uint32, buf unsafe.Pointer, capacity uint32, out unsafe.Pointer) int32

//go:wasmimport spacewasm_sqlite_v1 column
func hostColumn(statement, column, offset uint32, buf unsafe.Pointer, length uint32, out unsafe.Pointer) int32

//go:wasmimport spacewasm_sqlite_v1 reset
func hostReset(statement uint32) int32

//go:wasmimport spacewasm_sqlite_v1 finalize
func hostFinalize(statement uint32) int32

//go:wasmimport spacewasm_sqlite_v1 blob_open
func hostBlobOpen(database uint32, table unsafe.Pointer, tableLength uint32, column unsafe.Pointer, columnLength uint32, row int64, out unsafe.Pointer) int32

//go:wasmimport spacewasm_sqlite_v1 blob_read
func hostBlobRead(blob, offset uint32, buf unsafe.Pointer, length uint32) int32

//go:wasmimport spacewasm_sqlite_v1 blob_close
func hostBlobClose(blob uint32) int32

//go:wasmimport spacewasm_sqlite_v1 deadline
func hostDeadline(database uint32, nanoseconds int64) int32

//go:wasmimport spacewasm_sqlite_v1 error
func hostFailure(buf unsafe.Pointer, capacity uint32, out unsafe.Pointer) int32

// wasmHost is the host, by the functions of the ABI. Nothing runs beside a call, so that
// one place for what they write is enough.
type wasmHost struct{ out [4]uint32 }

func (h *wasmHost) result() unsafe.Pointer { return unsafe.Pointer(&h.out) }

func (h *wasmHost) open(path string) (uint32, int32) {
	p, n := of(path)
	code := hostOpen(p, n, 0, h.result())
	return h.out[0], code
}

func (h *wasmHost) close(database uint32) int32 { return hostClose(database) }

func (h *wasmHost) prepare(database uint32, text string) (prepared, int32) {
	p, n := of(text)
	code := hostPrepare(database, p, n, 0, h.result())
	return prepared{id: h.out[0], read: int(h.out[1]), inputs: int(h.out[2]), outputs: int(h.out[3])}, code
}

func (h *wasmHost) columns(statement uint32, buf []byte) (int, int32) {
	p, n := at(buf)
	code := hostColumns(statement, p, n, h.result())
	return int(h.out[0]), code
}

func (h *wasmHost) parameters(statement uint32, buf []byte) (int, int32) {
	p, n := at(buf)
	code := hostParameters(statement, p, n, h.result())
	return int(h.out[0]), code
}

func (h *wasmHost) bind(statement uint32, values []byte) int32 {
	p, n := at(values)
	return hostBind(statement, p, n)
}

func (h *wasmHost) step(statement uint32, buf []byte) (count, size int, code int32) {
	p, n := at(buf)
	code = hostStep(statement, p, n, h.result())
	return int(h.out[0]), int(h.out[1]), code
}

func (h *wasmHost) column(statement uint32, column, offset int, buf []byte) (int, int32) {
	p, n := at(buf)
	code := hostColumn(statement, uint32(column), uint32(offset), p, n, h.result())
	return int(h.out[0]), code
}

func (h *wasmHost) reset(statement uint32) int32 { return hostReset(statement) }

func (h *wasmHost) finalize(statement uint32) int32 { return hostFinalize(statement) }

func (h *wasmHost) blobOpen(database uint32, table, column string, row int64) (blob, size uint32, code int32) {
	t, tn := of(table)
	c, cn := of(column)
	code = hostBlobOpen(database, t, tn, c, cn, row, h.result())
	return h.out[0], h.out[1], code
}

func (h *wasmHost) blobRead(blob uint32, offset int64, buf []byte) int32 {
	p, n := at(buf)
	return hostBlobRead(blob, uint32(offset), p, n)
}

func (h *wasmHost) blobClose(blob uint32) int32 { return hostBlobClose(blob) }

func (h *wasmHost) deadline(database uint32, after time.Duration) int32 {
	return hostDeadline(database, int64(after))
}

func (h *wasmHost) failure(buf []byte) (code, offset int32, size int) {
	p, n := at(buf)
	if hostFailure(p, n, h.result()) != codeOK {
		return codeOK, -1, 0
	}
	return int32(h.out[0]), int32(h.out[1]), int(h.out[2])
}

// at is where a buffer is, and how long.
func at(b []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b))
}

// of is where a text is, and how long.
func of(text string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(text)), uint32(len(text))
}

func openBlob(_ context.Context, c *sql.Conn, table, column string, rowid int64) (blobSource, int64, error) {
	return openHostBlob(c, table, column, rowid)
}

// load32 and load64 read numbers, which need no alignment here: the compiler makes an
// instruction of each.
func load32(b []byte) uint32 {
	_ = b[3]
	return *(*uint32)(unsafe.Pointer(unsafe.SliceData(b)))
}

func load64(b []byte) uint64 {
	_ = b[7]
	return *(*uint64)(unsafe.Pointer(unsafe.SliceData(b)))
}
