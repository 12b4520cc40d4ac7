package space

import (
	"fmt"
	"strings"
)

// Engine is what a Micro is served by, as its Spacefile names it.
type Engine string

// The engines that there are.
const (
	// EngineWasm runs a WASI module.
	EngineWasm Engine = "wasm"
	// EngineCustom is Deta's name for a program that brings its own runtime: here a
	// WASI module, too, which has to be named.
	EngineCustom Engine = "custom"
	// EngineStatic serves files as they are.
	EngineStatic Engine = "static"
	// EngineReact, EngineVue and EngineSvelte are front ends: files, once their
	// commands have built them.
	EngineReact  Engine = "react"
	EngineVue    Engine = "vue"
	EngineSvelte Engine = "svelte"
)

// IsStatic tells whether the engine serves files rather than to run a module.
func (e Engine) IsStatic() bool {
	switch e {
	case EngineStatic, EngineReact, EngineVue, EngineSvelte:
		return true
	default:
		return false
	}
}

// ParseEngine reads an engine. Those of Deta Space that cannot be here get an error
// that says what comes nearest.
func ParseEngine(s string) (Engine, error) {
	switch e := Engine(s); e {
	case EngineWasm, EngineCustom, EngineStatic, EngineReact, EngineVue, EngineSvelte:
		return e, nil
	}
	way := "there are wasm, custom, static, react, vue and svelte"
	switch {
	case strings.HasPrefix(s, "python"):
		way = "there is no Python here; the nearest way is a Micro in a language that compiles to a WASI module " +
			"(`spacewasm new --template go`), or a WASI build of an interpreter with `engine: custom` and `run: python.wasm main.py`"
	case strings.HasPrefix(s, "nodejs"), s == "node":
		way = "there is no Node.js here; the nearest way is a Micro in a language that compiles to a WASI module " +
			"(`spacewasm new --template go`, or AssemblyScript), with `engine: wasm`"
	case s == "next":
		way = "its server needs Node.js; export the pages as files (`output: 'export'` in next.config) and write `engine: static` with `serve: out`"
	case s == "nuxt":
		way = "its server needs Node.js; generate the pages (`npx nuxt generate`) and write `engine: static` with `serve: .output/public`"
	case s == "svelte-kit":
		way = "its server needs Node.js; build with @sveltejs/adapter-static and write `engine: static` with `serve: build`"
	}
	return "", fmt.Errorf("%q is not supported: %s", s, way)
}
