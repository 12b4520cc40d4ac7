// Command reactor is a Go program with net/http, as a handler: it is initialised once, and handles a request for each
// call. It has no contract with a host, as benchmarks want nothing but its start and its work.
package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
)

type greeting struct {
	Message string            `json:"message"`
	Query   map[string]string `json:"query"`
	Seen    int               `json:"seen"`
}

var (
	mux  = http.NewServeMux()
	seen int
)

func init() {
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		seen++
		g := greeting{Message: "hello " + r.PathValue("name"), Query: map[string]string{}, Seen: seen}
		for key := range r.URL.Query() {
			g.Query[key] = r.URL.Query().Get(key)
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(g); err != nil {
			panic(err)
		}
	})
	// What the first request would have to make (encoding/json looks at types) is made
	// ahead of all of them.
	handle()
}

//go:wasmexport handle_request
func handle() int64 {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/hello/world", RawQuery: "a=1&b=2"}, Header: http.Header{}, Host: "localhost"}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.Len() == 0 {
		panic(w.Code)
	}
	return int64(seen)
}

func main() {}
