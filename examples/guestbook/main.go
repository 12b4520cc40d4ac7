// Command guestbook is a Micro with a form: what a visitor writes is kept in that visitor's own signed cookie,
// pages come from templates in the bundle and are rendered in /tmp.
package main

import (
	"cmp"
	"log"
	"os"

	"github.com/spacewasm/spacewasm/wasi/micro"
)

func main() {
	// The working directory of a Micro is its bundle, read-only.
	handler, err := newHandler(os.DirFS("."), os.TempDir(), signingKey())
	if err != nil {
		log.Fatal(err)
	}
	micro.Serve(handler)
}

// signingKey is the app's own key where one is set, else the key that the platform gives to every app.
func signingKey() []byte {
	return []byte(cmp.Or(os.Getenv("GUESTBOOK_KEY"), os.Getenv("DETA_PROJECT_KEY")))
}
