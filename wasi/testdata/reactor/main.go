// Command reactor is a handler in Go with net/http, written against the ABI itself: it is initialised once, and answers
// a request for each call.
package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"unsafe"
)

//go:wasmimport http_handler get_uri
func getURI(buf unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler set_header_value
func setHeaderValue(kind uint32, name unsafe.Pointer, nameLen uint32, value unsafe.Pointer, valueLen uint32)

//go:wasmimport http_handler set_status_code
func setStatusCode(status uint32)

//go:wasmimport http_handler write_body
func writeBody(kind uint32, buf unsafe.Pointer, n uint32)

type greeting struct {
	Message string            `json:"message"`
	Query   map[string]string `json:"query"`
	Seen    int               `json:"seen"`
}

var (
	mux  = http.NewServeMux()
	seen int
	uri  [1024]byte
)

func init() {
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		seen++
		g := greeting{Message: "hello " + r.PathValue("name"), Query: map[string]string{}, Seen: seen}
		query := r.URL.Query()
		for key := range query {
			g.Query[key] = query.Get(key)
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(g); err != nil {
			panic(err)
		}
	})
	// What the first request would have to make (encoding/json looks at types) is made
	// ahead of all of them.
	serve("/hello/nobody")
	seen = 0
}

// recorder keeps a response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func serve(target string) *recorder {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		panic(err)
	}
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	mux.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u, RequestURI: target, Header: http.Header{}, Body: http.NoBody})
	return w
}

//go:wasmexport handle_request
func handleRequest() uint64 {
	const response = 1
	n := getURI(unsafe.Pointer(&uri), uint32(len(uri)))
	w := serve(string(uri[:n]))
	setStatusCode(uint32(w.status))
	for name, values := range w.header {
		setHeaderValue(response, unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
			unsafe.Pointer(unsafe.StringData(values[0])), uint32(len(values[0])))
	}
	body := w.body.Bytes()
	writeBody(response, unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)))
	return 0
}

//go:wasmexport handle_response
func handleResponse(uint32, uint32) {}

func main() {}
