package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What a server would refuse for its size is said before it is sent.
func TestValidateLimits(t *testing.T) {
	guest, err := os.ReadFile("../../wasi/wasitest/guests/hello.wasm")
	must(t, err)
	dir := tree(t, map[string]string{
		"Spacefile": spacefile("{name: a, src: a, engine: wasm, primary: true}", "{name: b, src: b, engine: wasm}", "{name: c, src: c, engine: wasm}"),
		"a/big":     "", "a/main.wasm": string(guest), "b/many/": "", "b/main.wasm": string(guest), "c/main.wasm": "",
	})
	// Holes cost nothing.
	must(t, os.Truncate(filepath.Join(dir, "a/big"), 250<<20))
	must(t, os.Truncate(filepath.Join(dir, "c/main.wasm"), 251<<20))
	k := newConsole(t)
	k.run(t, 1, "validate", dir)
	wants(t, k.err.String(), `micros[0].src: the files of micro "a" have 262144216 bytes; a server takes 262144000`, `the files of micro "c" have 263192576 bytes`)
	for i := range 20_000 {
		must(t, os.WriteFile(filepath.Join(dir, "b/many", fmt.Sprint(i)), nil, 0o600))
	}
	k.run(t, 1, "validate", dir)
	wants(t, k.err.String(), "the project has 20009 files and folders to pack; a server takes 20000")
	must(t, os.WriteFile(filepath.Join(dir, ".spaceignore"), []byte("many\nbig\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "c/main.wasm"), guest, 0o600))
	k.run(t, 0, "validate", dir)
}
