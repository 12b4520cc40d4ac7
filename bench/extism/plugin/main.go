// Command plugin is the suite's handler as a plug-in of Extism: the host of a request
// comes in, the answer goes out.
package main

import (
	"fmt"

	"github.com/extism/go-pdk"
)

//go:wasmexport handle
func handle() int32 {
	pdk.OutputString(fmt.Sprintf("Hello from %s!\n", pdk.InputString()))
	return 0
}

func main() {}
