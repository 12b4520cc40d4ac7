// Package binary is the WebAssembly binary format, read without trusting it, and written.
//
// [Scan] reads the outline of a module (its types, imports, exports, memories, tables and counts) and walks every
// instruction once, in linear time and with memory bounded by a small multiple of the input. It runs before any other
// decoder sees the module, because a module of a few dozen bytes can make a naive decoder allocate until the process
// dies, which no recover can catch.
//
// [Decode] does the same and keeps the parts of the module, whose instructions a [Walker] steps through; what was replaced
// among them, and the rest as it was, [Module.Encode] puts together again.
//
// What is checked is the grammar of the format and the bounds in [Limits]; whether the instructions are well typed is
// left to the engine that compiles them. The format is that of WebAssembly 2.0 (https://www.w3.org/TR/wasm-core-2/,
// chapter 5) with the proposals the engine runs: extended constant expressions, tail calls and threads.
package binary
