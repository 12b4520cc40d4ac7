package logs_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/host/logs"
)

// stderr writes the chunks as one request's standard error, and returns what is stored of it.
func stderr(t *testing.T, s *logs.Store, app string, chunks ...string) []logs.Entry {
	t.Helper()
	w := s.Writer(app, "m", "r")
	for _, chunk := range chunks {
		if n, err := io.WriteString(w, chunk); n != len(chunk) || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	io.WriteString(w, "after Close\n")
	return read(t, s, app, logs.Query{})
}

func TestWriterSplitsLines(t *testing.T) {
	for name, tc := range map[string]struct{ chunks, want []string }{
		"nothing":                {nil, nil},
		"one line":               {[]string{"a\n"}, []string{"a"}},
		"lines in one write":     {[]string{"a\nb\n\nc\n"}, []string{"a", "b", "", "c"}},
		"a line in many writes":  {[]string{"a", "b", "", "c\nd"}, []string{"abc", "d"}},
		"the end without LF":     {[]string{"a\nb"}, []string{"a", "b"}},
		"CR LF, also split":      {[]string{"a\r\nb\r", "\nc\rd\n"}, []string{"a", "b", "c\rd"}},
		"invalid UTF-8":          {[]string{"a\xff\xfeb\n"}, []string{"a\uFFFDb"}},
		"a rune in two writes":   {[]string{"\xc3", "\xa9\n"}, []string{"é"}},
		"control characters":     {[]string{"\x1b[31mr\x00\n"}, []string{"\x1b[31mr\x00"}},
		"long line":              {[]string{"1234567890", "ab\nshort\n"}, []string{"12345678… (4 bytes cut)", "short"}},
		"just long enough":       {[]string{"12345678\n"}, []string{"12345678"}},
		"long, no end":           {[]string{"123456789"}, []string{"12345678… (1 bytes cut)"}},
		"cut before half a rune": {[]string{"1234567é\n"}, []string{"1234567… (1 bytes cut)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), func(c *logs.Config) { c.MaxLine = 8 })
			got := stderr(t, s, "shop", tc.chunks...)
			wantMessages(t, got, tc.want)
			for _, e := range got {
				if e.Micro != "m" || e.Request != "r" || e.Source != logs.SourceGuest {
					t.Errorf("entry %+v", e)
				}
			}
		})
	}
}

func TestAppendCutsLongMessages(t *testing.T) {
	s := open(t, t.TempDir(), func(c *logs.Config) { c.MaxLine = 8 })
	appendAll(t, s, "shop", logs.Entry{Message: "1234567890"})
	wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"12345678… (2 bytes cut)"})
}

func TestWriterStoresWholeLinesAtOnce(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	w := s.Writer("shop", "m", "r")
	io.WriteString(w, "a\nb")
	wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"a"})
	w.Close()
	wantMessages(t, read(t, s, "shop", logs.Query{}), []string{"a", "b"})
}

// How a guest cuts its output into writes makes no difference.
func TestWriterDoesNotDependOnChunks(t *testing.T) {
	s := open(t, t.TempDir(), func(c *logs.Config) { c.MaxLine = 8 })
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.SampledFrom([]string{"a", "é", "\n", "\r\n", "\xff", "words ", "\x00", "世界"})
		text := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(rt, "text"), "")
		var chunks []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "chunk")
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		run++
		whole := messages(stderr(t, s, fmt.Sprint("whole", run), text))
		parts := messages(stderr(t, s, fmt.Sprint("parts", run), chunks...))
		if !slices.Equal(whole, parts) {
			rt.Fatalf("%q in one write %q, in %q %q", text, whole, chunks, parts)
		}
	})
}

// T28: an execution has so much log and no more.
func TestWriterCapsARequest(t *testing.T) {
	const most = 10_000
	for name, chunk := range map[string]string{"lines": "a line of some length\n", "empty lines": "\n", "escaped": "\x00\x00\x00\x00\x00\x00\n"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, func(c *logs.Config) { c.MaxPerRequest = most })
			got := stderr(t, s, "shop", strings.Repeat(chunk, 300), strings.Repeat(chunk, 300))
			last := got[len(got)-1]
			if last.Source != logs.SourcePlatform || !strings.Contains(last.Message, "dropped") || last.Request != "r" {
				t.Errorf("the last entry does not say that more was dropped: %+v", last)
			}
			for _, e := range got[:len(got)-1] {
				if e.Source != logs.SourceGuest {
					t.Errorf("said more than once: %+v", e)
				}
			}
			if n := bytesOn(t, dir, "shop"); n < most/2 || n > most+300 {
				t.Errorf("%d bytes on disk, of %d", n, most)
			}
			before := len(got)
			if got = stderr(t, s, "shop", "the next request\n"); len(got) != before+1 {
				t.Error("the next request is not counted anew")
			}
		})
	}
}

func TestGuestNeverSeesDiskTrouble(t *testing.T) {
	dir := t.TempDir()
	var reported []error
	s := open(t, dir, func(c *logs.Config) { c.OnError = func(err error) { reported = append(reported, err) } })
	blocker := filepath.Join(dir, "shop")
	block := func() {
		if err := os.WriteFile(blocker, nil, 0o600); err != nil { // a file where the directory should be
			t.Fatal(err)
		}
	}
	block()
	for range 3 {
		w := s.Writer("shop", "m", "r")
		for range 3 {
			if n, err := io.WriteString(w, "line\n"); n != 5 || err != nil {
				t.Fatalf("the guest saw %d, %v", n, err)
			}
		}
		w.Close()
	}
	if len(reported) != 1 {
		t.Fatalf("reported %v, want it once", reported)
	}
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	wantMessages(t, stderr(t, s, "shop", "works\n"), []string{"works"})
	if err := s.Remove("shop"); err != nil {
		t.Fatal(err)
	}
	block()
	stderr := s.Writer("shop", "m", "r")
	io.WriteString(stderr, "again\n")
	if len(reported) != 2 || errors.Is(reported[1], os.ErrClosed) {
		t.Errorf("reported %v, want the new trouble too", reported)
	}
	s.Writer("..", "m", "r").Write([]byte("no such app\n"))
}

func BenchmarkWriter(b *testing.B) {
	s, err := logs.Open(logs.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	line := []byte("2026/01/02 03:04:05 GET / 200 in 1.2ms\n")
	b.ReportAllocs()
	for b.Loop() {
		w := s.Writer("shop", "api", "0123456789abcdef")
		w.Write(line)
		w.Close()
	}
}
