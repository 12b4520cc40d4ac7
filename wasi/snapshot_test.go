package wasi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// initialisation is that of the guest wizer in one of its modes, with a bundle that
// has the file it looks for.
func initialisation(t *testing.T, mode string) wasi.Initialisation {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "data.txt"), []byte("0123456789"), 0o600))
	bundle, err := os.OpenRoot(dir)
	must(t, err)
	t.Cleanup(func() { must(t, bundle.Close()) })
	return wasi.Initialisation{
		Owner: "app 1 main", Bundle: "some digest", Code: coded("wizer"), Timeout: 500 * time.Millisecond,
		Instance: wasi.InstanceConfig{
			Args: []string{"main.wasm"}, Env: []string{"INIT=" + mode}, Bundle: bundle, TmpDir: t.TempDir(),
			Limits: wasi.Limits{Memory: 16 << 20, Tmp: 1 << 20, TmpInodes: 10, Response: 1 << 20},
		},
	}
}

// coded reads a guest again.
func coded(guest string) func() ([]byte, error) {
	return func() ([]byte, error) { return wasitest.Guest(guest), nil }
}

// engines are those that initialise here, and in a child.
func engines(t *testing.T) map[string]*wasi.Engine {
	return map[string]*wasi.Engine{"here": newBench(t).engine, "apart": isolated(t, t.TempDir())}
}

func wizer(t *testing.T, engine *wasi.Engine) *wasi.Module {
	t.Helper()
	module, err := engine.Compile(t.Context(), wasitest.Guest("wizer"))
	must(t, err)
	t.Cleanup(func() { must(t, module.Close(context.Background())) })
	return module
}

// serves returns the answer to a request with the query.
func serves(t *testing.T, i *wasi.Instance, query string) string {
	t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/?"+query, nil)
	var log strings.Builder
	if err := i.Serve(rec, r, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	return strings.TrimSpace(rec.Body.String())
}

// What an initialiser did is there in every request, and what requests did is not.
// Where it cannot be kept, it is done again for each.
func TestSnapshot(t *testing.T) {
	for kind, engine := range engines(t) {
		module := wizer(t, engine)
		for mode, c := range map[string]struct{ reason, answer string }{
			"":      {"", "stdin open"},
			"gone":  {"", "stdin open"},
			"stdin": {"", "stdin closed"},
			"tmp":   {"left files in /tmp", "stdin open"},
			"open":  {`the file "open" is open`, "stdin open"},
		} {
			t.Run(kind+" "+mode, func(t *testing.T) {
				config := initialisation(t, mode)
				s, err := module.Initialise(t.Context(), config)
				must(t, err)
				if s.Taken() != (c.reason == "") || !strings.Contains(s.Reason(), c.reason) {
					t.Fatalf("taken %v: %s", s.Taken(), s.Reason())
				}
				if s.Log() != strings.TrimSpace("initialising "+mode) || s.Took() <= 0 {
					t.Errorf("it said %q in %v", s.Log(), s.Took())
				}
				if s.Taken() && (strings.Join(s.Drew(), " ") != "randomness" || s.Bytes() < 3<<20) {
					t.Errorf("it drew %q, and has %d bytes", s.Drew(), s.Bytes())
				}
				config.Instance.Snapshot = s
				seeds := map[string]bool{}
				for range 3 {
					i, err := module.NewInstance(t.Context(), config.Instance)
					must(t, err)
					for _, query := range []string{"a=1", "b=2", "c=3"} {
						got := serves(t, i, query)
						seed := regexp.MustCompile(` seed ([0-9a-f]+)`).FindStringSubmatch(got)
						if !strings.Contains(got, "count 42 block 1 file 3456 query "+query) ||
							!strings.Contains(got, "clock on "+c.answer) || seed == nil {
							t.Errorf("answered %q", got)
						}
						seeds[seed[1]] = true
						must(t, i.Reset())
					}
					must(t, i.Close())
				}
				if (len(seeds) == 1) != s.Taken() {
					t.Errorf("%d seeds", len(seeds))
				}
				for range 2 {
					must(t, s.Close())
				}
			})
		}
	}
}

// An initialiser that fails is a refusal that says how, and what it said.
func TestInitialiserFails(t *testing.T) {
	for kind, engine := range engines(t) {
		module := wizer(t, engine)
		for mode, want := range map[string]string{
			"exit":  "did not end well: the program exited",
			"fail":  "the program exited with status 3",
			"trap":  "unreachable",
			"spin":  "ran out of time",
			"hoard": "ran out of memory: its limit is 16 MiB",
		} {
			t.Run(kind+" "+mode, func(t *testing.T) {
				_, err := module.Initialise(t.Context(), initialisation(t, mode))
				refused, ok := errors.AsType[*wasi.RefusedError](err)
				if !ok || !strings.Contains(refused.Error(), want) || !strings.Contains(refused.Error(), "it said: initialising "+mode) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// T2: a snapshot is found again by whom it was taken for, while all that the guest
// could see is the same, and by nobody else; nor is one that was damaged, or is
// another's file.
func TestSnapshotIsKept(t *testing.T) {
	cache := t.TempDir()
	engine := isolated(t, cache)
	module := wizer(t, engine)
	seed := func(config wasi.Initialisation) string {
		t.Helper()
		s, err := module.Initialise(t.Context(), config)
		must(t, err)
		defer func() { must(t, s.Close()) }()
		config.Instance.Snapshot = s
		i, err := module.NewInstance(t.Context(), config.Instance)
		must(t, err)
		defer func() { must(t, i.Close()) }()
		_, seed, _ := strings.Cut(serves(t, i, ""), " seed ")
		return seed
	}
	config := initialisation(t, "")
	if s, err := module.LoadSnapshot(t.Context(), config); !errors.Is(err, wasi.ErrUnprepared) {
		t.Errorf("before any was taken: %v, %v", s, err)
	}
	first := seed(config)
	if seed(config) != first {
		t.Error("a snapshot was not found again")
	}
	other := config
	other.Owner = "app 2 main"
	second := seed(other)
	for name, change := range map[string]func(*wasi.Initialisation){
		"environment": func(c *wasi.Initialisation) { c.Instance.Env = []string{"INIT=", "SECRET=another"} },
		"bundle":      func(c *wasi.Initialisation) { c.Bundle = "another digest" },
		"limits":      func(c *wasi.Initialisation) { c.Instance.Limits.Tmp++ },
	} {
		changed := config
		change(&changed)
		if got := seed(changed); got == first || got == second {
			t.Errorf("with another %s the snapshot was used", name)
		}
	}
	first = seed(config) // anew, as an owner has one
	if second == first {
		t.Error("a snapshot was used for another owner")
	}

	files := glob(t, cache, "snapshots/*/*")
	if len(files) != 2 { // T9: what was before is gone
		t.Fatalf("kept %v", files)
	}
	content := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		if strings.Contains(string(text), "SECRET") || strings.Contains(string(text), "bbbbbbbb") {
			t.Error("what is kept is not sealed")
		}
		content[file] = text
	}
	for name, damage := range map[string]func(file string, text []byte) []byte{
		"cut short": func(_ string, text []byte) []byte { return text[:len(text)-1000] },
		"altered": func(_ string, text []byte) []byte {
			text[len(text)/2] ^= 1
			return text
		},
		"empty": func(string, []byte) []byte { return nil },
		"another's": func(file string, _ []byte) []byte {
			for other, text := range content {
				if other != file {
					return text
				}
			}
			return nil
		},
	} {
		for file, text := range content {
			must(t, os.WriteFile(file, damage(file, append([]byte(nil), text...)), 0o600))
		}
		again := seed(config)
		if again == first {
			t.Errorf("%s: it was used", name)
		}
		if seed(config) != again {
			t.Errorf("%s: it was not taken anew", name)
		}
	}

	must(t, engine.KeepSnapshots([]string{config.Owner, "nobody"}))
	if left := glob(t, cache, "snapshots/*"); len(left) != 1 {
		t.Errorf("of the owner's alone are left %v", left)
	}
	must(t, engine.KeepSnapshots(nil))
	if left := glob(t, cache, "snapshots/*"); len(left) != 0 {
		t.Errorf("of nobody's are left %v", left)
	}
}

// An export that is called as an entry point would be, and is no function, is none.
func TestResumeIsNoFunction(t *testing.T) {
	for kind, engine := range engines(t) {
		module, err := engine.Compile(t.Context(), wasitest.Guest("wizer-resume"))
		must(t, err)
		defer module.Close(context.Background())
		config := initialisation(t, "")
		config.Code = coded("wizer-resume")
		config.Instance.Snapshot, err = module.Initialise(t.Context(), config)
		must(t, err)
		i, err := module.NewInstance(t.Context(), config.Instance)
		must(t, err)
		if got := serves(t, i, ""); !config.Instance.Snapshot.Taken() || got != "5" {
			t.Errorf("%s: it answers %q", kind, got)
		}
		must(t, i.Close())
		must(t, config.Instance.Snapshot.Close())
	}
}

// T19: a snapshot takes what it holds from the budget, and gives it back; where that
// has no room there is none, and the module is served all the same.
func TestSnapshotIsCharged(t *testing.T) {
	for kind, engine := range engines(t) {
		module := wizer(t, engine)
		for _, limit := range []int64{64 << 20, 1 << 20} {
			budget := &wasitest.Budget{Limit: limit}
			config := initialisation(t, "")
			config.Instance.Budgets.Memory = budget
			if kind == "here" {
				config.Instance.Budgets.Memory = nil // of which the initialiser's own instance would take
			}
			s, err := module.Initialise(t.Context(), config)
			must(t, err)
			room := limit > 3<<20 || kind == "here"
			if s.Taken() != room || (!room && !strings.Contains(s.Reason(), "no memory left")) {
				t.Errorf("%s: of %d bytes: taken %v, %s", kind, limit, s.Taken(), s.Reason())
			}
			if kind == "apart" && room && (budget.Used < 3<<20 || budget.Used > int64(s.Bytes())) {
				t.Errorf("%d bytes are charged for %d", budget.Used, s.Bytes())
			}
			must(t, s.Close())
			if budget.Used != 0 {
				t.Errorf("%s: %d bytes are left over", kind, budget.Used)
			}
		}
	}
}

// T24: nothing is initialised where the disk has no room for what that may write.
func TestInitialiserNeedsRoom(t *testing.T) {
	asked := int64(0)
	engine, err := wasi.New(t.Context(), wasi.Config{
		CacheDir: t.TempDir(), CacheKey: []byte("key"), Isolated: true, Room: func(n int64) bool {
			asked = n
			return false
		},
	})
	must(t, err)
	t.Cleanup(func() { must(t, engine.Close(context.Background())) })
	if _, err := wizer(t, engine).Initialise(t.Context(), initialisation(t, "")); !errors.Is(err, wasi.ErrNoDisk) || asked < 16<<20 {
		t.Errorf("asked for %d bytes: %v", asked, err)
	}
}

// T33: the monotonic clock goes on from the snapshot's in each request.
func TestClockGoesOn(t *testing.T) {
	module := wizer(t, newBench(t).engine)
	config := initialisation(t, "")
	s, err := module.Initialise(t.Context(), config)
	must(t, err)
	defer s.Close()
	config.Instance.Snapshot = s
	i, err := module.NewInstance(t.Context(), config.Instance)
	must(t, err)
	defer i.Close()
	for range 20 {
		if got := serves(t, i, ""); !strings.Contains(got, "clock on") {
			t.Fatal(got)
		}
		must(t, i.Reset())
	}
}

// A module whose state a snapshot cannot hold has none, and answers as if it had.
func TestUnfit(t *testing.T) {
	for guest, c := range map[string]struct{ reason, answer string }{
		"hello":        {"no initialiser", "hello"},
		"wizer-table":  {"change its tables", "5"},
		"wizer-drop":   {"drop its data segments", "5"},
		"wizer-vector": {"a type that a host cannot set", "5"},
	} {
		for kind, engine := range engines(t) {
			t.Run(kind+" "+guest, func(t *testing.T) {
				config := initialisation(t, "")
				config.Code = coded(guest)
				module, err := engine.Compile(t.Context(), wasitest.Guest(guest))
				must(t, err)
				defer func() { must(t, module.Close(context.Background())) }()
				s, err := module.Initialise(t.Context(), config)
				if err != nil || s.Taken() || !strings.Contains(s.Reason(), c.reason) {
					t.Fatalf("%v, %+v", err, s)
				}
				config.Instance.Snapshot = s
				i, err := module.NewInstance(t.Context(), config.Instance)
				must(t, err)
				for range 2 {
					if got := serves(t, i, ""); got != c.answer {
						t.Errorf("answered %q", got)
					}
					must(t, i.Reset())
				}
				must(t, i.Close())
				must(t, s.Close())
			})
		}
	}
}
