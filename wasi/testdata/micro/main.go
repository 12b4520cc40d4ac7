// Command micro is a Micro on the SDK for tests: each path shows one thing.
package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/wasi/micro"
)

var count int

func main() {
	began := time.Now()
	text, err := os.ReadFile("/data.txt") // of the bundle, once
	http.HandleFunc("/count", func(w http.ResponseWriter, _ *http.Request) {
		count++
		fmt.Fprintf(w, "count %d data %q error %v\n", count, text, err)
	})
	http.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		if _, err := io.Copy(w, r.Body); err != nil {
			panic(err)
		}
	})
	http.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, strings.Repeat("x", n))
	})
	http.HandleFunc("/rand", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, rand.Uint64(), micro.Rand().Uint64())
	})
	http.HandleFunc("/clock", func(w http.ResponseWriter, _ *http.Request) {
		if d := time.Since(began); d > 0 && d < time.Minute {
			fmt.Fprintln(w, "on and near")
		}
	})
	http.HandleFunc("/go", func(w http.ResponseWriter, _ *http.Request) {
		done := make(chan string)
		go func() {
			time.Sleep(time.Millisecond)
			done <- "a goroutine"
		}()
		fmt.Fprintln(w, <-done)
	})
	http.HandleFunc("/tmp", func(w http.ResponseWriter, _ *http.Request) {
		_, before := os.Stat("/tmp/mark")
		err := os.WriteFile("/tmp/mark", []byte("x"), 0o600)
		fmt.Fprintln(w, os.IsNotExist(before), err)
	})
	http.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, os.Getenv("DETA_SPACE_APP_MICRO_NAME"))
	})
	http.HandleFunc("/traceparent", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Traceparent"))
	})
	http.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	http.HandleFunc("/spin", func(http.ResponseWriter, *http.Request) {
		for {
		}
	})
	fmt.Println("main is ready")
	micro.Serve(nil)
}
