package wasi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/tetratelabs/wazero"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// checkedCache is the code cache of an isolated engine: a code file for each module
// that a child has compiled. wazero looks for machine code in a folder of its own,
// where there is nothing but what it is to find next.
type checkedCache struct {
	dir    string
	key    []byte
	vetted *vetted
	// platform is what [checkedCache.identify] returns.
	platform string
}

func (e *Engine) checked() checkedCache {
	return checkedCache{dir: e.config.CacheDir, key: e.config.CacheKey, vetted: &e.vetted, platform: e.platform}
}

// vetted remembers the files whose MAC has been found to be right.
type vetted struct {
	mu    sync.Mutex
	files map[digest]os.FileInfo
}

func (v *vetted) has(key digest, now os.FileInfo) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	then, ok := v.files[key]
	return ok && os.SameFile(then, now) && then.Size() == now.Size() && then.ModTime().Equal(now.ModTime())
}

func (v *vetted) add(key digest, now os.FileInfo) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.files == nil {
		v.files = map[digest]os.FileInfo{}
	}
	v.files[key] = now
}

// keep forgets all files but those of the modules with these digests.
func (v *vetted) keep(digests map[string]bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.files, func(key digest, _ os.FileInfo) bool { return !digests[hex.EncodeToString(key[:])] })
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

// codes is where the code files are of this version of the engine and of wazero, and
// for a processor like this.
func (c checkedCache) codes() string {
	return filepath.Join(c.dir, codeFolder, fmt.Sprintf("v%d.%d-%s", codeVersion, instrument.Version, c.platform))
}

const (
	codeFolder = "code"
	// codeVersion changes whenever what is in a code file means another thing.
	codeVersion = 1
)

// identify names the version of wazero and the features of the processor, as the name
// does under which wazero keeps the code of a module: this one has a function.
func (c checkedCache) identify(ctx context.Context) (name string, err error) {
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")
	dir, err := c.offers()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return "", fmt.Errorf("open code cache: %w", err)
	}
	defer func() { err = errors.Join(err, cache.Close(ctx)) }()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	defer func() { err = errors.Join(err, runtime.Close(ctx)) }()
	if _, err := runtime.CompileModule(ctx, module); err != nil {
		return "", fmt.Errorf("try the compiler: %w", err)
	}
	entry, err := onlyEntry(dir)
	const enough = 16
	return fmt.Sprintf("%x", sha256.Sum256([]byte(entry)))[:enough], err
}

func (c checkedCache) codePath(key digest) string {
	return filepath.Join(c.codes(), hex.EncodeToString(key[:]))
}

// offersDir is where engines have wazero look for machine code, each in a folder of its
// own.
func (c checkedCache) offersDir() string { return filepath.Join(c.dir, "offers") }

// offers makes the folder in which wazero looks for machine code.
func (c checkedCache) offers() (string, error) {
	err := os.MkdirAll(c.offersDir(), 0o700)
	dir := ""
	if err == nil {
		dir, err = os.MkdirTemp(c.offersDir(), "")
	}
	if err != nil {
		return "", fmt.Errorf("make code cache: %w", err)
	}
	return dir, nil
}

// sweep removes what a server has left that was killed while it compiled. A cache that
// is a symbolic link may be others' too, who run.
func (c checkedCache) sweep() error {
	if isLink(c.dir) {
		return nil
	}
	if err := errors.Join(os.RemoveAll(c.incoming()), os.RemoveAll(c.offersDir())); err != nil {
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

// rename gives a file its name in a folder that is made when missing.
func rename(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.Rename(from, to)
}
