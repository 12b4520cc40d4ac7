package store_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// tree is files by name; a name that ends in a slash is an empty folder.
type tree map[string]string

func stage(t *testing.T, blobs *store.Blobs, files tree) *store.Staging {
	t.Helper()
	s, err := blobs.Stage()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if name[len(name)-1] == '/' {
			err = s.Files().MkdirAll(name[:len(name)-1], 0o755)
		} else if err = s.Files().MkdirAll(filepath.Dir(name), 0o755); err == nil {
			err = s.Files().WriteFile(name, []byte(content), 0o444)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func publish(t *testing.T, s *store.Staging, dir string) space.Digest {
	t.Helper()
	digest, err := s.Publish(dir)
	if err != nil || len(digest) != 64 {
		t.Fatalf("publish %s: %q, %v", dir, digest, err)
	}
	return digest
}

// put stores files as one tree.
func put(t *testing.T, blobs *store.Blobs, files tree) space.Digest {
	t.Helper()
	s := stage(t, blobs, files)
	defer s.Close()
	return publish(t, s, ".")
}

func content(t *testing.T, blobs *store.Blobs, digest space.Digest) tree {
	t.Helper()
	root, err := blobs.Open(digest)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	files := tree{}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if entry.IsDir() {
			files[name+"/"] = ""
			return nil
		}
		text, err := root.ReadFile(name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func want(t *testing.T, blobs *store.Blobs, digest space.Digest, files tree) {
	t.Helper()
	if got := content(t, blobs, digest); !reflect.DeepEqual(got, files) {
		t.Errorf("got %q, want %q", got, files)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir).Blobs()
	files := tree{"main.wasm": "code", "static/": "", "static/a": "a", "static/deep/": "", "static/deep/b": "", "empty/": ""}
	s := stage(t, blobs, files)
	digest := publish(t, s, ".")
	if again := publish(t, s, "."); again != digest {
		t.Errorf("the same files became %s and %s", digest, again)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, blobs, digest, files)
	if other := put(t, blobs, files); other != digest {
		t.Errorf("the same content became %s and %s", digest, other)
	}
	if got := names(t, dir); !slices.Equal(got, []string{string(digest)}) {
		t.Errorf("there are %v", got)
	}
}

// What is not the same has another digest.
func TestDigest(t *testing.T) {
	blobs := open(t, t.TempDir()).Blobs()
	seen := map[space.Digest]int{}
	for i, files := range []tree{
		{},
		{"a": ""},
		{"a": "x"},
		{"b": "x"},
		{"a/": ""},
		{"a/b": "x"},
		{"a": "", "b": "x"},
		{"a": "x", "b": ""},
		{"a\n": "x"},
		{"a\"b": "x"},
		{"a/": "", "b": ""},
		{"a\nfile \"b\" 0": ""},
	} {
		digest := put(t, blobs, files)
		if other, taken := seen[digest]; taken {
			t.Errorf("trees %d and %d have the same digest", i, other)
		}
		seen[digest] = i
	}
}

// The folder of one Micro may lie within that of another.
func TestNestedFolders(t *testing.T) {
	blobs := open(t, t.TempDir()).Blobs()
	s := stage(t, blobs, tree{"main.wasm": "1", "api/main.wasm": "2", "api/sub/x": "3"})
	defer s.Close()
	whole, api, sub := publish(t, s, "."), publish(t, s, "api"), publish(t, s, "api/sub")
	want(t, blobs, whole, tree{"main.wasm": "1", "api/": "", "api/main.wasm": "2", "api/sub/": "", "api/sub/x": "3"})
	want(t, blobs, api, tree{"main.wasm": "2", "sub/": "", "sub/x": "3"})
	want(t, blobs, sub, tree{"x": "3"})
}

func TestPublishFails(t *testing.T) {
	blobs := open(t, t.TempDir()).Blobs()
	s := stage(t, blobs, tree{"a": "x"})
	defer s.Close()
	if _, err := s.Publish("missing"); err == nil {
		t.Error("published a folder that is not there")
	}
	if err := s.Files().Symlink("a", "link"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish("."); err == nil {
		t.Error("published a link")
	}
}

// Several that publish the same at once all succeed.
func TestPublishAtOnce(t *testing.T) {
	blobs := open(t, t.TempDir()).Blobs()
	for round := range 20 {
		var stagings []*store.Staging
		for range 8 {
			stagings = append(stagings, stage(t, blobs, tree{"a": string(rune('a' + round))}))
		}
		var wg sync.WaitGroup
		for _, s := range stagings {
			wg.Go(func() {
				if _, err := s.Publish("."); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func TestSpool(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir).Blobs()
	s := stage(t, blobs, tree{})
	f, err := s.Spool()
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("x")
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	want(t, blobs, publish(t, s, "."), tree{}) // the spool is no part of the files
	f.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("there are %v", got)
	}
}

// Sweep leaves what is needed, and takes what is not and what a crash has left.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	keep, drop := put(t, s.Blobs(), tree{"a/b": "1"}), put(t, s.Blobs(), tree{"a/b": "2"})
	left := stage(t, s.Blobs(), tree{"x": "y"})
	publish(t, left, ".")
	left.Crash()
	if err := s.Close(); err != nil { // the crash
		t.Fatal(err)
	}
	s = open(t, dir)
	if err := s.Blobs().Sweep(map[space.Digest]int64{keep: 1, "of another node": 1}); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{string(keep)}) {
		t.Errorf("there are %v", got)
	}
	want(t, s.Blobs(), keep, tree{"a/": "", "a/b": "1"})
	if _, err := s.Blobs().Open(drop); err == nil {
		t.Error("a swept tree was opened")
	}
}

// A digest that is none leads nowhere.
func TestOpenOutside(t *testing.T) {
	blobs := open(t, t.TempDir()).Blobs()
	for _, digest := range []space.Digest{"", "..", "../..", "/", "x"} {
		if root, err := blobs.Open(digest); err == nil {
			root.Close()
			t.Errorf("opened %q", digest)
		}
	}
}

// T23: the deepest bundle that is taken, 64 folders, is swept, and so is what an upload of it leaves.
func TestSweepDeep(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	deep := strings.Repeat("d/", 64) + "file"
	put(t, s.Blobs(), tree{deep: "x"})
	left := stage(t, s.Blobs(), tree{deep: "y"})
	left.Crash()
	if err := s.Blobs().Sweep(nil); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) > 0 {
		t.Errorf("there are %v", got)
	}
}
