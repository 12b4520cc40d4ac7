package wasi

import "os"

// ReadArtefact reads what a child has handed over, and returns the entry that it
// is for; "" is a refusal.
func ReadArtefact(file *os.File) (string, error) {
	h, err := readArtefact(file)
	return h.Entry, err
}
