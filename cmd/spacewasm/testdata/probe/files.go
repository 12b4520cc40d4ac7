package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// runs counts the requests that this memory has seen.
var runs int

// files are the paths that use files.
func files(mux *http.ServeMux) {
	mux.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(r.FormValue("name"))
		fmt.Fprintf(w, "%s\nerror %v\n", text, err)
	})
	mux.HandleFunc("/fill", fill)
	mux.HandleFunc("/state", state)
	mux.HandleFunc("/readonly", readonly)
	mux.HandleFunc("/link", link)
	mux.HandleFunc("/open", open)
	mux.HandleFunc("/whole", whole)
}

// fill writes to /tmp until it is full.
func fill(w http.ResponseWriter, _ *http.Request) {
	f, err := os.Create("/tmp/full")
	if err != nil {
		panic(err)
	}
	written, block := 0, make([]byte, 64<<10)
	for err == nil && written < 64<<20 {
		var n int
		n, err = f.Write(block)
		written += n
	}
	info, statErr := os.Stat("/tmp/full")
	if statErr != nil {
		panic(statErr)
	}
	fmt.Fprintf(w, "written %d\nsize %d\nfailed %t\n", written, info.Size(), err != nil)
}

// state leaves marks in memory and in /tmp, and tells of those it found.
func state(w http.ResponseWriter, r *http.Request) {
	entries, err := os.ReadDir("/tmp")
	if err != nil {
		panic(err)
	}
	runs++
	if err := os.WriteFile("/tmp/mark", []byte(r.FormValue("nonce")), 0o600); err != nil {
		panic(err)
	}
	if ms := r.FormValue("ms"); ms != "" {
		time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
	}
	mark, err := os.ReadFile("/tmp/mark")
	fmt.Fprintf(w, "runs %d files %d mark %s error %v\n", runs, len(entries), mark, err)
}

// readonly tries everything that would change the bundle, and lists what worked.
func readonly(w http.ResponseWriter, _ *http.Request) {
	tries := map[string]func() error{
		"create":   func() error { return os.WriteFile("/new", nil, 0o600) },
		"write":    func() error { return os.WriteFile("/main.wasm", []byte("x"), 0o600) },
		"truncate": func() error { return os.Truncate("/main.wasm", 0) },
		"remove":   func() error { return os.Remove("/main.wasm") },
		"rename":   func() error { return os.Rename("/main.wasm", "/other") },
		"move":     func() error { return os.Rename("/main.wasm", "/tmp/other") },
		"mkdir":    func() error { return os.Mkdir("/folder", 0o700) },
		"symlink":  func() error { return os.Symlink("main.wasm", "/alias") },
		"link":     func() error { return os.Link("/main.wasm", "/alias") },
		"linkout":  func() error { return os.Link("/main.wasm", "/tmp/alias") },
		"chtimes":  func() error { return os.Chtimes("/main.wasm", time.Unix(1, 0), time.Unix(1, 0)) },
	}
	for name, try := range tries {
		if try() == nil {
			fmt.Fprintln(w, "possible:", name)
		}
	}
	// The working directory is the bundle's root.
	if _, err := os.Stat("main.wasm"); err == nil {
		fmt.Fprintln(w, "intact")
	}
}

// link makes a symbolic link in /tmp and reads what it leads to.
func link(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join("/tmp", "link")
	made := os.Symlink(r.FormValue("to"), name)
	text, err := os.ReadFile(filepath.Join(name, r.FormValue("then")))
	fmt.Fprintf(w, "made %v\nread %q\nerror %v\n", made, text, err)
}

// open makes files until it gets no descriptor, and leaves them open.
func open(w http.ResponseWriter, _ *http.Request) {
	var files []*os.File
	for {
		f, err := os.Create(fmt.Sprint("/tmp/", len(files)))
		if err != nil {
			fmt.Fprintf(w, "some %t, too many %t\n", len(files) > 100, errors.Is(err, syscall.EMFILE))
			return
		}
		files = append(files, f)
	}
}

// whole tells of which revision the environment and two files are, of which it
// reads one a while later.
func whole(w http.ResponseWriter, r *http.Request) {
	one, err := os.ReadFile("/one")
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
	two, err := os.ReadFile("/two")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(w, "%s %s %s\n", os.Getenv("DETA_SPACE_APP_VERSION"), one, two)
}
