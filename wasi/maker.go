package wasi

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// maker is a compiler, as far as its flags are known here.
type maker int

const (
	someMaker maker = iota // which is not known
	goMaker
	tinyGoMaker
	rustMaker
	clangMaker
	emscriptenMaker
	assemblyScriptMaker
)

// The words for languages and compilers that mends are known for.
const (
	langGo, langRust, langC, langCPP, langAssemblyScript = "Go", "Rust", "C", "C++", "AssemblyScript"
	tinyGo, emscripten                                   = "TinyGo", "Emscripten"
)

// maker returns what made the module, by the report alone: reports are kept, and
// modules are then not read again.
func (r *Report) maker() maker {
	switch {
	case strings.HasPrefix(r.Compiler, tinyGo):
		return tinyGoMaker
	case strings.HasPrefix(r.Compiler, emscripten):
		return emscriptenMaker
	}
	return map[string]maker{
		langGo: goMaker, langRust: rustMaker, langC: clangMaker, langCPP: clangMaker, langAssemblyScript: assemblyScriptMaker,
	}[r.Language]
}

// findMaker says what the module was made of, and by what: first by what it says
// itself, then by what only one compiler leaves behind. o is nil if the module
// cannot be read.
func (r *Report) findMaker(code []byte, p binary.Provenance, o *binary.Outline) {
	r.bySaying(p)
	if r.Language != "" {
		return
	}
	imports := func(match func(i binary.Import) bool) bool { return o != nil && slices.ContainsFunc(o.Imports, match) }
	exports := func(names ...string) bool {
		return o != nil && slices.ContainsFunc(o.Exports, func(x binary.Export) bool { return slices.Contains(names, x.Name) })
	}
	fromJS := imports(func(i binary.Import) bool { return i.Module == "gojs" })
	switch {
	case slices.Contains(p.Sections, "go:buildid"), fromJS && exports("getsp"):
		r.Language = langGo
	case fromJS:
		r.Language, r.Compiler = langGo, tinyGo
	case imports(ofBindgen):
		r.Language = langRust
	case imports(ofEmscripten), exports("_emscripten_stack_restore", "emscripten_stack_get_current"):
		r.Language, r.Compiler = langC, emscripten
	case exports("__rtti_base", "__pin"), imports(func(i binary.Import) bool { return isScriptAbort(o, i) }), bytes.Contains(code, scriptLibrary()):
		r.Language = langAssemblyScript
	case exports("__original_main", "__main_void", "__main_argc_argv"):
		r.Language = langC // or whatever else links wasi-libc
	}
}

// bySaying takes the module's own word. Of C and another language in one module,
// the other was there first: its library brings C along.
func (r *Report) bySaying(p binary.Provenance) {
	tool := func(name string) (binary.Producer, bool) {
		i := slices.IndexFunc(p.Tools, func(t binary.Producer) bool { return strings.Contains(t.Name, name) })
		if i < 0 {
			return binary.Producer{}, false
		}
		return p.Tools[i], true
	}
	for _, known := range []struct{ tool, language string }{
		{tinyGo, langGo}, {"Go cmd/compile", langGo}, {"rustc", langRust}, {"asc", langAssemblyScript},
	} {
		if t, ok := tool(known.tool); ok {
			r.Language, r.Compiler = known.language, words(t)
			return
		}
	}
	cpp, ofC := false, false
	for _, l := range p.Languages {
		cpp = cpp || strings.HasPrefix(l.Name, "C_plus_plus")
		if isC := len(l.Name) > 1 && l.Name[0] == 'C' && strings.Trim(l.Name[1:], "0123456789") == ""; isC {
			ofC = true
		} else if r.Language == "" && !strings.HasPrefix(l.Name, "C_plus_plus") {
			r.Language = printable(l.Name)
		}
	}
	clang, byClang := tool("clang")
	switch {
	case r.Language != "" && len(p.Tools) > 0:
		r.Compiler = words(p.Tools[0])
	case r.Language != "":
	case cpp:
		r.Language = langCPP
	case ofC, byClang:
		r.Language = langC
	case len(p.Tools) > 0:
		r.Compiler = words(p.Tools[0])
	}
	if byClang && r.Compiler == "" {
		r.Compiler = words(clang)
	}
}

// words names a tool, without the commit that many add.
func words(p binary.Producer) string {
	version, _, _ := strings.Cut(p.Version, " (")
	return strings.TrimSpace(printable(p.Name) + " " + printable(version))
}

// printable is a word of a module's that a person may be shown.
func printable(word string) string {
	const most = 60
	word = strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, word)
	if len(word) > most {
		word = strings.ToValidUTF8(word[:most], "") + "…"
	}
	return word
}

// ofBindgen tells whether wasm-bindgen has the import, which ties Rust to JavaScript.
func ofBindgen(i binary.Import) bool {
	return i.Module == "wbg" || strings.HasPrefix(i.Module, "__wbindgen") || strings.HasSuffix(i.Module, "_bg.js")
}

// ofEmscripten tells whether the import is one of the JavaScript that Emscripten
// writes beside a module.
func ofEmscripten(i binary.Import) bool {
	return i.Module == "env" && (strings.HasPrefix(strings.TrimPrefix(i.Name, "_"), "emscripten_") || strings.HasPrefix(i.Name, "invoke_"))
}

// isScriptAbort tells whether the import is how AssemblyScript aborts: with a
// message, a file, a line and a column.
func isScriptAbort(o *binary.Outline, i binary.Import) bool {
	return i.Kind == binary.KindFunc && i.Module == "env" && i.Name == "abort" &&
		len(o.Types[i.Func].Params) == 4 && len(o.Types[i.Func].Results) == 0
}

// scriptLibrary is how the file names of AssemblyScript's library begin, which
// its messages have in UTF-16.
func scriptLibrary() []byte { return []byte("~\x00l\x00i\x00b\x00/\x00") }
