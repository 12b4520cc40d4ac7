package wasi_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// inspect returns a report with the faults of a module, be it one or not.
func inspect(t *testing.T, engine *wasi.Engine, code []byte) *wasi.Report {
	t.Helper()
	report, err := engine.Inspect(code)
	refused, ok := errors.AsType[*wasi.RefusedError](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	if ok {
		if report == nil {
			report = &wasi.Report{}
		}
		report.Faults = refused.Faults
	}
	return report
}

// Modules that compilers have made are known for theirs.
func TestMakers(t *testing.T) {
	engine, dir := newBench(t).engine, corpus(t)
	const testdata = "imports/wasi_snapshot_preview1/testdata/"
	for file, want := range map[string]string{
		testdata + "tinygo/wasi.wasm":                        "Go by TinyGo 0.35.0",
		testdata + "cargo-wasi/wasi.wasm":                    "Rust by rustc 1.84.0",
		testdata + "zig-cc/wasi.wasm":                        "C by clang 16.0.6",
		testdata + "zig/wasi.wasm":                           " by ",
		"examples/allocation/rust/testdata/greet.wasm":       "Rust by rustc 1.84.0",
		"experimental/testdata/pthread.wasm":                 "C by clang 16.0.0",
		"imports/assemblyscript/example/testdata/index.wasm": "AssemblyScript by ",
		"imports/emscripten/testdata/grow.wasm":              "C by Emscripten",
		"imports/emscripten/testdata/invoke.wasm":            "C by Emscripten",
	} {
		code, err := os.ReadFile(filepath.Join(dir, file))
		must(t, err)
		if r := inspect(t, engine, code); r.Language+" by "+r.Compiler != want {
			t.Errorf("%s is %s by %s, want %s", file, r.Language, r.Compiler, want)
		}
	}
}

// What a module says of itself is told in words of bounded length that a terminal
// can be shown, and what it leaves behind counts where it says nothing.
func TestMakersBySigns(t *testing.T) {
	engine := newBench(t).engine
	nothing := command()
	for _, c := range []struct {
		name, want string
		code       []byte
	}{
		{"nothing", " by ", nothing},
		{"of Go", "Go by Go cmd/compile go1.26", slices.Concat(nothing, madeBy("Go Go~cmd/compile go1.26"))},
		{"of Go, without its word", "Go by ", slices.Concat(nothing, section(0, text("go:buildid"), []byte("x")))},
		{"of Go, for a browser", "Go by ", exporting([]string{"run", "resume", "getsp"}, "gojs runtime.wasmExit")},
		{"of TinyGo, for a browser", "Go by TinyGo", command("gojs runtime.ticks")},
		{"of Rust, for a browser", "Rust by ", command("wbg __wbg_log_1")},
		{"of C", "C by clang 19.1", slices.Concat(nothing, madeBy("C11 clang 19.1 (https://github.com/llvm abc)"))},
		{"of C, by another's clang", "C by Debian clang 14", slices.Concat(nothing, madeBy("- Debian~clang 14"))},
		{"of C++", "C++ by clang 19", slices.Concat(nothing, madeBy("C_plus_plus_17 clang 19"))},
		{"of wasi-libc", "C by ", exporting([]string{"_start", "__main_void"})},
		{"of AssemblyScript", "AssemblyScript by ", exporting([]string{"_start", "__new", "__pin", "__rtti_base"})},
		{"of a library of AssemblyScript's", "AssemblyScript by ", slices.Concat(nothing, section(0, text("x"), []byte("~\x00l\x00i\x00b\x00/\x00")))},
		{"of another language", "Swift by swiftc 6", slices.Concat(nothing, madeBy("Swift swiftc 6"))},
		{"an abort that is not AssemblyScript's", " by ", command("env abort")},
		{"escapes", "?[31mred? by x ??", slices.Concat(nothing, madeBy("\x1b[31mred\u202e x \x07\x00"))},
		{"too many words", strings.Repeat("x", 60) + "… by " + strings.Repeat("y", 60) + "… 1", slices.Concat(nothing,
			madeBy(strings.Repeat("x", 150)+" "+strings.Repeat("y", 150)+" 1"))},
		{"too many to read", " by ", slices.Concat(nothing, madeBy(strings.Repeat("x", 5000)))},
	} {
		if r := inspect(t, engine, slices.Clone(c.code)); r.Language+" by "+r.Compiler != c.want {
			t.Errorf("%s: it is %q by %q, want %q", c.name, r.Language, r.Compiler, c.want)
		}
	}
}

// Each fault says which flag of the compiler mends it.
func TestMends(t *testing.T) {
	engine := newBench(t).engine
	const golang, tiny, rust, clang, script, none = "Go Go~cmd/compile go1.26", "- TinyGo 0.41", "Rust rustc 1.84", "C11 clang 19", "AssemblyScript asc 1", ""
	memory := func(flags ...byte) []byte {
		return assemble(section(2, []byte{1}, text("env"), text("memory"), []byte{2}, flags))
	}
	tag, table64 := assemble(section(13)), assemble(section(5, []byte{1, 4, 1}))
	relaxed := assemble(section(1, []byte{1, 0x60, 0, 0}), section(3, []byte{1, 0}), section(10, []byte{1}, sized([]byte{0, 0xfd, 0x80, 2, 0x0b})))
	twoMemories := assemble(section(5, []byte{2, 0, 1, 0, 1}))
	noEntry, reactor := exporting([]string{"greet"}), exporting([]string{"_initialize", "go", "Handle-Request"})
	foreign := command("env foo")
	hidden := assemble(section(1, []byte{1, 0x60, 0, 0}), section(3, []byte{1, 0}), section(7, []byte{1}, text("_start"), []byte{0, 0}), section(10, []byte{1, 2, 0, 0x0b}))
	bindgen, js := command("wbg log"), exporting([]string{"run", "getsp"}, "gojs runtime.wasmExit", "gojs runtime.wasmWrite")
	half := exporting([]string{"handle_request"})
	component := []byte("\x00asm\x0d\x00\x01\x00")
	for _, c := range []struct {
		name, maker string
		code        []byte
		want        []string
	}{
		{"no entry", none, noEntry, []string{"no entry point", "_start", "handle_request", "it exports greet;"}},
		{"a reactor", none, reactor, []string{"_initialize, Handle-Request and 1 others, as a reactor does"}},
		{"no entry", golang, noEntry, []string{"GOOS=wasip1 GOARCH=wasm go build", "-buildmode=c-shared"}},
		{"no entry", tiny, noEntry, []string{"-target=wasip1", "-buildmode=c-shared"}},
		{"no entry", rust, noEntry, []string{"--target wasm32-wasip1", `crate-type = ["cdylib"]`}},
		{"no entry", clang, noEntry, []string{"--target=wasm32-wasip1", "-mexec-model=reactor"}},
		{"no entry", script, noEntry, []string{"wasi-shim", "handle_request(): i64"}},
		{"half a handler", rust, half, []string{"no function handle_response", "#[no_mangle]", "handle_request has the wrong type"}},
		{"for a browser", golang, js, []string{"gojs.runtime.wasmExit is a function of JavaScript, and 1 more of its module", "GOOS=wasip1", "GOOS=js"}},
		{"for a browser", tiny, js, []string{"-target=wasip1 in place of -target=wasm"}},
		{"for a browser", rust, bindgen, []string{"wbg.log", "in place of wasm32-unknown-unknown"}},
		{"for a browser", none, command("env emscripten_resize_heap"), []string{"wasi-sdk"}},
		{"unknown import", none, foreign, []string{"unknown import env.foo", "http_handler"}},
		{"unknown import", golang, foreign, []string{"//go:wasmimport"}},
		{"unknown import", rust, foreign, []string{"extern block"}},
		{"unknown import", clang, foreign, []string{"-Wl,--allow-undefined"}},
		{"unknown import", script, foreign, []string{"--use abort=", "wasi-shim/asconfig.json"}},
		{"preview 0", rust, command("wasi_unstable fd_write"), []string{"wasi_unstable.fd_write", "preview 0", "wasm32-wasip1"}},
		{"preview 2", rust, command("wasi:cli/stdout@0.2.0 get-stdout"), []string{"preview 2", "in place of wasm32-wasip2"}},
		{"threads", clang, command("wasi thread-spawn"), []string{"-pthread"}},
		{"shared memory", rust, memory(3, 1, 2), []string{"env.memory", "wasm32-wasip1-threads"}},
		{"imported memory", clang, memory(0, 1), []string{"env.memory", "-Wl,--import-memory"}},
		{"imported memory", script, memory(0, 1), []string{"--importMemory"}},
		{"no memory", script, hidden, []string{`no memory named "memory"`, "--noExportMemory"}},
		{"component", none, component, []string{"component", "planned", "core module"}},
		{"component", rust, component, []string{"planned", "in place of wasm32-wasip2"}},
		{"component", tiny, component, []string{"-target=wasip2"}},
		{"exceptions", clang, tag, []string{"exception-handling", "-fno-exceptions"}},
		{"exceptions", rust, tag, []string{"panic=abort"}},
		{"64 bits", clang, table64, []string{"memory64", "wasm32"}},
		{"relaxed SIMD", clang, relaxed, []string{"relaxed SIMD", "-mno-relaxed-simd"}},
		{"relaxed SIMD", rust, relaxed, []string{"-C target-feature=-relaxed-simd"}},
		{"two memories", rust, twoMemories, []string{"target-feature=-multimemory"}},
	} {
		code := slices.Clone(c.code)
		if c.maker != none {
			code = append(code, madeBy(c.maker)...)
		}
		got := strings.Join(inspect(t, engine, code).Faults, "\n")
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s, %s: %q does not say %q", c.name, c.maker, got, want)
			}
		}
	}
}

// A mend stands once for all imports that it mends.
func TestMendsOnce(t *testing.T) {
	engine := newBench(t).engine
	code := append(command("env foo", "env bar", "gojs a", "gojs b", "gojs c"), madeBy("Go Go~cmd/compile go1.26")...)
	got := inspect(t, engine, code).Faults
	if len(got) != 3 || strings.Count(strings.Join(got, " "), "//go:wasmimport") != 1 || !strings.Contains(got[2], "and 2 more") {
		t.Errorf("got %q", got)
	}
}

// Too much memory is mended by the language's flag, or by the server's.
func TestMendMemory(t *testing.T) {
	engine := newBench(t).engine
	for maker, want := range map[string]string{
		"Go Go~cmd/compile go1": "embed less", "Rust rustc 1": "-C link-arg=--initial-memory", "C11 clang 1": "-Wl,--initial-memory",
		"AssemblyScript asc 1": "--initialMemory", "Swift swiftc 1": "smaller initial memory",
	} {
		report := inspect(t, engine, append(slices.Clone(wasitest.Guest("bigmem")), madeBy(maker)...))
		if err := report.Fits(64 << 20); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--memory") {
			t.Errorf("%s: got %v", maker, err)
		}
	}
}

// A report tells which proposals are used, those that are lacking among them.
func TestProposals(t *testing.T) {
	engine := newBench(t).engine
	if r := inspect(t, engine, wasitest.Guest("wait")); !slices.Contains(r.Proposals, "threads") || len(r.Lacks) > 0 {
		t.Errorf("wait uses %q and lacks %q", r.Proposals, r.Lacks)
	}
	if r := inspect(t, engine, wasitest.Guest("hello")); len(r.Proposals) > 0 {
		t.Errorf("hello uses %q", r.Proposals)
	}
	r := inspect(t, engine, assemble(section(1, []byte{1, 0x60, 0, 2, 0x7f, 0x7f}), section(13)))
	if strings.Join(r.Proposals, " ") != "exception-handling multi-value" || strings.Join(r.Lacks, " ") != "exception-handling" {
		t.Errorf("one with exceptions uses %q and lacks %q", r.Proposals, r.Lacks)
	}
	if report, err := engine.Inspect([]byte("hello, world")); report != nil || err == nil {
		t.Errorf("text has the report %+v, %v", report, err)
	}
}

// Advice is given where it pays only.
func TestAdvice(t *testing.T) {
	engine := newBench(t).engine
	debug := func(n int) []byte { return section(0, text(".debug_info"), bytes.Repeat([]byte{1}, n)) }
	for _, c := range []struct {
		name, maker, want string
		debug             int
	}{
		{"little", "Rust rustc 1", "", 1000},
		{"much, of Rust", "Rust rustc 1", "strip=debuginfo", 20_000},
		{"much, of C", "C11 clang 1", "--strip-debug", 20_000},
		{"much, of whoever", "Swift swiftc 1", "99% of the file is debugging information", 20_000},
		{"a Go command", "Go Go~cmd/compile go1", "micro.Serve", 0},
	} {
		r := inspect(t, engine, slices.Concat(command(), madeBy(c.maker), debug(c.debug)))
		got := strings.Join(r.Advice, "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if r.Sizes.Debug != c.debug || r.Sizes.File < c.debug || r.Sizes.Code != 4 {
			t.Errorf("%s: the sizes are %+v", c.name, r.Sizes)
		}
	}
}

// What an initialiser drew is explained for the language.
func TestSeeded(t *testing.T) {
	for language, want := range map[string]string{
		"Go": "micro.Rand", "Rust": "HashMap", "C": "srand", "AssemblyScript": "Math.random", "": "generators",
	} {
		r := &wasi.Report{Language: language}
		if got := r.Seeded([]string{"randomness"}); !strings.Contains(got, want) || strings.Contains(got, "a time") {
			t.Errorf("of %q: got %q", language, got)
		}
	}
	r := &wasi.Report{}
	if got := r.Seeded([]string{"randomness", "the time"}); !strings.Contains(got, "drew randomness and the time") || !strings.Contains(got, "a time") {
		t.Errorf("got %q", got)
	}
	if got := r.Seeded(nil); got != "" {
		t.Errorf("of nothing: got %q", got)
	}
}
