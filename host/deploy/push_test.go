package deploy_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func guest(name string) string { return string(wasitest.Guest(name)) }

const twoMicros = "v: 0\nmicros:\n  - {name: web, src: ., engine: wasm, run: bin/web.wasm -v, primary: true, public: true}\n" +
	"  - {name: api, src: api, engine: wasm}\n"

func two() []entry {
	return []entry{
		{name: "bin/"},
		{name: "./bin/web.wasm", body: guest("hello")},
		{name: "api/main.wasm", body: guest("args")},
		{name: "api/data/x", body: "x"},
		{name: "Spacefile", body: twoMicros},
		{name: "empty/"},
	}
}

func TestPushForms(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	for _, c := range []struct {
		name, media string
		body        []byte
		path, want  string
	}{
		{"module", "application/wasm", wasitest.Guest("hello"), "/", "hello\n"},
		{"module-by-magic", "application/x-www-form-urlencoded", wasitest.Guest("hello"), "/", "hello\n"},
		{"zip", "application/zip", zipped(t, two()...), "/", "hello\n"},
		{"zip-by-magic", "", zipped(t, two()...), "/api", "main.wasm\n"},
		{"tgz", "application/gzip; x=y", tgz(t, two()...), "/", "hello\n"},
		{"tgz-by-old-name", "application/x-gzip", tgz(t, two()...), "/", "hello\n"},
		{"tgz-by-magic", "application/octet-stream", tgz(t, two()...), "/api", "main.wasm\n"},
		{"without-spacefile", "", tgz(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "x", body: "y"}), "/", "hello\n"},
		{"tar-with-global-header", "", tgz(t, entry{name: "g", kind: tar.TypeXGlobalHeader}, entry{name: "main.wasm", body: guest("hello")}), "/", "hello\n"},
	} {
		app, err := b.Push(t.Context(), space.AppName(c.name), c.media, bytes.NewReader(c.body))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := b.ask(t, app.App.Name, c.path); got != c.want {
			t.Errorf("%s: answers %q", c.name, got)
		}
	}
}

func TestRevision(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.push(t, "app", wasitest.Guest("hello"))
	app := b.push(t, "app", zipped(t, two()...))
	micros := app.Revision.Micros
	if app.Revision.Number != 2 || app.Revision.Author != "tests" || len(micros) != 2 || len(app.Routes) != 2 {
		t.Fatalf("got %+v", app)
	}
	for i, want := range []space.Micro{
		{Name: "web", Path: "/", Primary: true, Public: true, Engine: space.EngineWasm, Run: []string{"bin/web.wasm", "-v"}, Contract: "cgi", WasmBytes: int64(len(guest("hello"))), MemoryBytes: 1 << 16, BundleBytes: int64(len(twoMicros) + len(guest("hello")) + len(guest("args")) + 1)},
		{Name: "api", Path: "/api", Engine: space.EngineWasm, Run: []string{"main.wasm"}, Contract: "cgi", WasmBytes: int64(len(guest("args"))), MemoryBytes: 4 << 16, BundleBytes: int64(len(guest("args")) + 1)},
	} {
		module := sha256.Sum256([]byte(guest(map[string]string{"web": "hello", "api": "args"}[want.Name])))
		want.Module = hex.EncodeToString(module[:])
		want.Bundle, want.CompileTime, want.NoSnapshot = micros[i].Bundle, micros[i].CompileTime, app.Revision.Micros[0].NoSnapshot
		if !reflect.DeepEqual(micros[i], want) || want.CompileTime <= 0 || len(want.Bundle) != 64 || want.NoSnapshot == "" {
			t.Errorf("got %+v\nwant %+v", micros[i], want)
		}
	}
}

// The variables that Deta Space set, for the Micro itself to see.
func TestEnvironment(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.push(t, "app", wasitest.Guest("hello"))
	app := b.push(t, "app", wasitest.Guest("env"))
	got := b.ask(t, "app", "/")
	for _, want := range []string{
		"DETA_PROJECT_KEY=" + app.App.Key, "DETA_API_KEY=" + app.App.APIKey, "DETA_RUNTIME=true", "DETA_SPACE_APP=true",
		"DETA_SPACE_APP_HOSTNAME=app.example.org:4200", "DETA_SPACE_APP_MICRO_NAME=app", "DETA_SPACE_APP_MICRO_TYPE=primary",
		"DETA_SPACE_APP_VERSION=2", "PORT=8080",
	} {
		if !strings.Contains("\n"+got, "\n"+want+"\n") {
			t.Errorf("%s is not in %q", want, got)
		}
	}
}

// A published tree is for reading, and holds what its Micro's folder holds.
func TestPublishedFiles(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	for _, body := range [][]byte{zipped(t, two()...), tgz(t, two()...)} {
		app := b.push(t, "app", body)
		root := filepath.Join(b.dir, "blobs", string(app.Revision.Micros[1].Bundle))
		var names []string
		err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err != nil || name == root {
				return err
			}
			info, err := e.Info()
			want := fs.FileMode(0o444)
			if e.IsDir() {
				want = fs.ModeDir | 0o755
			}
			if err != nil || info.Mode() != want {
				t.Errorf("%s has the mode %v, %v", name, info.Mode(), err)
			}
			names = append(names, strings.TrimPrefix(name, root))
			return nil
		})
		if err != nil || strings.Join(names, " ") != "/data /data/x /main.wasm" {
			t.Errorf("the bundle has %q, %v", names, err)
		}
	}
	if n := len(b.blobs(t)); n != 2 {
		t.Errorf("two bundles of the same content are %d trees", n)
	}
}

// What is wrong with the modules is said of each, and what runs goes on.
func TestRefusedModules(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.push(t, "bad", wasitest.Guest("hello"))
	spacefile := func(lines ...string) entry {
		return entry{name: "Spacefile", body: "v: 0\nmicros:\n  - " + strings.Join(lines, "\n  - ") + "\n"}
	}
	for name, c := range map[string]struct {
		body []byte
		want []string
	}{
		"unknown imports":   {wasitest.Guest("unknownimport"), []string{"main.wasm: ", "env.foo", "env.bar"}},
		"no entry":          {wasitest.Guest("noentry"), []string{"main.wasm: ", "_start"}},
		"too much memory":   {wasitest.Guest("bigmem"), []string{"main.wasm: ", "--memory"}},
		"cut short":         {wasitest.Guest("hello")[:50], []string{"main.wasm: ", "cut short"}},
		"component":         {[]byte("\x00asm\x0d\x00\x01\x00"), []string{"main.wasm: ", "component"}},
		"empty body":        {nil, []string{"no body"}},
		"text":              {[]byte("hello, world"), []string{"neither a .wasm module, nor a zip, nor a tar.gz"}},
		"nothing to run":    {zipped(t, entry{name: "a", body: "b"}), []string{"neither a Spacefile nor a main.wasm"}},
		"empty zip":         {zipped(t), []string{"neither a Spacefile nor a main.wasm"}},
		"empty tar":         {tgz(t), []string{"neither a Spacefile nor a main.wasm"}},
		"spacefile":         {tgz(t, entry{name: "Spacefile", body: "v: 1\nmicros: []\n"}), []string{"Spacefile:1:4: v: ", "Spacefile:2:9: micros: "}},
		"spacefile, folder": {tgz(t, entry{name: "Spacefile/"}), []string{"Spacefile: is not a small text file"}},
		"spacefile, large":  {tgz(t, entry{name: "Spacefile", body: strings.Repeat("#", 2<<20)}), []string{"Spacefile: is not a small text file"}},
		"two micros": {
			tgz(t, spacefile("{name: a, src: x, engine: wasm, primary: true}", "{name: b, src: y, engine: wasm}", "{name: c, src: z, engine: wasm}", "{name: d, src: w, engine: wasm}"),
				entry{name: "x/main.wasm", body: guest("noentry")}, entry{name: "y/other.wasm"}, entry{name: "w", body: "a file"}),
			[]string{
				"x/main.wasm: ", "Spacefile:4:5: micros[1].run: the module y/main.wasm is not in the bundle",
				`Spacefile:5:5: micros[2].src: the folder "z" of micro "c" is not in the bundle`, `Spacefile:6:5: micros[3].src: the folder "w"`,
			},
		},
		"module is a folder": {
			tgz(t, spacefile("{name: a, src: ., engine: wasm, run: x}"), entry{name: "x/"}), []string{"Spacefile:3:5: micros[0].run: the module x is not"},
		},
		"below a file": {
			tgz(t, spacefile("{name: a, src: x/y, engine: wasm}"), entry{name: "x", body: "z"}), []string{"Spacefile:3:5: micros[0].src: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := b.refuse(t, c.body)
			if e.Code != space.CodeRefused || len(e.Faults) == 0 {
				t.Fatalf("got %v", e)
			}
			for _, want := range c.want {
				if !strings.Contains(e.Message, want) {
					t.Errorf("%q does not say %q", e.Message, want)
				}
			}
			if got := b.ask(t, "bad", "/"); got != "hello\n" {
				t.Errorf("what ran before answers %q", got)
			}
		})
	}
}

// broken is an upload that breaks off.
func broken(body []byte) io.Reader {
	return io.MultiReader(bytes.NewReader(body), errReader{})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestUploadBreaksOff(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	archive := tgz(t, two()...)
	for name, body := range map[string]io.Reader{
		"at once": broken(nil), "magic": broken([]byte("\x00a")), "module": broken(wasitest.Guest("hello")[:50]), "whole module": broken(wasitest.Guest("hello")),
		"zip": broken(zipped(t, two()...)[:100]), "tar": broken(archive[:len(archive)/2]), "gzip header": broken(archive[:5]),
	} {
		_, err := b.Push(t.Context(), "app", "", body)
		if e := space.AsError(err); e == nil || e.Code != space.CodeBadRequest || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Push(ctx, "app", "application/wasm", bytes.NewReader(wasitest.Guest("hello"))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := b.blobs(t); len(left) > 0 || len(b.registry.Apps()) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Of pushes at the same time the last recorded one answers.
func TestPushAtOnce(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := b.Push(t.Context(), "app", "", bytes.NewReader(wasitest.Guest("hello"))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	app, release, _ := b.registry.Acquire("app")
	defer release()
	if all, err := b.store.Active(t.Context()); err != nil || all[0].Revision.Number != 8 || app.Revision.Number != 8 {
		t.Errorf("revision %d answers of %+v, %v", app.Revision.Number, all, err)
	}
}
