//go:build !wasip1

package micro

import (
	"cmp"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

// serve listens, as a server does on the machine on which it is written.
func serve(h http.Handler) {
	address := net.JoinHostPort("127.0.0.1", cmp.Or(os.Getenv("PORT"), "8080"))
	log.Printf("listening on http://%s/", address)
	server := &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
