package project_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

const twoMicros = `v: 0
micros:
  - {name: web, src: web, engine: wasm, primary: true}
  - {name: api, src: micros/api, engine: wasm, run: bin/api.wasm}
`

// listedIn opens and lists a project, and returns all that is wrong with it.
func listedIn(dir string) (*project.Project, error) {
	p, err := project.Open(dir)
	if err != nil {
		return nil, err
	}
	faults, err := p.List()
	if len(faults) > 0 {
		err = space.Refuse(faults...)
	}
	return p, err
}

// packed returns what pack makes of dir, and the entries in it.
func packed(t *testing.T, dir string) ([]byte, []*tar.Header) {
	t.Helper()
	p, err := listedIn(dir)
	must(t, err)
	var b bytes.Buffer
	var counted int64
	must(t, p.Pack(&b, func(n int) { counted += int64(n) }))
	if counted != p.Weight {
		t.Errorf("%d bytes were counted, %d announced", counted, p.Weight)
	}
	return b.Bytes(), untar(t, b.Bytes())
}

func untar(t *testing.T, archive []byte) []*tar.Header {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(archive))
	must(t, err)
	var headers []*tar.Header
	for r := tar.NewReader(unpacked); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return headers
		}
		must(t, err)
		headers = append(headers, h)
	}
}

func names(headers []*tar.Header) string {
	var list []string
	for _, h := range headers {
		list = append(list, h.Name)
	}
	return strings.Join(list, " ")
}

func TestPackTakesTheFoldersOfTheMicros(t *testing.T) {
	dir := tree(t, map[string]string{
		"Spacefile": twoMicros, "README.md": "no", "web/main.wasm": "w", "web/static/a.css": "a", "web/empty/": "",
		"micros/api/bin/api.wasm": "a", "micros/other/main.wasm": "no", "webby/x": "no",
	})
	_, headers := packed(t, dir)
	want := "Spacefile micros/ micros/api/ micros/api/bin/ micros/api/bin/api.wasm web/ web/empty/ web/main.wasm web/static/ web/static/a.css"
	if got := names(headers); got != want {
		t.Errorf("packed\n%s, want\n%s", got, want)
	}
}

func TestPackSkips(t *testing.T) {
	dir := tree(t, map[string]string{
		"main.wasm": "w", "a/.git/x": "no", "a/node_modules/x": "no", "a/.env": "no", "a/.env.local": "no",
		"a/.environment": "yes", "venv/x": "no", "spacewasm-data/token": "no", ".spaceignore": "", "a/.DS_Store": "no",
	})
	// What is left out may be a link.
	must(t, os.Symlink("elsewhere", filepath.Join(dir, ".venv")))
	_, headers := packed(t, dir)
	if got, want := names(headers), "a/ a/.environment main.wasm"; got != want {
		t.Errorf("packed %s, want %s", got, want)
	}
}

func TestPackIsTheSameEachTime(t *testing.T) {
	dir := tree(t, map[string]string{"main.wasm": "w", "tool": "#!", "long/" + strings.Repeat("n", 200): "x"})
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, name := range []string{"main.wasm", "tool"} {
		must(t, os.Chtimes(filepath.Join(dir, name), when, when))
	}
	must(t, os.Chmod(filepath.Join(dir, "tool"), 0o700))
	first, headers := packed(t, dir)
	if again, _ := packed(t, dir); !bytes.Equal(first, again) {
		t.Error("packing twice gave different bytes")
	}
	modes := map[string]int64{"main.wasm": 0o644, "tool": 0o755}
	for _, h := range headers {
		mode, ok := modes[h.Name]
		if !ok {
			continue
		}
		if h.Mode != mode || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || !h.ModTime.Equal(when) {
			t.Errorf("%s has mode %o, owner %d %d %q, time %s", h.Name, h.Mode, h.Uid, h.Gid, h.Uname, h.ModTime)
		}
	}
}

func TestLinksAreRefused(t *testing.T) {
	for _, link := range []string{"web/static", "micros/api", "micros", "Spacefile", "web/main.wasm"} {
		dir := tree(t, map[string]string{"Spacefile": twoMicros, "web/main.wasm": "w", "micros/api/bin/api.wasm": "a"})
		path := filepath.Join(dir, filepath.FromSlash(link))
		must(t, os.RemoveAll(path))
		must(t, os.Symlink(t.TempDir(), path))
		_, err := listedIn(dir)
		if err == nil {
			t.Errorf("the link %s was accepted", link)
			continue
		}
		wants(t, err.Error(), link, "symbolic link")
	}
	// One that is not packed hurts nobody.
	dir := tree(t, map[string]string{"Spacefile": twoMicros, "web/main.wasm": "w", "micros/api/bin/api.wasm": "a"})
	must(t, os.Symlink("x", filepath.Join(dir, "elsewhere")))
	if _, err := listedIn(dir); err != nil {
		t.Error(err)
	}
}

// T25: what would wait for a writer, or is a device's or a link's, is not packed, also when it has become so since it
// was listed.
func TestFIFOsAreRefused(t *testing.T) {
	for _, name := range []string{"web/pipe", "web/main.wasm", "Spacefile"} {
		dir := tree(t, map[string]string{"Spacefile": twoMicros, "web/main.wasm": "w", "micros/api/bin/api.wasm": "a"})
		p, err := listedIn(dir)
		must(t, err)
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.RemoveAll(path))
		must(t, syscall.Mkfifo(path, 0o600))
		if _, err := listedIn(dir); err == nil {
			t.Errorf("the FIFO %s was accepted", name)
		} else {
			wants(t, err.Error(), name, "not a regular file")
		}
		if err := p.Pack(io.Discard, func(int) {}); (err == nil) != (name == "web/pipe") {
			t.Errorf("%s became a FIFO: packing gave %v", name, err)
		}
	}
}

func TestIncompleteProjects(t *testing.T) {
	for _, tc := range []struct {
		files map[string]string
		want  []string
	}{
		{map[string]string{"x": ""}, []string{"neither a Spacefile nor a main.wasm"}},
		{map[string]string{"main.wasm/": ""}, []string{"neither a Spacefile nor a main.wasm"}},
		{map[string]string{"Spacefile": "v: 1\n"}, []string{"Spacefile:1:4: v:"}},
		{map[string]string{"Spacefile": twoMicros, "web/": ""}, []string{
			"2 faults", "Spacefile:3:5: micros[0].run: there is no file web/main.wasm",
			"Spacefile:4:5: micros[1].src: there is no folder micros/api",
		}},
	} {
		_, err := listedIn(tree(t, tc.files))
		if err == nil {
			t.Errorf("%v was accepted", tc.files)
			continue
		}
		wants(t, err.Error(), tc.want...)
	}
}

func TestFileShorterThanAnnounced(t *testing.T) {
	dir := tree(t, map[string]string{"main.wasm": "w", "data": "d"})
	p, err := listedIn(dir)
	must(t, err)
	must(t, os.Remove(filepath.Join(dir, "data")))
	if err := p.Pack(io.Discard, func(int) {}); err == nil {
		t.Error("a file that is gone was packed")
	}
}
