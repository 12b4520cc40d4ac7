package wasi

import "cmp"

// problem is what keeps a module from being deployed, as far as a flag of its
// compiler can change it.
type problem int

const (
	noProblem problem = iota
	noEntry
	noExport // of those that the contract wants
	forJavaScript
	preview0
	component // or a core module of one
	unknownImport
	importedMemory
	importedOther // a table, a global
	hiddenMemory
	largeMemory
	threads
	exceptions
	memory64
	laterProposal // another that is lacking
)

// mend says what to change at a module that m has made.
func (p problem) mend(m maker) string {
	known := map[maker]func() map[problem]string{
		goMaker: goMends, tinyGoMaker: tinyGoMends, rustMaker: rustMends, clangMaker: clangMends, emscriptenMaker: emscriptenMends,
		assemblyScriptMaker: assemblyScriptMends,
	}[m]
	if known == nil {
		return someMends()[p]
	}
	return cmp.Or(known()[p], someMends()[p])
}

// someMends are for any compiler.
func someMends() map[problem]string {
	return map[problem]string{
		noEntry: "build it as a command (Go: without -buildmode=c-shared; clang: without -mexec-model=reactor), or as a handler, " +
			"which exports handle_request",
		noExport:      "export it under that name",
		forJavaScript: "build it for WASI preview 1 (most compilers name that target wasm32-wasip1 or wasm32-wasi) and without JavaScript beside it",
		preview0:      "build with a toolchain that targets preview 1",
		component: "components are planned; until then compile to a core module for WASI preview 1, " +
			"without wrapping it as a component",
		unknownImport:  "define the function in the program, or remove what calls it",
		importedMemory: "link it without --import-memory, so that it has a memory of its own",
		importedOther:  "link it as one whole program, not as a library that is loaded into another (-shared, -sSIDE_MODULE)",
		hiddenMemory:   "export it",
		largeMemory:    "build it with a smaller initial memory (wasm-ld: --initial-memory=BYTES)",
		threads:        "build it for one thread",
		exceptions:     "turn WebAssembly exceptions off",
		memory64:       "compile for wasm32",
		laterProposal:  "turn that proposal off in the compiler",
	}
}

func goMends() map[problem]string {
	return map[problem]string{
		noEntry: "build a command with GOOS=wasip1 GOARCH=wasm go build, or a handler with -buildmode=c-shared added, " +
			"which answers by micro.Serve or exports handle_request itself (//go:wasmexport)",
		noExport:      "export it with //go:wasmexport and -buildmode=c-shared, or answer by micro.Serve, which exports all that a handler needs",
		forJavaScript: "it was built for a browser: build it with GOOS=wasip1 GOARCH=wasm in place of GOOS=js",
		unknownImport: "somebody declares the function with //go:wasmimport: do without it, or the package that has it",
		hiddenMemory:  "build it with GOOS=wasip1 GOARCH=wasm",
		largeMemory:   "a Go program's memory begins with its data: embed less (//go:embed) and read it from the bundle",
	}
}

func tinyGoMends() map[problem]string {
	return map[problem]string{
		noEntry: "build a command with tinygo build -target=wasip1, or a handler with -buildmode=c-shared added, " +
			"which exports handle_request and handle_response (//go:wasmexport)",
		noExport:      "export it with //go:wasmexport and -buildmode=c-shared",
		forJavaScript: "it was built for a browser: build it with -target=wasip1 in place of -target=wasm",
		component:     "components are planned; until then build with -target=wasip1 in place of -target=wasip2",
		unknownImport: "somebody declares the function with //go:wasmimport, or without a body: do without it, or the package that has it",
		largeMemory:   "embed less (//go:embed) and read it from the bundle",
	}
}

func rustMends() map[problem]string {
	return map[problem]string{
		noEntry: "build a program with a main for --target wasm32-wasip1, or a handler: a library with crate-type = [\"cdylib\"] " +
			"for the same target, which exports handle_request and handle_response (#[no_mangle] pub extern \"C\" fn)",
		noExport:      "export it from a crate-type = [\"cdylib\"] with #[no_mangle] pub extern \"C\" fn",
		forJavaScript: "it was built for JavaScript: build it with --target wasm32-wasip1 in place of wasm32-unknown-unknown, without wasm-bindgen",
		preview0:      "build with --target wasm32-wasip1 of a newer rustc",
		component:     "components are planned; until then build with --target wasm32-wasip1 in place of wasm32-wasip2",
		unknownImport: "an extern block declares the function and nothing defines it: link what does, or do without the crate that has it " +
			"(with --target wasm32-unknown-unknown it may be one for browsers)",
		importedMemory: "link it without -C link-arg=--import-memory",
		largeMemory:    "build it with -C link-arg=--initial-memory=BYTES, or less static data",
		threads:        "build it with --target wasm32-wasip1 in place of wasm32-wasip1-threads",
		exceptions:     "build it with -C panic=abort and without -C target-feature=+exception-handling",
		memory64:       "build it with --target wasm32-wasip1 in place of wasm64-unknown-unknown",
		laterProposal:  "build it without that -C target-feature, or with it as -C target-feature=-NAME",
	}
}

func clangMends() map[problem]string {
	return map[problem]string{
		noEntry: "build a program with a main with clang --target=wasm32-wasip1 (before clang 19: wasm32-wasi), or a handler with " +
			"-mexec-model=reactor added, which exports handle_request and handle_response (__attribute__((export_name(\"…\"))))",
		noExport:      "export it with __attribute__((export_name(\"…\")))",
		forJavaScript: emscriptenMends()[forJavaScript],
		preview0:      "build with a wasi-libc, or wasi-sdk, that targets preview 1",
		component:     "components are planned; until then build with --target=wasm32-wasip1 in place of wasm32-wasip2",
		unknownImport: "nothing defines the function, and the linker was told not to mind: link without -Wl,--allow-undefined, " +
			"define what is missing or link its library, and take away import_name attributes",
		importedMemory: "link it without -Wl,--import-memory",
		hiddenMemory:   "link it without -Wl,--import-memory",
		largeMemory:    "build it with -Wl,--initial-memory=BYTES, or less static data",
		threads:        "build it with --target=wasm32-wasip1 in place of wasm32-wasip1-threads, without -pthread",
		exceptions:     "build it with -fno-exceptions in place of -fwasm-exceptions, and without -mllvm -wasm-enable-sjlj",
		memory64:       "build it with --target=wasm32-wasip1 in place of wasm64",
		laterProposal:  "build it with -mno-NAME of that proposal, and an older -mcpu",
	}
}

func emscriptenMends() map[problem]string {
	mends := map[problem]string{
		forJavaScript: "build it with wasi-sdk's clang --target=wasm32-wasip1 in place of emcc, which relies on JavaScript",
		exceptions:    "build it with -fno-exceptions",
	}
	for _, p := range []problem{noEntry, unknownImport, importedMemory} {
		mends[p] = mends[forJavaScript]
	}
	return mends
}

func assemblyScriptMends() map[problem]string {
	const shim = "asc --config ./node_modules/@assemblyscript/wasi-shim/asconfig.json"
	return map[problem]string{
		noEntry: "build a command with " + shim + ", which exports _start, or export function handle_request(): i64 and " +
			"function handle_response(context: i32, error: i32): void from the entry file for a handler",
		noExport: "export the function from the entry file",
		unknownImport: "build it with " + shim + ", which has abort, console, Date and Math.random from WASI; " +
			"without any of these, --use abort= is enough",
		preview0:       "build with a newer @assemblyscript/wasi-shim",
		importedMemory: "build it without --importMemory",
		hiddenMemory:   "build it without --noExportMemory",
		largeMemory:    "build it with a smaller --initialMemory (pages of 64 KiB)",
		threads:        "build it without --sharedMemory and --enable threads",
		laterProposal:  "build it without --enable of that proposal",
	}
}
