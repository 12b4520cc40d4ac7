package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/backup"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// push makes a revision of an app with one Micro of these files.
func push(t *testing.T, s *store.Store, app space.AppName, files map[string]string) space.Digest {
	t.Helper()
	staging, err := s.Blobs().Stage()
	must(t, err)
	defer func() { must(t, staging.Close()) }()
	var total int64
	for name, content := range files {
		must(t, staging.Files().MkdirAll(filepath.Dir(name), 0o755))
		if strings.HasSuffix(name, "/") {
			continue
		}
		must(t, staging.Files().WriteFile(name, []byte(content), 0o444))
		total += int64(len(content))
	}
	digest, err := staging.Publish(".")
	must(t, err)
	d, err := s.Plan(t.Context(), app)
	must(t, err)
	d.Revision.Micros = []space.Micro{{Name: "m", Path: "/", Primary: true, Bundle: digest, BundleBytes: total}}
	_, err = s.Activate(t.Context(), d)
	must(t, err)
	return digest
}

// data is a data directory with all that there may be.
func data(t *testing.T) (string, *store.Store) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	push(t, s, "a", map[string]string{"main.wasm": "1", "static/deep/x": "y", "static.html": "z", "empty/": ""})
	push(t, s, "a", map[string]string{"main.wasm": "2", "large": noise(20_000)})
	push(t, s, "b", map[string]string{"main.wasm": "1", "static/deep/x": "y", "static.html": "z", "empty/": ""})
	push(t, s, "b", map[string]string{})
	for name, content := range map[string]string{
		"token": "sw_token\n", "cache.key": "the key of the cache\n", "logs/a/0001": "a line\n",
		"cache/x": "-", "tmp/x": "-", "spacewasm.db.v1": "-", "blobs/.stage-1/x": "-",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir, s
}

// noise has nothing in it twice: of repeated bytes a damaged archive may make the same.
func noise(size int) string {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text)
	return string(text)
}

func write(t *testing.T, dir string, logs bool) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := backup.Write(t.Context(), backup.Config{Data: dir, Version: "v1", Logs: logs}, &b)
	must(t, err)
	return b.Bytes()
}

// tree is what a folder holds, but for the database: files by name, folders with a slash.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if entry.IsDir() {
			found[name+"/"] = ""
			return nil
		}
		if strings.HasPrefix(name, "spacewasm.db") || name == "lock" {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		found[name] = string(text)
		return err
	}))
	return found
}

// part is an entry of an archive.
type part struct {
	tar.Header
	content string
}

func parts(t *testing.T, archive []byte) []part {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(archive))
	must(t, err)
	var all []part
	for r := tar.NewReader(zr); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all[:len(all)-1] // without the last, which sealed makes
		}
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		all = append(all, part{*h, string(text)})
	}
}

// sealed makes an archive of the parts that is whole, whatever they are.
func sealed(t *testing.T, all []part, after ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	must(t, err)
	w, sum := tar.NewWriter(zw), store.NewSum()
	add := func(p part) {
		p.Size = int64(len(p.content))
		p.PAXRecords = nil
		p.Format = tar.FormatPAX
		must(t, w.WriteHeader(&p.Header))
		_, err := io.WriteString(w, p.content)
		must(t, err)
	}
	for _, p := range all {
		add(p)
		if p.Typeflag == tar.TypeDir {
			sum.Folder(strings.TrimSuffix(p.Name, "/"))
			continue
		}
		content := store.NewDigesting(strings.NewReader(p.content))
		_, err := io.Copy(io.Discard, content)
		must(t, err)
		sum.File(p.Name, content.Size(), content.Sum())
	}
	add(file("end.json", fmt.Sprintf(`{"entries": %d, "sha256": %q}`, len(all), sum.Digest())))
	for _, p := range after {
		add(p)
	}
	must(t, w.Close())
	must(t, zw.Close())
	return b.Bytes()
}

func file(name, content string) part {
	return part{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}, content}
}

func folder(name string) part {
	return part{tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o700}, ""}
}

// manifest changes the manifest of the parts.
func manifest(t *testing.T, all []part, change func(*backup.Manifest)) []part {
	t.Helper()
	var m backup.Manifest
	must(t, json.Unmarshal([]byte(all[0].content), &m))
	change(&m)
	text, err := json.Marshal(m)
	must(t, err)
	return append([]part{file("manifest.json", string(text))}, all[1:]...)
}

func restore(t *testing.T, dir string, archive, keys []byte) error {
	t.Helper()
	var secrets io.Reader
	if keys != nil {
		secrets = bytes.NewReader(keys)
	}
	_, err := backup.Restore(t.Context(), backup.RestoreConfig{Data: dir}, bytes.NewReader(archive), secrets)
	return err
}

// refused restores what has to be refused, to a folder of which nothing is left.
func refused(t *testing.T, what string, archive, keys []byte, says ...string) {
	t.Helper()
	parent := t.TempDir()
	err := restore(t, filepath.Join(parent, "data"), archive, keys)
	if err == nil {
		t.Errorf("%s: it was restored", what)
		return
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q is not in %q", what, word, err)
		}
	}
	if left := tree(t, parent); len(left) > 0 {
		t.Errorf("%s: there is %v", what, slices.Collect(maps.Keys(left)))
	}
}
