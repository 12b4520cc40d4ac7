package wasi

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
)

// ReadArtefact reads what a child has handed over, and returns the entries that it is
// for; none is a refusal.
func ReadArtefact(file *os.File) ([]string, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	c, err := readCodeFile(file, info.Size())
	if err != nil || len(c.Refused) > 0 {
		return nil, err
	}
	_, err = c.stub()
	for _, e := range c.data() {
		err = errors.Join(err, e)
	}
	return []string{c.Whole, c.Stub}, err
}

// Whole tells whether a module was loaded as such, and not by its stub.
func Whole(m *Module) bool {
	_, whole := m.compiled.from.(*inHand)
	return whole
}

// Republish gives a code file another MAC, as this server would after it had changed it.
func Republish(e *Engine, digestText string, change func(content []byte) []byte) error {
	key, err := parseDigest(digestText)
	if err != nil {
		return err
	}
	path := e.checked().codePath(key)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content = change(content[:len(content)-macBytes])
	mac, err := e.checked().codeMAC(key, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, mac...), 0o600)
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

// AddSample gives a profile a sample of the functions with the numbers.
func AddSample(p *Profile, functions ...uint32) {
	p.add(inGuest, functions, spent{1, 1}, func(i int) Frame { return Frame{Name: fmt.Sprint(functions[i])} })
}
