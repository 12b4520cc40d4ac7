package wasi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// isolated is an engine that compiles in children.
func isolated(t *testing.T, cache string) *wasi.Engine {
	t.Helper()
	engine, err := wasi.New(t.Context(), wasi.Config{CacheDir: cache, CacheKey: []byte("the key of this test"), Workers: 2, Isolated: true})
	must(t, err)
	t.Cleanup(func() { must(t, engine.Close(context.Background())) })
	return engine
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// compiles checks that a good module compiles.
func compiles(t *testing.T, engine *wasi.Engine, code []byte) {
	t.Helper()
	module, err := engine.Compile(t.Context(), code)
	must(t, err)
	must(t, module.Close(t.Context()))
}

// T4: what would kill or stall a compiler does so to a child, which is ended on
// time; the process that asked for it neither grows nor waits.
func TestHostileModules(t *testing.T) {
	cache := t.TempDir()
	engine := isolated(t, cache)
	for _, hostile := range wasitest.Hostile() {
		t.Run(hostile.Name, func(t *testing.T) {
			if hostile.Slow && testing.Short() {
				t.Skip("takes as long as a compilation may")
			}
			before, began := peak(t), time.Now()
			module, err := engine.Compile(t.Context(), hostile.Code)
			took := time.Since(began)
			if took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if grown := peak(t) - before; grown > 100<<20 {
				t.Errorf("this process grew by %d MiB", grown>>20)
			}
			refused, ok := errors.AsType[*wasi.RefusedError](err)
			if !ok {
				t.Fatalf("got %v, %v after %v", module, err, took)
			}
			if hostile.Slow && !strings.Contains(refused.Error(), "limit for its size: split") {
				t.Errorf("refused without a bound and a mend: %v", refused)
			}
		})
	}
	if left := glob(t, cache, "incoming/*"); len(left) > 0 {
		t.Errorf("the children have left %v", left)
	}
}

// peak is the most memory that this process has held, in bytes.
func peak(t *testing.T) int64 {
	t.Helper()
	var usage syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Maxrss << 10
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	must(t, err)
	return names
}

// slow is a module that keeps a compiler busy for as long as it may.
func slow(t *testing.T) []byte {
	t.Helper()
	for _, hostile := range wasitest.Hostile() {
		if hostile.Slow {
			return hostile.Code
		}
	}
	t.Fatal("there is no slow module")
	return nil
}

// children waits until this process has n children, and returns their ids.
func children(t *testing.T, n int) []int {
	t.Helper()
	for range 400 {
		var ids []int
		for _, file := range glob(t, "/proc/self/task", "*/children") {
			text, _ := os.ReadFile(file) // a thread may have ended
			for word := range bytes.FieldsSeq(text) {
				id, err := strconv.Atoi(string(word))
				must(t, err)
				ids = append(ids, id)
			}
		}
		if len(ids) == n {
			return ids
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("there are not %d children", n)
	return nil
}

// A child that somebody ends is not the module's fault, and the next is fine.
func TestCompileKilled(t *testing.T) {
	engine := isolated(t, t.TempDir())
	failed := make(chan error, 1)
	go func() {
		_, err := engine.Compile(t.Context(), slow(t))
		failed <- err
	}()
	must(t, syscall.Kill(children(t, 1)[0], syscall.SIGKILL))
	if err := <-failed; !errors.Is(err, wasi.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	compiles(t, engine, wasitest.Guest("hello"))
}

// T27: at most two children prepare modules at once; others wait for their turn,
// and no longer than their context.
func TestTwoChildrenAtOnce(t *testing.T) {
	engine := isolated(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 3)
	for i := range 3 {
		go func() {
			// A custom section of another name makes each another module.
			_, err := engine.Compile(ctx, append(slow(t), 0, 3, 1, byte('a'+i), 0))
			failed <- err
		}()
	}
	children(t, 2)
	waiting, giveUp := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer giveUp()
	if _, err := engine.Compile(waiting, wasitest.Guest("hello")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who waits for a turn got %v", err)
	}
	if n := len(children(t, 2)); n != 2 {
		t.Errorf("%d children at once", n)
	}
	cancel()
	for range 3 {
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	children(t, 0)
	compiles(t, engine, wasitest.Guest("hello"))
}

// The cache of an isolated engine may be deleted or damaged too: a child mends it.
func TestIsolatedCacheMends(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, entry, note string){
		"nothing":         func(*testing.T, string, string) {},
		"entry gone":      func(t *testing.T, entry, _ string) { must(t, os.Remove(entry)) },
		"entry cut short": func(t *testing.T, entry, _ string) { must(t, os.Truncate(entry, 100)) },
		"entry changed":   func(t *testing.T, entry, _ string) { flip(t, entry) },
		// T5: code that is not this server's own is not run, whoever says so.
		"entry and its digest changed alike": func(t *testing.T, entry, note string) {
			before, err := os.ReadFile(entry)
			must(t, err)
			flip(t, entry)
			after, err := os.ReadFile(entry)
			must(t, err)
			text, err := os.ReadFile(note)
			must(t, err)
			digest := func(b []byte) []byte { return fmt.Appendf(nil, "%x", sha256.Sum256(b)) }
			forged := bytes.ReplaceAll(text, digest(before), digest(after))
			if bytes.Equal(text, forged) {
				t.Fatal("the note has no digest")
			}
			must(t, os.WriteFile(note, forged, 0o600))
		},
		"note gone":    func(t *testing.T, _, note string) { must(t, os.Remove(note)) },
		"note emptied": func(t *testing.T, _, note string) { must(t, os.Truncate(note, 0)) },
		"note leads outside": func(t *testing.T, _, note string) {
			must(t, os.WriteFile(note, []byte(`{"entry":"../../etc/passwd"}`), 0o600))
		},
		"all gone": func(t *testing.T, entry, _ string) {
			must(t, os.RemoveAll(filepath.Dir(filepath.Dir(entry))))
		},
		// As after a move to a machine with another processor.
		"entry of another name": func(t *testing.T, entry, note string) {
			other := filepath.Join(filepath.Dir(entry), strings.Repeat("0", 64))
			must(t, os.Rename(entry, other))
			text, err := os.ReadFile(note)
			must(t, err)
			must(t, os.WriteFile(note, bytes.ReplaceAll(text, []byte(filepath.Base(entry)), []byte(filepath.Base(other))), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			compiles(t, isolated(t, cache), wasitest.Guest("hello"))
			entry, note := glob(t, cache, "wazero-*/*"), glob(t, cache, "checked/v*/*")
			if len(entry) != 1 || len(note) != 1 {
				t.Fatalf("the cache has the entries %v, the notes %v", entry, note)
			}
			whole, err := os.ReadFile(entry[0])
			must(t, err)
			harm(t, entry[0], note[0])
			compiles(t, isolated(t, cache), wasitest.Guest("hello"))
			mended, err := os.ReadFile(entry[0])
			must(t, err)
			if !bytes.Equal(whole, mended) {
				t.Error("the entry is not what it was")
			}
			if left := glob(t, cache, "incoming/*"); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// T5: the cache is its owner's alone, and another key means another server.
func TestCacheIsPrivate(t *testing.T) {
	cache := t.TempDir()
	must(t, os.Chmod(cache, 0o777))
	compiles(t, isolated(t, cache), wasitest.Guest("hello"))
	info, err := os.Stat(cache)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the mode is %o", info.Mode().Perm())
	}
	entry := glob(t, cache, "wazero-*/*")[0]
	before, err := os.Stat(entry)
	must(t, err)
	other, err := wasi.New(t.Context(), wasi.Config{CacheDir: cache, CacheKey: []byte("another key"), Workers: 2, Isolated: true})
	must(t, err)
	defer other.Close(context.Background())
	compiles(t, other, wasitest.Guest("hello"))
	after, err := os.Stat(entry)
	must(t, err)
	if os.SameFile(before, after) {
		t.Error("code was taken that another server had put there")
	}
	if os.Geteuid() == 0 {
		must(t, os.Chown(cache, 65534, 65534))
		if _, err := wasi.New(t.Context(), wasi.Config{CacheDir: cache, CacheKey: []byte("a key"), Isolated: true}); err == nil {
			t.Error("a cache of another user was taken")
		}
	}
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(file, data, 0o600))
}

// T4: also with a cache that claims to have a module's code, none is compiled in
// this process.
func TestNothingCompilesHere(t *testing.T) {
	cache := t.TempDir()
	engine := isolated(t, cache)
	compiles(t, engine, wasitest.Guest("hello"))
	note, err := os.ReadFile(glob(t, cache, "checked/v*/*")[0])
	must(t, err)
	code := slow(t)
	must(t, os.WriteFile(filepath.Join(cache, "checked", fmt.Sprintf("v%d", instrument.Version), fmt.Sprintf("%x", sha256.Sum256(code))), note, 0o600))
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := engine.Compile(ctx, code)
		failed <- err
	}()
	children(t, 1) // the forged claim was tried, and cost next to nothing
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What is not valid is refused by the child in the words of the compiler.
func TestIsolatedInvalidModule(t *testing.T) {
	engine := isolated(t, t.TempDir())
	_, err := engine.Compile(t.Context(), invalidModule())
	if _, ok := errors.AsType[*wasi.RefusedError](err); !ok || !strings.Contains(err.Error(), "not valid") {
		t.Errorf("got %v", err)
	}
}

// A full disk, or one that cannot be written, is no fault of the module.
func TestIsolatedCacheFails(t *testing.T) {
	cache := t.TempDir()
	engine := isolated(t, cache)
	must(t, os.WriteFile(filepath.Join(cache, "incoming"), nil, 0o600))
	_, err := engine.Compile(t.Context(), wasitest.Guest("hello"))
	if _, refused := errors.AsType[*wasi.RefusedError](err); err == nil || refused {
		t.Errorf("got %v", err)
	}
}

// What a killed process has left is gone with the next start.
func TestIsolatedSweeps(t *testing.T) {
	cache := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(cache, "incoming", "child-1", "wazero"), 0o700))
	must(t, os.WriteFile(filepath.Join(cache, "incoming", "artefact-1"), nil, 0o600))
	isolated(t, cache)
	if left := glob(t, cache, "incoming/*"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
