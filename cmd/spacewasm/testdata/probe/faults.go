package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

// faults are the paths that end badly, each after a line in the log.
func faults(mux *http.ServeMux) {
	mux.HandleFunc("/spin", func(http.ResponseWriter, *http.Request) {
		log.Print("secret of spin")
		for i := 0; ; i++ {
			sink = i
		}
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) {
		log.Print("secret of panic")
		go func() { panic("on purpose") }() // net/http/cgi catches what a handler panics with
		select {}
	})
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) {
		log.Print("secret of exit")
		os.Exit(number(r, "status"))
	})
	mux.HandleFunc("/memory", func(http.ResponseWriter, *http.Request) {
		log.Print("secret of memory")
		var all [][]byte
		for {
			block := make([]byte, 1<<20)
			block[len(block)-1] = 1
			all = append(all, block)
			sink = len(all)
		}
	})
	mux.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, number(r, "mib")<<20)
		block[len(block)-1] = 1
		time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
		fmt.Fprintln(w, "held", len(block))
	})
	mux.HandleFunc("/deep", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, deep(1))
	})
}

// sink keeps what would else be optimised away.
var sink int

func deep(n int) int { return deep(n+1) + sink }
