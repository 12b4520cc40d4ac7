package main_test

import (
	"database/sql"
	"errors"
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
	contains(t, errs, "there are c, go, go-sqlite, static")
	console(t, 2, "", "new")
}

// The example of a database in a new project in C works once it is turned on; the header
// that it needs is the one that stands in the repository.
func TestE2ENewCSQLite(t *testing.T) {
	helloC(t) // skips where there is no clang
	dir := filepath.Join(t.TempDir(), "notes")
	console(t, 0, "", "new", "--template", "c", dir)
	if string(read(t, filepath.Join(dir, "spacewasm_sqlite.h"))) != string(read(t, "../../wasi/micro/sqlite/spacewasm_sqlite.h")) {
		t.Error("the header is not the one of the repository")
	}
	source := string(read(t, filepath.Join(dir, "main.c")))
	contains(t, source, "#define WITH_DATABASE 0")
	source = strings.Replace(source, "#define WITH_DATABASE 0", "#define WITH_DATABASE 1", 1)
	must(t, os.WriteFile(filepath.Join(dir, "main.c"), []byte(source), 0o600))
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db")+"?vfs=unix")
	must(t, err)
	_, err = db.Exec("create table notes(id integer primary key, text); insert into notes(text) values('hello'), (null), ('world')")
	must(t, errors.Join(err, db.Close()))
	s := serve(t)
	s.console(0, "push", dir)
	if got := s.ok("notes", "/"); !strings.HasSuffix(got, "!\n1 hello\n3 world\n") {
		t.Errorf("answers %q", got)
	}
}

// A new project with a database builds without a module of others, and searches in what
// it has brought along.
func TestE2ENewSQLite(t *testing.T) {
	s := serve(t)
	dir := filepath.Join(t.TempDir(), "books")
	console(t, 0, "", "new", "--template", "go-sqlite", dir)
	t.Setenv("GOMODCACHE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("GOPROXY", "off")
	s.console(0, "push", dir)
	all := s.ok("books", "/")
	contains(t, all, "<title>books</title>", "Emma", "Jane Eyre", "The Time Machine")
	if found := s.ok("books", "/?q=bront%C3%AB+jan"); !strings.Contains(found, "Jane Eyre") || strings.Contains(found, "Emma") {
		t.Errorf("a search finds %s", found)
	}
	contains(t, s.ok("books", "/?q=%22nothing+like+this%27"), "There is none.")
}

// What a new project asks the go command for is what this one is tested with.
func TestTemplateModules(t *testing.T) {
	ours := string(read(t, "../../go.mod"))
	sums := string(read(t, "../../go.sum"))
	needed := 0
	for line := range strings.Lines(string(read(t, "templates/go-sqlite/go.mod_"))) {
		if words := strings.Fields(line); len(words) > 1 && strings.HasPrefix(words[1], "v") {
			needed++
			if !strings.Contains(ours, words[0]+" "+words[1]) {
				t.Errorf("go.mod has another version of %s than %s", words[0], words[1])
			}
		}
	}
	for line := range strings.Lines(string(read(t, "templates/go-sqlite/go.sum"))) {
		if words := strings.Fields(line); strings.HasPrefix(words[0], "modernc.org/sqlite") && !strings.Contains(sums, line) {
			t.Errorf("go.sum has another sum than %s", line)
		}
	}
	if needed < 3 {
		t.Errorf("it needs %d modules", needed)
	}
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
