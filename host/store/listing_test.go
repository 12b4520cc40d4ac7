package store_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// listed returns what the listing of a tree says of its files.
func listed(t *testing.T, blobs *store.Blobs, digest space.Digest) map[string]space.Content {
	t.Helper()
	files := map[string]space.Content{}
	if err := blobs.List(digest, func(path string, content space.Content) bool {
		files[path] = content
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

// A tree has a listing of its files as long as it is there; one that is not what was written counts as none.
func TestListing(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir).Blobs()
	files := tree{"main.wasm": "code", "a b/": "", "a b/\"c\"\n": "", "ünï": "x", "empty/": ""}
	digest := put(t, blobs, files)
	want := map[string]space.Content{}
	for name, text := range files {
		if name[len(name)-1] != '/' {
			want[name] = space.Content{Sum: sha256.Sum256([]byte(text)), Size: int64(len(text))}
		}
	}
	if got := listed(t, blobs, digest); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	seen := 0
	if err := blobs.List(digest, func(string, space.Content) bool { seen++; return false }); err != nil || seen != 1 {
		t.Errorf("looked at %d, %v", seen, err)
	}
	path := filepath.Join(dir, "listings", string(digest))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, text[:len(text)/2], append(text, "file \"x\" 1 "...)} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, blobs, digest); len(got) > 0 {
			t.Errorf("a damaged listing says %v", got)
		}
	}
	// As older servers left it; the next push of the same mends it.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, blobs, digest); len(got) > 0 {
		t.Errorf("no listing says %v", got)
	}
	put(t, blobs, files)
	if got := listed(t, blobs, digest); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "listings", ".stage-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, keep := range []map[space.Digest]int64{{digest: 1}, {}} {
		if err := blobs.Sweep(keep); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "listings")); err != nil || len(left) != len(keep) {
			t.Errorf("left are %v, %v", left, err)
		}
	}
}

// A file of a tree gets another name in a staging folder, and stays what it is.
func TestLink(t *testing.T) {
	blobs := open(t, t.TempDir()).Blobs()
	digest := put(t, blobs, tree{"a/": "", "a/b": "text"})
	s := stage(t, blobs, tree{"x/": ""})
	if err := s.Link(digest, "a/b", "x/y"); err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{"../../../../outside", "../../" + string(digest) + "/a/b"} {
		if s.Link(digest, "a/b", outside) == nil {
			t.Errorf("%s was made", outside)
		}
	}
	linked := publish(t, s, "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, blobs, linked, tree{"y": "text"})
	want(t, blobs, digest, tree{"a/": "", "a/b": "text"})
}
