package binary_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// goGuest is a program whose module has most of what the Go linker and net/http bring along.
const goGuest = `package main

import (
	"fmt"
	"net/http"
	"net/http/cgi"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hi") })
	cgi.Serve(nil)
}
`

// buildGo compiles goGuest for wasip1, which takes seconds when the standard library is not in the build cache.
func buildGo(tb testing.TB) []byte {
	tb.Helper()
	dir := tb.TempDir()
	source, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "main.wasm")
	if err := os.WriteFile(source, []byte(goGuest), 0o600); err != nil {
		tb.Fatal(err)
	}
	build := exec.Command("go", "build", "-p", "1", "-o", out, source)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GO111MODULE=off")
	if message, err := build.CombinedOutput(); err != nil {
		tb.Skipf("cannot build a Go guest: %v\n%s", err, message)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	return module
}

func TestScanGoModule(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a Go guest")
	}
	o, err := binary.Scan(buildGo(t), binary.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := o.ExportedFunc("_start"); !ok {
		t.Error("the module exports no _start")
	}
	t.Logf("%d functions, %d data segments, %d imports", o.Functions, o.DataSegments, len(o.Imports))
}

// BenchmarkScanGoModule scans a Go module of about 6 MB.
func BenchmarkScanGoModule(b *testing.B) {
	module := buildGo(b)
	b.SetBytes(int64(len(module)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := binary.Scan(module, binary.DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}
