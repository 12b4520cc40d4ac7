package wasi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
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

// read is the content of a file.
func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return content
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
	for name, harm := range map[string]func(t *testing.T, file string){
		"nothing":   func(*testing.T, string) {},
		"gone":      func(t *testing.T, file string) { must(t, os.Remove(file)) },
		"cut short": func(t *testing.T, file string) { must(t, os.Truncate(file, 100)) },
		"emptied":   func(t *testing.T, file string) { must(t, os.Truncate(file, 0)) },
		"longer": func(t *testing.T, file string) {
			must(t, os.WriteFile(file, append(read(t, file), make([]byte, 100)...), 0o600))
		},
		// T5: code that is not this server's own is not run, whatever stands behind it.
		"changed": flip,
		"another module's": func(t *testing.T, file string) {
			compiles(t, isolated(t, filepath.Dir(filepath.Dir(filepath.Dir(file)))), wasitest.Guest("echo"))
			for _, other := range glob(t, filepath.Dir(file), "*") {
				if other != file {
					must(t, os.Rename(other, file))
				}
			}
		},
		"all gone": func(t *testing.T, file string) { must(t, os.RemoveAll(filepath.Dir(filepath.Dir(file)))) },
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			compiles(t, isolated(t, cache), wasitest.Guest("hello"))
			files := glob(t, cache, "code/v*/*")
			if len(files) != 1 {
				t.Fatalf("the cache has %v", files)
			}
			whole := read(t, files[0])
			harm(t, files[0])
			compiles(t, isolated(t, cache), wasitest.Guest("hello"))
			if !bytes.Equal(whole, read(t, files[0])) {
				t.Error("the file is not what it was")
			}
			if left := slices.Concat(glob(t, cache, "incoming/*"), glob(t, cache, "offers/*/*/*")); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// T1: where a stub cannot be loaded, or comes without code, the module itself is.
func TestStubFailsOver(t *testing.T) {
	code := wasitest.Guest("hello")
	for name, change := range map[string]func(content []byte) []byte{
		"nothing": func(b []byte) []byte { return b },
		// The length of the stub's export section.
		"a stub that is no module": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\x00asm"), []byte("\x00wsm")) },
		// It is then looked for where there is nothing.
		"a stub of another module": func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("spacewasm:stub"), []byte("spacewasm:stab"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			compiles(t, isolated(t, cache), code)
			engine := isolated(t, cache)
			must(t, wasi.Republish(engine, fmt.Sprintf("%x", sha256.Sum256(code)), change))
			module, err := engine.Load(t.Context(), code)
			must(t, err)
			if whole := wasi.Whole(module); whole != (name != "nothing") {
				t.Errorf("the module itself was loaded: %v", whole)
			}
			must(t, module.Close(t.Context()))
			compiles(t, engine, code)
		})
	}
}

// T1: two modules of which one has the stub of the other, but for the digest in it, both
// live and both asleep and awake again, do each what it is to do.
func TestSameStub(t *testing.T) {
	cache := t.TempDir()
	engine := isolated(t, cache)
	codes := map[string][]byte{}
	for length, answer := range []string{30: "hell", 31: "hello"} {
		if answer != "" {
			codes[answer] = saying(t, byte(length))
		}
	}
	for range 3 {
		modules := map[string]*wasi.Module{}
		for answer, code := range codes {
			module, err := engine.Compile(t.Context(), code)
			must(t, err)
			if wasi.Whole(module) {
				t.Error("a module was not loaded by its stub")
			}
			modules[answer] = module
		}
		for answer, module := range modules {
			i, err := module.NewInstance(t.Context(), newBench(t).config)
			must(t, err)
			if got := serves(t, i, ""); got != answer {
				t.Errorf("got %q, want %q", got, answer)
			}
			must(t, errors.Join(i.Close(), module.Close(t.Context())))
		}
	}
}

// saying is a guest whose answer has so many bytes, of 32.
func saying(t *testing.T, length byte) []byte {
	t.Helper()
	code := wasitest.Guest("hello")
	at := bytes.LastIndex(code, []byte("\x41\x20\x10")) // i32.const 32, call
	if at < 0 {
		t.Fatal("the guest has changed")
	}
	code = bytes.Clone(code)
	code[at+1] = length
	return code
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
	file := glob(t, cache, "code/v*/*")[0]
	before, err := os.Stat(file)
	must(t, err)
	other, err := wasi.New(t.Context(), wasi.Config{CacheDir: cache, CacheKey: []byte("another key"), Workers: 2, Isolated: true})
	must(t, err)
	defer other.Close(context.Background())
	compiles(t, other, wasitest.Guest("hello"))
	after, err := os.Stat(file)
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
	file := glob(t, cache, "code/v*/*")[0]
	code := slow(t)
	must(t, os.WriteFile(filepath.Join(filepath.Dir(file), fmt.Sprintf("%x", sha256.Sum256(code))), read(t, file), 0o600))
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
	must(t, os.MkdirAll(filepath.Join(cache, "offers", "killed"), 0o700))
	isolated(t, cache)
	if left := slices.Concat(glob(t, cache, "incoming/*"), glob(t, cache, "offers/killed")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A module that is in memory, and whose file is gone, is compiled again: it has to be
// there when it is next asked for.
func TestCompileOfWhatIsLoaded(t *testing.T) {
	cache := t.TempDir()
	engine := isolated(t, cache)
	held, err := engine.Compile(t.Context(), wasitest.Guest("hello"))
	must(t, err)
	defer held.Close(context.Background())
	must(t, os.Remove(glob(t, cache, "code/v*/*")[0]))
	if engine.Prepared(held.Digest()) {
		t.Error("it is prepared without its file")
	}
	compiles(t, engine, wasitest.Guest("hello"))
	if !engine.Prepared(held.Digest()) {
		t.Error("its file was not made again")
	}
}
