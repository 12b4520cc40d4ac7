// Command thumbnail is a Micro that takes a picture and answers with a smaller one.
package main

import (
	"log"
	"net/http/cgi"
)

func main() {
	if err := cgi.Serve(newHandler()); err != nil {
		log.Fatal(err)
	}
}
