package project_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// A file that changes between the look and the packing is sent.
func TestChangedMeanwhile(t *testing.T) {
	dir := tree(t, map[string]string{"main.wasm": strings.Repeat("w", 1000), "same": strings.Repeat("s", 1000)})
	p, err := listedIn(dir)
	must(t, err)
	contents, err := p.Look(t.Context())
	must(t, err)
	if len(contents) != 2 {
		t.Errorf("looked at %v", contents)
	}
	p.LeaveOut(func(space.Content) bool { return true })
	if p.Unchanged() != 2000 {
		t.Errorf("%d bytes are left out", p.Unchanged())
	}
	must(t, os.WriteFile(filepath.Join(dir, "main.wasm"), []byte(strings.Repeat("v", 1000)), 0o600))
	var packed bytes.Buffer
	must(t, p.Pack(&packed, func(int) {}))
	sum := sha256.Sum256([]byte(strings.Repeat("s", 1000)))
	for _, h := range untar(t, packed.Bytes()) {
		size, of := h.Size, h.PAXRecords[space.RecordSum]
		switch h.Name {
		case "main.wasm":
			if size != 1000 || of != "" {
				t.Errorf("the changed file has %d bytes, and refers to %q", size, of)
			}
		case "same":
			if size != 0 || of != hex.EncodeToString(sum[:]) || h.PAXRecords[space.RecordSize] != "1000" {
				t.Errorf("the same file has %d bytes, and refers to %q", size, of)
			}
		default:
			t.Errorf("%s was packed", h.Name)
		}
	}
	p.LeaveOut(nil)
	packed.Reset()
	must(t, p.Pack(&packed, func(int) {}))
	for _, h := range untar(t, packed.Bytes()) {
		if h.Size != 1000 || p.Unchanged() != 0 {
			t.Errorf("%s has %d bytes after all", h.Name, h.Size)
		}
	}
}
