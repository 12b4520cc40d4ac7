// Command cgi is a Micro in Go without an SDK: net/http/cgi and a handler.
package main

import (
	"fmt"
	"net/http"
	"net/http/cgi"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello from %s!\n", r.Host)
	})
	if err := cgi.Serve(nil); err != nil {
		panic(err)
	}
}
