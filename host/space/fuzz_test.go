package space_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// FuzzParseSpacefile holds that any text is either refused with faults that say something, or keeps all rules.
func FuzzParseSpacefile(f *testing.F) {
	for _, seed := range []string{
		"", oneMicro, "v: 0\nmicros: [", "a: &a [*a]", "{v: 0, micros: [{name: a, src: b, engine: wasm, path: c, run: d e}]}",
		"v: 0\nmicros:\n  - &x {name: a, src: ., engine: wasm}\n  - *x\n", "? [a]\n: b\n", "!!binary x: y", "---\n---\n",
		"v: 0\nmicros:\n- {name: a, src: ., engine: wasm, primary: true}\n- {name: b, src: ., engine: wasm, path: /x/y}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := space.ParseSpacefile(text)
		if err != nil {
			var e *space.Error
			if !errors.As(err, &e) || e.Code != space.CodeRefused || len(e.Faults) == 0 {
				t.Fatalf("unexpected error %v", err)
			}
			for _, fault := range e.Faults {
				if fault.Message == "" || fault.File != space.SpacefileName || fault.Line < 0 {
					t.Fatalf("the fault %+v says nothing", fault)
				}
			}
			return
		}
		checkRules(t, file)
	})
}

func checkRules(t *testing.T, file *space.Spacefile) {
	t.Helper()
	if n := len(file.Micros); n < 1 || n > space.MaxMicros {
		t.Fatalf("%d micros", n)
	}
	names, paths := map[string]bool{}, map[string]bool{}
	for _, m := range file.Micros {
		names[strings.ToLower(m.Name)] = true
		paths[m.Path] = true
		if m.Engine == "" || (len(m.Run) == 0) != m.Engine.IsStatic() || m.Line < 1 || m.Primary != (m.Path == "/") || !strings.HasPrefix(m.Path, "/") {
			t.Fatalf("a micro breaks the rules: %+v", m)
		}
		for _, file := range append([]string{m.Src, m.Serve + ".", m.Fallback + "."}, m.Run[:min(1, len(m.Run))]...) {
			if file == "" || strings.HasPrefix(file, "/") || file == ".." || strings.HasPrefix(file, "../") || strings.Contains(file, "\\") {
				t.Fatalf("%q is not within the project", file)
			}
		}
	}
	if len(names) != len(file.Micros) || len(paths) != len(file.Micros) || !paths["/"] {
		t.Fatalf("names or paths are not unique: %+v", file.Micros)
	}
}
