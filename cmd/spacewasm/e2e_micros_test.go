package main_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const threeMicros = `v: 0
micros:
  - name: web
    src: web
    engine: wasm
    run: main.wasm
    primary: true
    public: true
  - name: api
    src: ./services/api
    engine: wasm
    run: build/api.wasm
    path: api
    public: true
  - name: admin
    src: services/admin
    engine: wasm
`

// threeProject is an app of three Micros as a map from path to content.
func threeProject(t *testing.T) map[string]string {
	t.Helper()
	module := string(read(t, probe(t)))
	return map[string]string{
		"Spacefile":                   threeMicros,
		"web/main.wasm":               module,
		"services/api/build/api.wasm": module,
		"services/api/note.txt":       "of api",
		"services/admin/main.wasm":    module,
	}
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.HuffmanOnly) })
	for name, text := range files {
		f, err := w.Create(name)
		must(t, err)
		_, err = f.Write([]byte(text))
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func tarred(t *testing.T, files map[string]string, more ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.HuffmanOnly)
	must(t, err)
	w := tar.NewWriter(zw)
	for name, text := range files {
		must(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text))}))
		_, err := w.Write([]byte(text))
		must(t, err)
	}
	for _, h := range more {
		must(t, w.WriteHeader(h))
	}
	must(t, w.Close())
	must(t, zw.Close())
	return b.Bytes()
}

// folder writes files below a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestE2EMicros(t *testing.T) {
	files := threeProject(t)
	packed := tarred(t, files)
	s := serve(t)
	for name, push := range map[string]func(*server){
		"zip":    func(s *server) { s.pushed("three", "application/zip", zipped(t, files)) },
		"tar.gz": func(s *server) { s.pushed("three", "application/gzip", packed) },
		"folder": func(s *server) { s.console(0, "push", folder(t, files), "--app", "three") },
		"archive": func(s *server) {
			path := filepath.Join(t.TempDir(), "three.tar.gz")
			must(t, os.WriteFile(path, packed, 0o600))
			s.console(0, "push", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			push(s)
			threeRoutes(t, s)
			threePrivate(t, s)
			s.console(0, "rm", "three", "--yes")
		})
	}
}

// threeRoutes checks which Micro answers where, and what is left of the path.
func threeRoutes(t *testing.T, s *server) {
	t.Helper()
	for target, want := range map[string]string{
		"/":                "GET /\npath /\nquery \nmicro web\n",
		"/api":             "GET /\npath /\nquery \nmicro api\n",
		"/api?q=1":         "GET /?q=1\npath /\nquery q=1\nmicro api\n",
		"/api/":            "GET /\npath /\nquery \nmicro api\n",
		"/api/x%2Fy?q=1":   "GET /x%2Fy?q=1\npath /x/y\nquery q=1\nmicro api\n",
		"/api/api/x":       "GET /api/x\npath /api/x\nquery \nmicro api\n",
		"/api//x/":         "GET //x/\npath //x/\nquery \nmicro api\n",
		"/%61pi/x":         "GET /x\npath /x\nquery \nmicro api\n",
		"/apix":            "GET /apix\npath /apix\nquery \nmicro web\n",
		"/API/x":           "GET /API/x\npath /API/x\nquery \nmicro web\n",
		"/x/api":           "GET /x/api\npath /x/api\nquery \nmicro web\n",
		"/api%2Fx":         "GET /api%2Fx\npath /api/x\nquery \nmicro web\n",
		"/services/api/xy": "GET /services/api/xy\npath /services/api/xy\nquery \nmicro web\n",
	} {
		if got := s.ok("three", target); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	if got := environment(s.ok("three", "/api/env"))["DETA_SPACE_APP_MICRO_TYPE"]; got != "normal" {
		t.Errorf("the type of api is %q", got)
	}
	if got := s.ok("three", "/api/read?name=/note.txt"); got != "of api\nerror <nil>\n" {
		t.Errorf("api reads %q", got)
	}
	if got := s.ok("three", "/read?name=/note.txt"); strings.Contains(got, "of api") {
		t.Errorf("web reads what is of api")
	}
}

// threePrivate checks the Micro that is not public.
func threePrivate(t *testing.T, s *server) {
	t.Helper()
	s.get("three", "/admin/x").problem(t, http.StatusUnauthorized, "unauthorized")
	s.get("three", "/admin/x", "Authorization", "Bearer wrong").problem(t, http.StatusUnauthorized, "unauthorized")
	got := s.ok("three", "/admin/x", "Authorization", "Bearer "+s.token)
	contains(t, got, "GET /x\n", "micro admin\n")
}

// Of a bad Spacefile every fault is listed, with its line and key.
func TestE2ESpacefileFaults(t *testing.T) {
	s := serve(t)
	micro := func(name, more string) string { return "  - {name: " + name + ", src: ., engine: wasm" + more + "}\n" }
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"unknown key": {"v: 0\nmicros:\n" + micro("a", ", colour: red") + "runtime: x\n", []string{"3 micros[0].colour", "4 runtime"}},
		"two primaries": {
			"v: 0\nmicros:\n" + micro("a", ", primary: true") + micro("b", ", primary: true"), []string{"primary"},
		},
		"no primary": {"v: 0\nmicros:\n" + micro("a", "") + micro("b", ""), []string{"primary"}},
		"six micros": {
			"v: 0\nmicros:\n" + micro("a", ", primary: true") + micro("b", "") + micro("c", "") + micro("d", "") + micro("e", "") + micro("f", ""),
			[]string{"micros"},
		},
		"several": {"v: 1\nmicros:\n" + micro("a", ", primary: maybe") + micro("a", ", path: '../x'"), []string{"1 v", "3 micros[0].primary"}},
		"no file": {"v: 0\nmicros:\n" + micro("a", ", run: other.wasm"), []string{"3 micros[0].run"}},
		"no yaml": {"v: [\n", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			a := s.put("bad", "application/zip", bytes.NewReader(zipped(t, map[string]string{"Spacefile": c.text, "main.wasm": string(guest("hello"))})))
			p := a.problem(t, http.StatusUnprocessableEntity, "refused")
			text, err := json.Marshal(p.Faults)
			must(t, err)
			if len(p.Faults) < len(c.want) {
				t.Errorf("%d faults: %s", len(p.Faults), text)
			}
			var found strings.Builder
			for _, f := range p.Faults {
				found.WriteString(strings.TrimSpace(lines("%d %s", f.Line, f.Key)) + "\n" + f.Message + "\n")
			}
			contains(t, found.String(), c.want...)
		})
	}
	s.get("bad", "/").problem(t, http.StatusNotFound, "not_found")
}
