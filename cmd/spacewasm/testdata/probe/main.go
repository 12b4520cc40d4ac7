// Command probe is the Micro of the end-to-end tests: each path does one thing
// that a Micro may do, or may not.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/cgi"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	if raw, ok := strings.CutPrefix(os.Getenv("PATH_INFO"), "/raw/"); ok {
		// The test has written the response itself.
		fmt.Print(raw)
		return
	}
	if os.Getenv("REQUEST_METHOD") == "" {
		os.Exit(command(os.Args[1:]))
	}
	mux := http.NewServeMux()
	requests(mux)
	faults(mux)
	files(mux)
	bodies(mux)
	err := cgi.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			arrived(w, r) // the mux would redirect to the clean path
			return
		}
		mux.ServeHTTP(w, r)
	}))
	if err != nil {
		panic(err)
	}
}

// arrived tells what has arrived.
func arrived(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, os.Getenv("REQUEST_URI"))
	fmt.Fprintf(w, "path %s\nquery %s\n", os.Getenv("PATH_INFO"), os.Getenv("QUERY_STRING"))
	fmt.Fprintf(w, "micro %s\nhost %s\n", os.Getenv("DETA_SPACE_APP_MICRO_NAME"), r.Host)
}

// requests are the paths that tell what arrived.
func requests(mux *http.ServeMux) {
	mux.HandleFunc("/", arrived)
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		env := os.Environ()
		slices.Sort(env)
		fmt.Fprintln(w, strings.Join(env, "\n"))
	})
	mux.HandleFunc("/log", func(_ http.ResponseWriter, r *http.Request) {
		log.Print(r.FormValue("line"))
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		if line := r.FormValue("line"); line != "" {
			log.Print(line)
		}
		w.WriteHeader(number(r, "code"))
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.FormValue("to"))
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/cookies", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
	})
	mux.HandleFunc("/sleep", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
		fmt.Fprintln(w, "awake")
	})
}

// number reads a form value that a test has set.
func number(r *http.Request, key string) int {
	n, err := strconv.Atoi(r.FormValue(key))
	if err != nil {
		panic(err)
	}
	return n
}
