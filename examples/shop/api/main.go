// Command api is the shop's API: a catalogue from its bundle, prices of carts, and orders that are their own receipt.
package main

import (
	"log"
	"os"

	"github.com/spacewasm/spacewasm/wasi/micro"
)

func main() {
	// The working directory of a Micro is its bundle. What is read here is in the
	// snapshot, from which every request begins.
	c, err := loadCatalogue(os.DirFS("."))
	if err != nil {
		log.Fatal(err)
	}
	sign, err := newSigner(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	micro.Serve(newHandler(c, sign))
}
