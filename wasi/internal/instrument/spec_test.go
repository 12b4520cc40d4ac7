package instrument_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// command is one line of a test of the WebAssembly specification, as wast2json leaves it.
type command struct {
	Type, Name, Filename, As string
	Line                     int
	Action                   struct {
		Type, Module, Field string
		Args                []struct {
			Type     string
			LaneType string `json:"lane_type"`
			Value    any
		}
	}
}

// side is one of the two machines that a script runs on: with modules as they are, or instrumented.
type side struct {
	*machine
	instrumented bool
	current      api.Module
	named        map[string]api.Module
}

// specDirectories returns the directories of specification tests that come with wazero. Those of version 1 are in 2 again.
func specDirectories(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	root := strings.TrimSpace(string(out))
	if err != nil || root == "" {
		t.Skipf("wazero's source is not in the module cache: %v", err)
	}
	var dirs []string
	for _, dir := range []string{"v2", "extended-const", "tail-call", "threads"} {
		dirs = append(dirs, filepath.Join(root, "internal/integration_test/spectest", dir, "testdata"))
	}
	return dirs
}

// TestSpecification runs the specification's scripts on modules as they are and on instrumented ones: every call has the
// same results or the same trap, and the memories are the same in the end.
func TestSpecification(t *testing.T) {
	for _, dir := range specDirectories(t) {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			scripts, err := filepath.Glob(filepath.Join(dir, "*.json"))
			if err != nil || len(scripts) == 0 {
				t.Fatalf("no tests in %s: %v", dir, err)
			}
			calls, skipped := 0, 0
			for _, path := range scripts {
				c, s := runScript(t, path)
				calls, skipped = calls+c, skipped+s
			}
			t.Logf("%d calls compared, %d commands skipped", calls, skipped)
			if calls < 20*skipped {
				t.Error("too much is skipped")
			}
		})
	}
}

func runScript(t *testing.T, path string) (calls, skipped int) {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var script struct{ Commands []command }
	if err := json.Unmarshal(content, &script); err != nil {
		t.Fatal(err)
	}
	sides := [2]*side{newSide(t, path, false), newSide(t, path, true)}
	for i, c := range script.Commands {
		switch {
		case c.Type == "module" || c.Filename != "" && strings.HasPrefix(c.Type, "assert_un") || c.Type == "assert_trap" && c.Filename != "":
			plain := sides[0].load(t, path, c, alias(script.Commands[i:], c))
			other := sides[1].load(t, path, c, alias(script.Commands[i:], c))
			if (plain == nil) != (other == nil) {
				skipped++ // it needs what the other instances have, or what a script says about them
				if plain != nil || !refused(other) {
					t.Errorf("%s:%d: plain: %v, instrumented: %v", path, c.Line, plain, other)
				}
				// It might have changed what the others have.
				for _, s := range sides {
					s.current, s.named = nil, map[string]api.Module{}
				}
			}
		case c.Action.Type == "invoke":
			if sides[0].module(c) == nil || sides[1].module(c) == nil {
				skipped++
				continue
			}
			calls++
			want, got := sides[0].invoke(c), sides[1].invoke(c)
			if want != got {
				t.Errorf("%s:%d: %s: plain %s, instrumented %s", filepath.Base(path), c.Line, c.Action.Field, want, got)
			}
		}
	}
	if a, b := sides[0].current, sides[1].current; a != nil && b != nil {
		compareMemories(t, a, b)
	}
	for _, s := range sides {
		_ = s.runtime.Close(context.Background())
	}
	return calls, skipped
}

func refused(err error) bool {
	var refused *instrument.RefusedError
	return errors.As(err, &refused)
}

// alias returns the name under which a module is registered later.
func alias(rest []command, module command) string {
	for i, c := range rest[1:] {
		if c.Type == "register" && c.Name == module.Name && (c.Name != "" || i == 0) {
			return c.As
		}
	}
	return ""
}

func newSide(t *testing.T, path string, instrumented bool) *side {
	s := &side{
		machine:      newMachine(t, wazero.NewRuntimeConfigCompiler()),
		instrumented: instrumented, named: map[string]api.Module{},
	}
	code, err := os.ReadFile(filepath.Join(filepath.Dir(path), "../../testdata/spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.runtime.InstantiateWithConfig(context.Background(), code,
		wazero.NewModuleConfig().WithName("spectest")); err != nil {
		t.Fatal(err)
	}
	return s
}

// load makes an instance of a module, and makes it current.
func (s *side) load(t *testing.T, path string, c command, name string) error {
	t.Helper()
	s.current = nil
	code, err := os.ReadFile(filepath.Join(filepath.Dir(path), c.Filename))
	if err != nil || !strings.HasSuffix(c.Filename, ".wasm") {
		return err
	}
	ctx := context.Background()
	p := &instrument.Prepared{Code: code}
	if s.instrumented {
		options := instrument.DefaultOptions("arm64")
		options.Bound = 100
		if p, err = instrument.Instrument(code, options); err != nil {
			return err
		}
	}
	mod, err := s.runtime.InstantiateWithConfig(ctx, p.Code, wazero.NewModuleConfig().WithName(name))
	if err != nil {
		return err
	}
	for _, d := range p.Data {
		if !mod.ExportedMemory(p.Memory).Write(d.Offset, d.Bytes) {
			return fmt.Errorf("no room for data at %d", d.Offset)
		}
	}
	if p.Start != "" {
		if _, err := mod.ExportedFunction(p.Start).Call(ctx); err != nil {
			return err
		}
	}
	if s.current = mod; c.Name != "" {
		s.named[c.Name] = mod
	}
	return nil
}

func (s *side) module(c command) api.Module {
	if c.Action.Module != "" {
		return s.named[c.Action.Module]
	}
	return s.current
}

// invoke calls a function and returns its results or its trap.
func (s *side) invoke(c command) string {
	mod := s.module(c)
	var args []uint64
	for _, a := range c.Action.Args {
		args = append(args, values(a.Type, a.LaneType, a.Value)...)
	}
	f := mod.ExportedFunction(c.Action.Field)
	if f == nil {
		return "no such function"
	}
	if s.instrumented && mod.ExportedGlobal(instrument.MeterExport) != nil {
		mod.ExportedGlobal(instrument.MeterExport).(api.MutableGlobal).Set(uint64(instrument.NewMeter(1000)))
	}
	results, err := f.Call(context.Background(), args...)
	if err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		if errors.Is(err, errExhausted) {
			message = "stack overflow"
		}
		return strings.TrimSuffix(message, " (recovered by wazero)")
	}
	for i, t := range f.Definition().ResultTypes() {
		if t == 0x70 && i < len(results) && results[i] != 0 { // an address
			results[i] = 1
		}
	}
	return fmt.Sprintf("%#x", results)
}

// values returns an argument as wazero wants it.
func values(kind, lanes string, value any) []uint64 {
	if kind != "v128" {
		text, _ := value.(string)
		n, _ := strconv.ParseUint(text, 10, 64) // a reference may be "null"
		return []uint64{n}
	}
	out := make([]uint64, 2)
	list, _ := value.([]any)
	bits := 128 / len(list)
	for i, lane := range list {
		n, _ := strconv.ParseUint(lane.(string), 10, 64)
		if bits < 64 {
			n &= 1<<bits - 1
		}
		out[i*bits/64] |= n << (i * bits % 64)
	}
	return out
}

func compareMemories(t *testing.T, plain, other api.Module) {
	t.Helper()
	a, b := plain.Memory(), other.Memory()
	if len(other.ExportedMemoryDefinitions()) == 0 {
		return
	}
	if a.Size() != b.Size() {
		t.Fatalf("the memory has %d bytes, not %d", b.Size(), a.Size())
	}
	x, _ := a.Read(0, a.Size())
	y, _ := b.Read(0, b.Size())
	if !bytes.Equal(x, y) {
		i := 0
		for x[i] == y[i] {
			i++
		}
		t.Fatalf("the memory differs at %d", i)
	}
}
