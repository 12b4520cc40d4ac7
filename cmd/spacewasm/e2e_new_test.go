package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A new project builds with nothing but its compiler, and answers when it is pushed.
func TestE2ENew(t *testing.T) {
	s := serve(t)
	for _, name := range []string{"go", "c"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "My "+name)
			out, _ := console(t, 0, "", "new", "--template", name, dir)
			contains(t, out, "made ", "spacewasm dev", "spacewasm push")
			unbuilt, _ := console(t, 0, "", "validate", dir)
			contains(t, unbuilt, "can be pushed", "`commands` would make it")
			if name == "c" {
				helloC(t) // skips where there is no clang
			}
			s.console(0, "push", dir)
			valid, _ := console(t, 0, "", "validate", dir)
			contains(t, valid, "can be pushed", "main.wasm, ")
			app := "my-" + name
			if got := s.ok(app, "/"); !strings.HasPrefix(got, "Hello from "+app+".localhost") {
				t.Errorf("%s: answers %q", name, got)
			}
			if name == "go" {
				if got := s.ok(app, "/hello/you"); got != "Hello, you!\n" {
					t.Errorf("answers %q", got)
				}
				logged, _ := s.console(0, "logs", app)
				contains(t, logged, `level=INFO msg="said hello" name=you`)
				if strings.Contains(logged, "time=") {
					t.Errorf("the log has its own time: %s", logged)
				}
			}
			_, errs := console(t, 1, "", "new", dir)
			contains(t, errs, "not empty")
		})
	}
	_, errs := console(t, 2, "", "new", "--template", "cobol", filepath.Join(t.TempDir(), "x"))
	contains(t, errs, "there are c, go, static")
	console(t, 2, "", "new")
}

// Pages are served as they are once they are pushed.
func TestE2ENewStatic(t *testing.T) {
	s := serve(t)
	dir := filepath.Join(t.TempDir(), "pages")
	console(t, 0, "", "new", "--template", "static", dir)
	s.console(0, "push", dir)
	contains(t, s.ok("pages", "/"), "Hello from pages!", "style.css")
	contains(t, s.ok("pages", "/script.js"), "setInterval")
}

// A program that new found is built by the push itself, and answers.
func TestE2ENewFindsAProgram(t *testing.T) {
	s := serve(t)
	dir := filepath.Join(t.TempDir(), "found")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod": "module found\n\ngo 1.26\n",
		"main.go": `package main

import (
	"fmt"
	"net/http"
	"net/http/cgi"
)

func main() {
	cgi.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "found") }))
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := console(t, 0, "", "new", dir)
	contains(t, out, "wrote ", "a program in Go")
	file := filepath.Join(dir, "Spacefile")
	text := strings.Replace(string(read(t, file)), "    primary: true\n", "    primary: true\n    public: true\n", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = console(t, 0, "", "validate", dir)
	contains(t, out, "there is no file main.wasm; its `commands` would make it", "can be pushed")
	_, errs := s.console(0, "push", dir)
	contains(t, errs, "$ GOOS=wasip1 GOARCH=wasm go build")
	if got := s.ok("found", "/"); got != "found" {
		t.Errorf("answers %q", got)
	}
}
