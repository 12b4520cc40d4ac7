package wasi

import (
	"crypto/sha256"
	"fmt"
	"os"
)

// ReadArtefact reads what a child has handed over, and returns the entry that it
// is for; "" is a refusal.
func ReadArtefact(file *os.File) (string, error) {
	h, err := readArtefact(file)
	return h.Entry, err
}

// Memory is the linear memory of an instance.
func Memory(i *Instance) []byte {
	m := i.guest.wasm.Memory()
	b, _ := m.Read(0, m.Size())
	return b
}

// State sums up all that a guest could find in its instance: memory and globals.
func State(i *Instance) string {
	text := fmt.Sprintf("memory of %d bytes %x", len(Memory(i)), sha256.Sum256(Memory(i)))
	for _, g := range i.guest.globals {
		text += fmt.Sprintf(" %x", g.Get())
	}
	return text
}

// Reuse lets an instance serve again as it was left, which nobody should do.
func Reuse(i *Instance) { i.used = false }
