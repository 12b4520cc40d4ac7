// Command hot is a Micro that spends nearly all that it computes in one function.
package main

import (
	"fmt"
	"net/http"

	"github.com/spacewasm/spacewasm/wasi/micro"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, burn(1_000_000))
	})
	micro.Serve(nil)
}

//go:noinline
func burn(n int) uint32 {
	sum := uint32(1)
	for i := range n {
		sum = sum*31 + uint32(i)
	}
	return sum
}
