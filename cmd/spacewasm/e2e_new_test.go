package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A new project builds with nothing but its compiler, and answers when it is pushed.
func TestE2ENew(t *testing.T) {
	s := serve(t)
	for name, build := range map[string]func(dir string) *exec.Cmd{
		"go": func(string) *exec.Cmd {
			cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", "main.wasm", ".")
			cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off", "GOPROXY=off")
			return cmd
		},
		"c": func(string) *exec.Cmd {
			helloC(t) // skips where there is no clang
			return exec.Command("clang", "--target=wasm32-wasi", "-Os", "-o", "main.wasm", "main.c")
		},
	} {
		dir := filepath.Join(t.TempDir(), "My "+name)
		out, _ := console(t, 0, "", "new", "--template", name, dir)
		contains(t, out, "made ", "spacewasm push", "-o main.wasm")
		cmd := build(dir)
		cmd.Dir = dir
		if message, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, message)
		}
		s.console(0, "push", dir)
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
	}
	_, errs := console(t, 2, "", "new", "--template", "cobol", filepath.Join(t.TempDir(), "x"))
	contains(t, errs, "there are c, go")
	console(t, 2, "", "new")
}
