package wasi_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
)

// handed is an artefact: code, and what describes it.
func handed(code, description string) []byte {
	return binary.LittleEndian.AppendUint32([]byte(code+description), uint32(len(description)))
}

// described describes an artefact of native code, a stub, names and no data.
func described(whole, stub string, native, stubBytes int) string {
	return fmt.Sprintf(`{"whole":%q,"stub":%q,"native_bytes":%d,"stub_bytes":%d,"name_bytes":2,"report":{}}`, whole, stub, native, stubBytes)
}

func entryName(digits string) string {
	return "wazero-v1.12.0-amd64-linux/" + strings.Repeat(digits, 32)
}

// artefacts are what a child that has gone wrong could hand over; the first is
// the one that is right.
func artefacts() [][]byte {
	const native, stub, names = "machine code", "stub", "{}"
	const code = native + stub + names
	whole, hollow := entryName("0a"), entryName("0b")
	list := [][]byte{
		handed(code, described(whole, hollow, len(native), len(stub))),
		nil,
		[]byte("abc"),
		{0, 0, 0, 0},
		{0xff, 0xff, 0xff, 0xff},
		handed(code, "{}"),
		handed(code, "no JSON"),
		handed(code, described(whole, whole, len(native), len(stub))),
		handed(code, described(whole, hollow, len(native)-1, len(stub))),
		handed(code, described(whole, hollow, len(native)+1, len(stub))),
		handed(code, described(whole, hollow, len(native), -1)),
		handed(code, described(whole, hollow, 1<<62, 1<<62)),
		handed(code, strings.ReplaceAll(described(whole, hollow, len(native), len(stub)), `,"report":{}`, "")),
		append(handed(code, described(whole, hollow, len(native), len(stub))), "more"...),
	}
	for _, name := range []string{
		"", "x", "/etc/passwd", "../" + whole, "wazero-/../../x", strings.ToUpper(whole), whole + "/x",
		whole + "\n", "code/" + strings.Repeat("0a", 32),
	} {
		list = append(list, handed(code, described(name, hollow, len(native), len(stub))), handed(code, described(whole, name, len(native), len(stub))))
	}
	return list
}

// What a child hands over is published only if it is whole and has the name of an
// entry, as the child has worked on hostile bytes.
func TestArtefact(t *testing.T) {
	for i, artefact := range artefacts() {
		entries, err := readArtefact(t, artefact)
		if (i == 0) != (err == nil) || (i == 0 && !slices.Equal(entries, []string{entryName("0a"), entryName("0b")})) {
			t.Errorf("%d: got %q, %v for %.200q", i, entries, err, artefact)
		}
	}
}

func readArtefact(t *testing.T, artefact []byte) ([]string, error) {
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
		entries, err := readArtefact(t, artefact)
		for _, entry := range entries {
			if err == nil && (!filepath.IsLocal(entry) || strings.Count(entry, "/") != 1) {
				t.Errorf("accepted %q", entry)
			}
		}
	})
}
