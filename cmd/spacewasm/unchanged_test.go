package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// sent lists what is in a pushed archive: the files' sizes, or what they refer to.
func sent(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	must(t, err)
	archive, files := tar.NewReader(zr), map[string]string{}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		must(t, err)
		files[h.Name] = strconv.FormatInt(h.Size, 10)
		if sum := h.PAXRecords[space.RecordSum]; sum != "" {
			files[h.Name] = h.PAXRecords[space.RecordSize] + " of " + sum
		}
	}
}

// noise is text that cannot be compressed.
func noise(n int) string {
	source := rand.NewChaCha8([32]byte{1})
	text := make([]byte, n)
	source.Read(text)
	return string(text)
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// What the server has is left out, and what has changed since it was looked at is not.
func TestPushUnchanged(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	big, module, small := noise(300<<10), strings.Repeat("w", 1000), "small"
	dir := tree(t, map[string]string{"main.wasm": module, "big": big, "again/big": big, "small": small})
	server.holds = map[string]bool{sumOf(big): true, sumOf(small): true}
	push := func() map[string]string {
		t.Helper()
		k.run(t, 0, "push", dir, "--app", "hello", "--server", server.URL, "--token", "secret")
		return sent(t, server.pushed)
	}
	same := func(got map[string]string, want ...string) {
		t.Helper()
		for i := 0; i < len(want); i += 2 {
			if got[want[i]] != want[i+1] {
				t.Errorf("%s was sent as %q, want %q", want[i], got[want[i]], want[i+1])
			}
		}
	}
	there := "307200 of " + sumOf(big)
	same(push(), "big", there, "again/big", there, "main.wasm", "1000", "small", "5")
	wants(t, k.err.String(), "looking for changes…", "uploading 1.0 kB (614 kB unchanged)", "compiling web… 2.1 s", "snapshot of web: 3.2 MB")
	if len(server.pushed) > 2000 {
		t.Errorf("%d bytes were sent", len(server.pushed))
	}

	must(t, os.WriteFile(filepath.Join(dir, "big"), []byte(big[1:]), 0o600))
	same(push(), "big", "307199", "again/big", there)

	// A revision is dropped between the question and the push.
	server.dropped, server.pushes = true, 0
	same(push(), "big", "307199", "again/big", "307200", "main.wasm", "1000")
	wants(t, k.err.String(), "sending all")
	if server.pushes != 1 {
		t.Errorf("%d pushes", server.pushes)
	}

	server.holds, server.old = map[string]bool{sumOf(big): true}, true
	same(push(), "again/big", "307200")
}

// A small project is sent without a question.
func TestPushSmall(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	module := strings.Repeat("w", 1000)
	server.holds = map[string]bool{sumOf(module): true}
	k.run(t, 0, "push", tree(t, map[string]string{"main.wasm": module}), "--app", "hello", "--server", server.URL, "--token", "secret")
	if got := sent(t, server.pushed)["main.wasm"]; got != "1000" || strings.Contains(k.err.String(), "changes") {
		t.Errorf("sent %q, said %s", got, &k.err)
	}
}

// On a terminal one line changes as the push goes on, and the results stay.
func TestLiveProgress(t *testing.T) {
	var out bytes.Buffer
	show := newProgress(&out, true)
	show.sent()
	for _, e := range []wire.Event{
		{Event: wire.EventCompile, Micro: "a\x1b[31m", State: wire.StateBegin},
		{Event: wire.EventCompile, Micro: "a\x1b[31m", State: wire.StateDone, MS: 50},
		{Event: wire.EventSnapshot, Micro: "a", State: wire.StateBegin},
		{Event: wire.EventSnapshot, Micro: "a", State: wire.StateDone, Reason: "none"},
		{Event: wire.EventActivate},
	} {
		show.told(e)
	}
	show.stop()
	show.told(wire.Event{Event: wire.EventActivate})
	const gone = "\r\x1b[K"
	text := strings.ReplaceAll(out.String(), gone, "|")
	if !strings.HasPrefix(text, "compiling…|compiling a") || strings.Contains(text, "\x1b") ||
		!strings.HasSuffix(text, "… 0.1 s\ntaking the snapshot of a…|activating…|") {
		t.Errorf("shown: %q", text)
	}
}
