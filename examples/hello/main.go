// Command hello is the smallest Micro in Go.
package main

import (
	"fmt"
	"net/http"

	"github.com/spacewasm/spacewasm/wasi/micro"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello from %s!\n", r.Host)
	})
	micro.Serve(nil)
}
