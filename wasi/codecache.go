package wasi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// checkedCache is the code cache of an isolated engine. Beside wazero's entries
// it keeps a note for each module that a child has compiled, because wazero
// decodes a module before it looks for its entry, and no module may be decoded in
// this process which a child has not found to be good.
type checkedCache struct {
	dir string
	key []byte
}

func (e *Engine) checked() checkedCache {
	return checkedCache{dir: e.config.CacheDir, key: e.config.CacheKey}
}

// note says where the code of a module is, and what it has to be.
type note struct {
	Entry  string `json:"entry"` // relative to the cache
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// MAC is over the module that the code was made of, the entry and the digest. It
	// says that it was this server that put them together.
	MAC string `json:"mac,omitempty"`
}

// sign returns the MAC of a note on a module.
func (c checkedCache) sign(key digest, n note) string {
	mac := hmac.New(sha256.New, c.key)
	fmt.Fprintf(mac, "code of %x: %q %d %q", key, n.Entry, n.Bytes, n.SHA256)
	return hex.EncodeToString(mac.Sum(nil))
}

// own makes the cache this user's alone: who can write to it would have a say in
// what the server runs.
func (c checkedCache) own() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("make code cache: %w", err)
	}
	info, err := os.Stat(c.dir)
	if err != nil {
		return fmt.Errorf("look at code cache: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() || !info.IsDir() {
		return fmt.Errorf("the code cache %s is not this user's own folder: delete it, and it is made anew", c.dir)
	}
	if info.Mode().Perm() != 0o700 {
		if err := os.Chmod(c.dir, 0o700); err != nil {
			return fmt.Errorf("protect code cache: %w", err)
		}
	}
	return nil
}

// incoming is where children work, and what they hand over is put.
func (c checkedCache) incoming() string { return filepath.Join(c.dir, "incoming") }

func (c checkedCache) note(key digest) string {
	return filepath.Join(c.dir, "checked", fmt.Sprintf("v%d", instrument.Version), hex.EncodeToString(key[:]))
}

// sweep removes what a server has left that was killed while it compiled.
func (c checkedCache) sweep() error {
	if err := os.RemoveAll(c.incoming()); err != nil {
		return fmt.Errorf("sweep code cache: %w", err)
	}
	return nil
}

// create makes the file for a child's artefact, which is to be closed, and to be
// removed if it is not published.
func (c checkedCache) create() (*os.File, error) {
	if err := os.MkdirAll(c.incoming(), 0o700); err != nil {
		return nil, fmt.Errorf("make code cache: %w", err)
	}
	file, err := os.CreateTemp(c.incoming(), "artefact-")
	if err != nil {
		return nil, fmt.Errorf("make the file of an artefact: %w", err)
	}
	return file, nil
}

// verify checks that the code of a module is there and whole.
func (c checkedCache) verify(key digest) error {
	file, _, err := c.open(key)
	if err != nil {
		return err
	}
	return file.Close()
}

// open opens the code of a module, which is whole, and returns what is noted of it.
func (c checkedCache) open(key digest) (*os.File, note, error) {
	var n note
	text, err := os.ReadFile(c.note(key))
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		return nil, n, fmt.Errorf("read what is known of the module: %w", err)
	}
	if !hmac.Equal([]byte(n.MAC), []byte(c.sign(key, n))) {
		return nil, n, errors.New("code cache: a note is not of this server")
	}
	if !isEntry(n.Entry) {
		return nil, n, fmt.Errorf("code cache: %q is no entry", n.Entry)
	}
	file, err := os.Open(filepath.Join(c.dir, filepath.FromSlash(n.Entry)))
	if err != nil {
		return nil, n, fmt.Errorf("open code: %w", err)
	}
	err = n.check(file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, n, errors.Join(err, file.Close())
	}
	return file, n, nil
}

// check holds the note against a file.
func (n note) check(file io.Reader) error {
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return fmt.Errorf("read code: %w", err)
	}
	if size != n.Bytes || hex.EncodeToString(hash.Sum(nil)) != n.SHA256 {
		return errors.New("code cache: an entry is damaged")
	}
	return nil
}

// publish puts what a child has handed over into the cache, or returns the
// [*RefusedError] that it was.
func (c checkedCache) publish(key digest, artefact *os.File) error {
	handed, err := readArtefact(artefact)
	if err != nil {
		return fmt.Errorf("read what a child process has compiled: %w", err)
	}
	if len(handed.Refused) > 0 {
		return &RefusedError{Faults: handed.Refused}
	}
	// All that is published is on disk before it has its name.
	if err := errors.Join(artefact.Truncate(handed.Bytes), artefact.Sync()); err != nil {
		return fmt.Errorf("write code: %w", err)
	}
	entry := filepath.Join(c.dir, filepath.FromSlash(handed.Entry))
	if err := rename(artefact.Name(), entry); err != nil {
		return fmt.Errorf("publish code: %w", err)
	}
	return c.write(key, handed.note)
}

// write notes that a module has been compiled.
func (c checkedCache) write(key digest, n note) error {
	n.MAC = c.sign(key, n)
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("note a module: %w", err)
	}
	file, err := c.create()
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = rename(file.Name(), c.note(key))
	}
	if err != nil {
		return fmt.Errorf("note a module: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// rename gives a file its name in a folder that is made when missing.
func rename(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.Rename(from, to)
}
