// Package micro is what a Micro in Go is written with: one source that is a plain
// HTTP server when it is built for this machine, a CGI program for any host that
// runs WASI commands, and a handler, whose requests are calls, for spacewasm.
//
//	func main() {
//		http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
//			fmt.Fprintln(w, "hello")
//		})
//		micro.Serve(nil)
//	}
//
// Build it as a handler with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o main.wasm .
//
// Without -buildmode=c-shared it is a command, which other hosts run as a CGI
// program, and spacewasm as a handler all the same. For another GOOS it listens on
// 127.0.0.1, at $PORT or 8080.
//
// As a handler main runs once, when the Micro is pushed, and a snapshot is taken when
// it returns: what it has read, parsed and computed is there in every request, and
// what a request changes is gone after it. Environment and files are those of the
// Micro. Main must not block, and what is random in it is the same in all requests:
// see [Rand].
//
// The package imports the standard library only.
package micro

import (
	crand "crypto/rand"
	"math/rand/v2"
	"net/http"
)

// Serve answers requests with a handler; nil is [http.DefaultServeMux]. It is the
// last that main does. As a handler it returns at once, as a CGI program when the
// request is answered, and natively never.
func Serve(h http.Handler) {
	if h == nil {
		h = http.DefaultServeMux
	}
	serve(h)
}

// Rand returns a generator that is seeded anew. In a handler the functions of
// math/rand/v2 repeat the same numbers in every request, because their seed is a
// part of the snapshot; crypto/rand does not.
func Rand() *rand.Rand {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails, it says
	return rand.New(rand.NewChaCha8(seed))
}
