// Command sdk is the smallest handler on the SDK.
package main

import (
	"fmt"
	"net/http"

	"github.com/spacewasm/spacewasm/wasi/micro"
)

func main() {
	micro.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }))
}
