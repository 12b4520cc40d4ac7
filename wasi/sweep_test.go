package wasi_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// Of the code cache stays what is wanted, and what is loaded stays loaded.
func TestKeepCode(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	engine := isolated(t, cache)
	digests := map[string]string{}
	for _, name := range []string{"hello", "state", "echo"} {
		module, err := engine.Compile(t.Context(), wasitest.Guest(name))
		must(t, err)
		digests[name] = module.Digest()
		if name == "echo" { // which is still loaded when its code goes
			defer func() {
				i, err := module.NewInstance(t.Context(), newBench(t).config)
				must(t, err)
				serves(t, i, "")
				must(t, errors.Join(i.Close(), module.Close(context.Background())))
			}()
			continue
		}
		must(t, module.Close(t.Context()))
	}
	must(t, os.MkdirAll(filepath.Join(cache, "code", "v0"), 0o700))
	must(t, os.MkdirAll(filepath.Join(cache, "wazero-old"), 0o700))
	count := func() [3]int {
		return [3]int{len(glob(t, cache, "wazero-*")), len(glob(t, cache, "code/v*/*")), len(glob(t, cache, "code/*"))}
	}
	before := count()
	if before != [3]int{1, 3, 2} {
		t.Fatalf("the cache holds %v", before)
	}
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(cache, link))
	must(t, isolated(t, link).KeepCode(nil))
	must(t, isolated(t, link).KeepSnapshots(nil))
	if got := count(); got != before {
		t.Errorf("by a link: %v", got)
	}
	must(t, engine.KeepCode([]string{digests["hello"], digests["hello"], "no such module", ""}))
	if got := count(); got != [3]int{0, 1, 1} {
		t.Errorf("the cache holds %v", got)
	}
	module, err := engine.Load(t.Context(), wasitest.Guest("hello"))
	must(t, err)
	must(t, module.Close(t.Context()))
	if _, err := engine.Load(t.Context(), wasitest.Guest("state")); !errors.Is(err, wasi.ErrUnprepared) {
		t.Errorf("what is gone: %v", err)
	}
	compiles(t, engine, wasitest.Guest("state"))
	must(t, engine.KeepCode(nil))
	if got := count(); got[0] != 0 || got[1] != 0 {
		t.Errorf("nothing is wanted, and the cache holds %v", got)
	}
}
