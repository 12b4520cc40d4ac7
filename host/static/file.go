package static

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// maxFiles is of how many files a site remembers what it has found out.
const maxFiles = 4096

// file is a file of the tree, and the forms in which it can be sent.
type file struct {
	name  string
	media string
	whole *form
	// coded are the compressed forms, the one that is preferred first.
	coded []*form
	// dense says that compressing the file has proved useless.
	dense atomic.Bool
}

// form is a file as it is sent.
type form struct {
	name   string // in the tree
	coding string // "" is none
	made   bool   // it is not in the tree, but made of the file as it is wanted
	size   int64  // of the file in the tree
	tag    tag
}

// tag is an entity tag that is computed once: the tree does not change.
type tag struct {
	turn  chan struct{} // holds who computes
	value atomic.Pointer[string]
}

func newForm(name, coding string, size int64) *form {
	return &form{name: name, coding: coding, size: size, tag: tag{turn: make(chan struct{}, 1)}}
}

// file returns the file with the name, nil if there is none, and whether there is a
// folder. What is remembered is bounded by what the tree holds, as names that are
// not there are not.
func (s *Site) file(root *os.Root, name string) (f *file, folder bool, err error) {
	if f := s.files.get(name); f != nil {
		return f, false, nil
	}
	size, folder, err := s.look(root, name)
	if err != nil || size < 0 {
		return nil, folder, err
	}
	f = &file{name: name, media: mediaOf(name), whole: newForm(name, "", size)}
	zipped := false
	for _, c := range []struct{ coding, ext string }{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}} {
		size, _, err := s.look(root, name+c.ext)
		if err != nil {
			return nil, false, err
		}
		if size >= 0 {
			f.coded = append(f.coded, newForm(name+c.ext, c.coding, size))
			zipped = zipped || c.coding == "gzip"
		}
	}
	if !zipped && size >= minPacked && size <= maxPacked && compressible(f.media) {
		made := newForm(name, "gzip", size)
		made.made = true
		f.coded = append(f.coded, made)
	}
	s.files.put(f)
	return f, false, nil
}

// look returns the size of a regular file, or -1 and whether there is a folder.
func (s *Site) look(root *os.Root, name string) (size int64, folder bool, err error) {
	info, err := root.Stat(name)
	switch {
	case err == nil && info.Mode().IsRegular():
		return info.Size(), false, nil
	case err == nil:
		return -1, info.IsDir(), nil
	}
	for _, absent := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP} {
		if errors.Is(err, absent) {
			return -1, false, nil
		}
	}
	return -1, false, fmt.Errorf("look for a static file: %w", err)
}

// tagOf is the form's entity tag (RFC 9110 section 8.8.3), a strong one: it is of
// the content, so that a client's copy outlives a revision that does not change it.
func (s *Site) tagOf(ctx context.Context, root *os.Root, f *form) (string, error) {
	if tag := f.tag.value.Load(); tag != nil {
		return *tag, nil
	}
	select {
	case f.tag.turn <- struct{}{}:
		defer func() { <-f.tag.turn }()
	case <-ctx.Done():
		return "", gone(ctx.Err(), false)
	}
	if tag := f.tag.value.Load(); tag != nil {
		return *tag, nil
	}
	sum := sha256.New()
	if err := s.copyFile(sum, root, f.name); err != nil {
		return "", err
	}
	const half = 16 // bytes that tell all contents apart which are not made to be mistaken
	tag := base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:half])
	if f.coding != "" {
		tag += "-" + f.coding
	}
	tag = `"` + tag + `"`
	f.tag.value.Store(&tag)
	return tag, nil
}

// copyFile writes a file of the tree.
func (s *Site) copyFile(to io.Writer, root *os.Root, name string) error {
	from, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("open a static file: %w", err)
	}
	defer func() { _ = from.Close() }()
	buffer := s.buffers.Get().(*[bufferSize]byte)
	defer s.buffers.Put(buffer)
	// Without the shortcuts that would take memory of their own.
	if _, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, buffer[:]); err != nil {
		return fmt.Errorf("read a static file: %w", err)
	}
	return nil
}

// index remembers files by name, some of them. Its zero value is empty.
type index struct {
	mu    sync.Mutex
	files map[string]*file
}

func (x *index) get(name string) *file {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.files[name]
}

func (x *index) put(f *file) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.files == nil {
		x.files = map[string]*file{}
	}
	for name := range x.files {
		if len(x.files) < maxFiles {
			break
		}
		delete(x.files, name) // any will do
	}
	x.files[f.name] = f
}

func (x *index) clear() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.files = nil
}
