// Package preview1 is WASI preview 1 for one instance: what the module
// wasi_snapshot_preview1 provides, all 46 functions of it
// (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md).
//
// A [Process] is everything that a guest can see and change through it: its
// arguments and environment, its descriptors, its clock. Host functions find it
// in the context of the call and not in the module, so that the same instance
// can be given one request after another: [Process.Begin] puts the descriptors
// back to those of the start.
//
// Whatever waits ends with the context, and so does whatever is long: what a
// guest asks for in one call is done in pieces, with a look at the context in
// between. A guest whose context is over is unwound at its next call.
//
// Paths go through package fs, which no name and no link leads out of. Rights
// are kept and reported as the specification has it: they can be given up but
// not gained.
package preview1
