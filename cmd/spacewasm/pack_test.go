package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

// spacefile is the text of one with these Micros.
func spacefile(micros ...string) string {
	return "v: 0\nmicros:\n  - " + strings.Join(micros, "\n  - ") + "\n"
}

// packed returns the entries that a push of dir would send.
func packed(t *testing.T, dir string) []*tar.Header {
	t.Helper()
	p, err := project.Open(dir)
	must(t, err)
	faults, err := p.List()
	must(t, err)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var b bytes.Buffer
	must(t, p.Pack(&b, func(int) {}))
	return untar(t, b.Bytes())
}

func untar(t *testing.T, archive []byte) []*tar.Header {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(archive))
	must(t, err)
	var headers []*tar.Header
	for r := tar.NewReader(unpacked); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return headers
		}
		must(t, err)
		headers = append(headers, h)
	}
}

func names(headers []*tar.Header) string {
	var list []string
	for _, h := range headers {
		list = append(list, h.Name)
	}
	return strings.Join(list, " ")
}

func TestExamplesAreComplete(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*/" + space.SpacefileName)
	must(t, err)
	if len(dirs) == 0 {
		t.Skip("no examples here")
	}
	if !slices.ContainsFunc(dirs, func(d string) bool { return strings.Contains(d, "hello") }) {
		t.Error("the example of the help is missing: examples/hello")
	}
}

func TestLeftOutNote(t *testing.T) {
	wants(t, leftOutNote([]string{"a/build", "dist"}), "left out as what a build makes: a/build, dist (", "!build in .spaceignore")
	wants(t, leftOutNote(strings.Fields("a b c d e f g")), ": a, b, c, d, e, 2 more (")
	if note := leftOutNote(nil); note != "" {
		t.Error(note)
	}
}

// A push says what it left out as the output of a build.
func TestPushSaysWhatIsLeftOut(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	dir := tree(t, map[string]string{"main.wasm": "w", "dist/a": "x", "a/build/b": "x", ".git/x": "x"})
	k.run(t, 0, "push", dir, "--app", "hello", "--server", server.URL, "--token", "secret")
	wants(t, k.err.String(), "note: left out as what a build makes: a/build, dist (")
}
