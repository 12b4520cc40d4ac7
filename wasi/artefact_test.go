package wasi_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
)

// handed is an artefact: code, and what describes it.
func handed(code, description string) []byte {
	return binary.LittleEndian.AppendUint32([]byte(code+description), uint32(len(description)))
}

func described(entry string, size int, code string) string {
	return fmt.Sprintf(`{"entry":%q,"bytes":%d,"sha256":"%x"}`, entry, size, sha256.Sum256([]byte(code)))
}

func entryName() string { return "wazero-v1.12.0-amd64-linux/" + strings.Repeat("0a", 32) }

// artefacts are what a child that has gone wrong could hand over; the first is
// the one that is right.
func artefacts() [][]byte {
	const code = "machine code"
	list := [][]byte{
		handed(code, described(entryName(), len(code), code)),
		nil,
		[]byte("abc"),
		{0, 0, 0, 0},
		{0xff, 0xff, 0xff, 0xff},
		handed(code, "{}"),
		handed(code, "no JSON"),
		handed(code, described(entryName(), len(code)-1, code)),
		handed(code, described(entryName(), len(code), "other code")),
		handed(code, described(entryName(), -1, code)),
		handed("", strings.Repeat(" ", 65<<10)),
		append(handed(code, described(entryName(), len(code), code)), "more"...),
	}
	for _, name := range []string{
		"", "x", "/etc/passwd", "../" + entryName(), "wazero-/../../x", strings.ToUpper(entryName()), entryName() + "/x",
		entryName() + "\n", "checked/" + strings.Repeat("0a", 32),
	} {
		list = append(list, handed(code, described(name, len(code), code)))
	}
	return list
}

// What a child hands over is published only if it is whole and has the name of an
// entry, as the child has worked on hostile bytes.
func TestArtefact(t *testing.T) {
	for i, artefact := range artefacts() {
		entry, err := readArtefact(t, artefact)
		if (i == 0) != (err == nil) || (i == 0 && entry != entryName()) {
			t.Errorf("%d: got %q, %v for %.80q", i, entry, err, artefact)
		}
	}
}

func readArtefact(t *testing.T, artefact []byte) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "artefact")
	must(t, os.WriteFile(path, artefact, 0o600))
	file, err := os.Open(path)
	must(t, err)
	defer func() { _ = file.Close() }()
	return wasi.ReadArtefact(file)
}

func FuzzArtefact(f *testing.F) {
	for _, artefact := range artefacts() {
		f.Add(artefact)
	}
	f.Fuzz(func(t *testing.T, artefact []byte) {
		entry, err := readArtefact(t, artefact)
		if err == nil && (!filepath.IsLocal(entry) || strings.Count(entry, "/") != 1) && entry != "" {
			t.Errorf("accepted %q", entry)
		}
	})
}
