package wasi_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// compileOnce compiles a guest in an engine of its own, as after a restart.
func compileOnce(t *testing.T, cache string, before func()) error {
	t.Helper()
	engine, err := wasi.New(t.Context(), wasi.Config{CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	before()
	module, err := engine.Compile(t.Context(), wasitest.Guest("hello"))
	if err != nil {
		return err
	}
	return module.Close(t.Context())
}

// entries are the files of the code cache.
func entries(t *testing.T, cache string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(cache, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The cache may be deleted or damaged at any time: modules compile all the same,
// and are cached again.
func TestCacheMends(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, cache string){
		"nothing": func(*testing.T, string) {},
		"deleted": func(t *testing.T, cache string) {
			if err := os.RemoveAll(cache); err != nil {
				t.Fatal(err)
			}
		},
		"cut short": func(t *testing.T, cache string) {
			if err := os.Truncate(entries(t, cache)[0], 100); err != nil {
				t.Fatal(err)
			}
		},
		"emptied": func(t *testing.T, cache string) {
			if err := os.Truncate(entries(t, cache)[0], 0); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := filepath.Join(t.TempDir(), "cache")
			if err := compileOnce(t, cache, func() {}); err != nil {
				t.Fatal(err)
			}
			if err := compileOnce(t, cache, func() { harm(t, cache) }); err != nil {
				t.Fatal(err)
			}
			if n := len(entries(t, cache)); n != 1 {
				t.Errorf("the cache has %d entries afterwards", n)
			}
		})
	}
}

// invalidModule is (func (export "_start") (result i32)) without a result on its
// stack.
func invalidModule() []byte {
	return []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01" +
		"\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00\x0a\x05\x01\x03\x00\x6a\x0b")
}

// A module that is not valid is the module's fault, with a cache as without.
func TestInvalidModule(t *testing.T) {
	for _, cache := range []string{"", t.TempDir()} {
		engine, err := wasi.New(t.Context(), wasi.Config{CacheDir: cache})
		if err != nil {
			t.Fatal(err)
		}
		_, err = engine.Compile(t.Context(), invalidModule())
		if _, ok := errors.AsType[*wasi.RefusedError](err); !ok {
			t.Errorf("cache %q: got %v", cache, err)
		}
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
