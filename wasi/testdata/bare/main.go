// Command bare is what testdata/sdk is without the SDK: the handler function is called
// with a request that was made ahead, and what it writes is handed over.
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"unsafe"
)

//go:wasmimport http_handler write_body
func writeBody(kind uint32, buf unsafe.Pointer, n uint32)

var (
	handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	request = httptest.NewRequest(http.MethodGet, "/", nil)
	out     [64]byte
)

// writer keeps what is written.
type writer struct {
	header http.Header
	n      int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) WriteHeader(int)             {}
func (w *writer) Write(b []byte) (int, error) { w.n += copy(out[w.n:], b); return len(b), nil }

//go:wasmexport handle_request
func handleRequest() uint64 {
	w := &writer{}
	handler.ServeHTTP(w, request)
	writeBody(1, unsafe.Pointer(&out), uint32(w.n))
	return 0
}

//go:wasmexport handle_response
func handleResponse(_, _ uint32) {}

func main() {}
