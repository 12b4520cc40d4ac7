// Command digest is a Micro with a Scheduled Action, which runs each minute, and a page
// that shows its last runs.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/spacewasm/spacewasm/wasi/micro"
)

// maxEvent is more than a call has, in bytes.
const maxEvent = 16 << 10

//go:embed page.html
var page []byte

func main() {
	micro.Serve(newHandler())
}

func newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", show)
	// Nobody but the platform and the app's owner gets here.
	mux.HandleFunc("POST /__space/v0/actions", act)
	return mux
}

// act takes the call of an action. A status below 400 is a success.
func act(w http.ResponseWriter, r *http.Request) {
	var call struct {
		Event struct {
			ID      string `json:"id"`
			Trigger string `json:"trigger"`
		} `json:"event"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEvent)).Decode(&call); err != nil {
		http.Error(w, "no event", http.StatusBadRequest)
		return
	}
	switch call.Event.ID {
	case "tick":
		// A real one would gather what is new, and send it with the idempotency key, so
		// that a second attempt does not send it twice.
		log.Printf("digest of %s, attempt %s", r.Header.Get("X-Space-Action-Fire-Time"), r.Header.Get("X-Space-Action-Attempt"))
		fmt.Fprintf(w, "the digest of %s is done\n", r.Header.Get("X-Space-Action-Fire-Time"))
	default:
		http.Error(w, "there is no action "+call.Event.ID, http.StatusNotFound)
	}
}

// show answers with the page, which asks the platform for the runs.
func show(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	if _, err := w.Write(page); err != nil {
		log.Printf("send page: %v", err)
	}
}
