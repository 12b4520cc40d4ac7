//go:build wasip1

package micro

import (
	"log"
	"net/http"
	"net/http/cgi"
	"os"
	"unsafe"
)

// The state of a program that is a handler. It is written while the program
// initialises itself.
var (
	handler http.Handler
	started bool // main has begun
)

// serve answers the request of a CGI program, or keeps the handler for the requests
// to come.
func serve(h http.Handler) {
	started = true
	if os.Getenv("GATEWAY_INTERFACE") == "" {
		handler = h
		return
	}
	if err := cgi.Serve(h); err != nil {
		log.Fatal(err)
	}
}

//go:linkname programMain main.main
func programMain()

// initialise runs main where nothing else does: a reactor's _initialize runs the
// init functions only. The host calls it before it takes the snapshot.
//
//go:wasmexport wizer.initialize
func initialise() {
	if !started {
		programMain()
	}
	if handler == nil {
		log.Fatal("main has returned and not called micro.Serve")
	}
	prepare()
}

// handleRequest answers a request, whole, so there is nothing for another handler to
// do (https://http-wasm.io/http-handler-abi).
//
//go:wasmexport handle_request
func handleRequest() uint64 {
	answer(handler, wasmHost{})
	return 0
}

//go:wasmexport handle_response
func handleResponse(_, _ uint32) {}

//go:wasmimport http_handler get_method
func getMethod(buf unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler get_uri
func getURI(buf unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler get_protocol_version
func getProtocolVersion(buf unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler get_header_names
func getHeaderNames(kind uint32, buf unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler get_header_values
func getHeaderValues(kind uint32, name unsafe.Pointer, nameLen uint32, buf unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler read_body
func readBody(kind uint32, buf unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler set_status_code
func setStatusCode(status uint32)

//go:wasmimport http_handler add_header_value
func addHeaderValue(kind uint32, name unsafe.Pointer, nameLen uint32, value unsafe.Pointer, valueLen uint32)

//go:wasmimport http_handler write_body
func writeBody(kind uint32, buf unsafe.Pointer, n uint32)

// The kinds of headers and bodies.
const (
	ofRequest  = 0
	ofResponse = 1
)

// wasmHost is the host, by the functions of the ABI.
type wasmHost struct{}

func (wasmHost) method(buf []byte) int {
	return int(getMethod(at(buf)))
}

func (wasmHost) uri(buf []byte) int {
	return int(getURI(at(buf)))
}

func (wasmHost) protocol(buf []byte) int {
	return int(getProtocolVersion(at(buf)))
}

func (wasmHost) names(buf []byte) (count, size int) {
	p, n := at(buf)
	return halves(getHeaderNames(ofRequest, p, n))
}

func (wasmHost) values(name string, buf []byte) (count, size int) {
	p, n := at(buf)
	return halves(getHeaderValues(ofRequest, unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), p, n))
}

func (wasmHost) read(buf []byte) (n int, end bool) {
	p, limit := at(buf)
	over, size := halves(readBody(ofRequest, p, limit))
	return size, over == 1
}

func (wasmHost) status(code int) { setStatusCode(uint32(code)) }

func (wasmHost) add(name, value string) {
	addHeaderValue(ofResponse, unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(unsafe.StringData(value)), uint32(len(value)))
}

func (wasmHost) write(b []byte) {
	p, n := at(b)
	writeBody(ofResponse, p, n)
}

// at is where a buffer is, and how long.
func at(b []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b))
}

// halves takes a result apart that is two numbers.
func halves(result uint64) (high, low int) {
	return int(result >> 32), int(uint32(result))
}
