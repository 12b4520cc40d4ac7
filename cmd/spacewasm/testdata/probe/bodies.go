package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

// bodies are the paths about what is sent and received.
func bodies(mux *http.ServeMux) {
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		if _, err := io.Copy(w, r.Body); err != nil {
			panic(err)
		}
	})
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		log.Print("sum has started")
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %x %v\n", n, sum.Sum(nil), err)
	})
	mux.HandleFunc("/length", func(w http.ResponseWriter, r *http.Request) {
		value, set := os.LookupEnv("CONTENT_LENGTH")
		fmt.Fprintf(w, "%s %t %q %d\n", r.Method, set, value, r.ContentLength)
	})
	mux.HandleFunc("/bytes", send)
	mux.HandleFunc("/stream", stream)
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "200000")
		w.Write(bytes.Repeat([]byte("x"), 100_000))
	})
}

// send answers n bytes, whose length it declares if asked to.
func send(w http.ResponseWriter, r *http.Request) {
	n := number(r, "n")
	if r.FormValue("declared") != "" {
		w.Header().Set("Content-Length", strconv.Itoa(n))
	}
	block := bytes.Repeat([]byte("x"), 32<<10)
	for n > 0 {
		part := block[:min(n, len(block))]
		if _, err := w.Write(part); err != nil {
			log.Fatal(err)
		}
		n -= len(part)
	}
}

// stream answers first, which it flushes or makes long, waits, and ends.
func stream(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "first")
	if r.FormValue("flush") != "" {
		http.NewResponseController(w).Flush() // to standard output
		if err := os.Stdout.Sync(); err != nil {
			log.Print("sync: ", err)
		}
	} else {
		w.Write(bytes.Repeat([]byte("x"), 128<<10))
	}
	time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
	fmt.Fprintln(w, "last")
}
