// Package access decides who may come in.
package access

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spacewasm/spacewasm/host/store"
)

// Guard knows the token in the file, which may do all, and what its [Keeper] has told
// it of other tokens and of app keys. It is safe for concurrent use.
type Guard struct {
	sum    store.Hash // of the token in the file, so that comparing takes the same time for any guess
	length int        // of that token, in bytes
	table  atomic.Pointer[table]
}

// Open reads the admin token from the file, and makes the file, for its owner
// only, if there is none. A file that others can read is refused.
func Open(path string) (*Guard, error) {
	token, err := secret(path, "sw_")
	if err != nil {
		return nil, fmt.Errorf("admin token: %w", err)
	}
	g := &Guard{sum: hashOf(token), length: len(token)}
	g.table.Store(newTable(nil, nil))
	return g, nil
}

// Key reads a key of the server's own from the file, and makes the file, for its
// owner only, if there is none. A file that others can read is refused.
func Key(path string) ([]byte, error) {
	key, err := secret(path, "")
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return []byte(key), nil
}

// secret reads a file of one secret, or makes it of a prefix and 130 random bits.
func secret(path, prefix string) (string, error) {
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = create(path, prefix)
	}
	if err != nil {
		return "", err
	}
	word := strings.TrimSpace(string(text))
	if len(word) < 16 {
		return "", fmt.Errorf("%s holds fewer than 16 characters: restore it, or delete it, and a new one is made", path)
	}
	return word, nil
}

// read reads a secret, if it is this user's alone: root may have made it, too.
func read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO would wait
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has the mode %04o, with which others may read it: `chmod 600` it, and replace what it holds if they may have",
			path, info.Mode().Perm())
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to another user (uid %d), who may read it: `chown` it, or run as that user", path, st.Uid)
	}
	return io.ReadAll(io.LimitReader(f, maxSecret))
}

// maxSecret is more than any secret has, in bytes.
const maxSecret = 4096

// create writes a new secret under another name first: a crash leaves no half of
// one, and the next start takes the other name again.
func create(path, prefix string) ([]byte, error) {
	text := []byte(prefix + rand.Text() + "\n")
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-new"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return text, nil
}
