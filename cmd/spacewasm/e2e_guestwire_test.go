package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// T17, as a proxy in front sees it: whatever a guest writes, one well-framed answer
// comes, and the next on the connection is that of the next request.
func TestE2EHostileResponses(t *testing.T) {
	s := serve(t).withProbe()
	for name, c := range map[string]struct {
		method, output string
		status         int    // 502 means refused
		head           string // in the header as it is on the wire
		body           string
	}{
		"splitting by returns":    {"GET", "Content-Type: a/b\nX: a\r\r\n\r\nHTTP/1.1 200 OK\n\nx", 502, "", ""},
		"location with a return":  {"GET", "Location: /\rSet-Cookie: a=b\n\n", 502, "", ""},
		"status line":             {"GET", "HTTP/1.1 200 OK\nContent-Type: a/b\n\nx", 502, "", ""},
		"folded header":           {"GET", "Content-Type: a/b\nX: a\n Transfer-Encoding: chunked\n\nx", 502, "", ""},
		"control byte":            {"GET", "Content-Type: a/b\nX: \x01\n\nx", 502, "", ""},
		"name with a blank":       {"GET", "Content-Type: a/b\nContent-Length : 1\n\nx", 502, "", ""},
		"two lengths":             {"GET", "Content-Type: a/b\nContent-Length: 1\ncontent-length: 5\n\nx", 502, "", ""},
		"length too short":        {"GET", "Content-Type: a/b\nContent-Length: 1\n\nxGET / HTTP/1.1", 502, "", ""},
		"length too long":         {"GET", "Content-Type: a/b\nContent-Length: 9\n\nx", 502, "", ""},
		"early hints":             {"GET", "Status: 103\nLink: </a>\n\n", 502, "", ""},
		"switching protocols":     {"GET", "Status: 101\nUpgrade: websocket\n\n", 502, "", ""},
		"status 99999":            {"GET", "Status: 99999\n\n", 502, "", ""},
		"thousands of lines":      {"GET", "Content-Type: a/b\n" + strings.Repeat("A:\n", 3000) + "\nx", 502, "", ""},
		"chunked by itself":       {"GET", "Content-Type: a/b\nTransfer-Encoding: chunked\n\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, "\r\nContent-Length: 24\r\n", "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
		"connection":              {"GET", "Content-Type: a/b\nConnection: close, X\nKeep-Alive: timeout=1\nUpgrade: h2c\n\nx", 200, "", "x"},
		"trailer keys":            {"GET", "Content-Type: a/b\nTrailer: X\nTrailer:X: 1\n\nx", 200, "", "x"},
		"steering":                {"GET", "Content-Type: a/b\nX-Accel-Redirect: /x\nX-Sendfile: /x\nAlt-Svc: h3=\":1\"\nX-Space-Error: crashed\nServer: Deta\n\nx", 200, "", "x"},
		"a date of its own":       {"GET", "Content-Type: a/b\nDate: Thu, 01 Jan 1970 00:00:00 GMT\n\nx", 200, "\r\nDate: " + time.Now().UTC().Format("Mon, 02 Jan 2006"), "x"},
		"a body on no content":    {"GET", "Status: 204\nContent-Length: 5\n\nhello", 204, "", ""},
		"a body on reset content": {"GET", "Status: 205\nContent-Length: 5\n\nhello", 205, "\r\nContent-Length: 0\r\n", ""},
		"a body on not modified":  {"GET", "Status: 304\nContent-Length: 5\nETag: \"x\"\n\nhello", 304, "\r\nEtag: \"x\"\r\n", ""},
		"a body on HEAD":          {"HEAD", "Content-Type: a/b\nContent-Length: 5\n\nhello", 200, "\r\nContent-Length: 5\r\n", ""},
		"HEAD that only declares": {"HEAD", "Content-Type: a/b\nContent-Length: 99\n\n", 200, "\r\nContent-Length: 99\r\n", ""},
		"a range":                 {"GET", "Status: 206\nContent-Type: a/b\nContent-Range: bytes 1-1/3\n\nx", 206, "\r\nContent-Range: bytes 1-1/3\r\n", "x"},
		"many cookies":            {"GET", "Content-Type: a/b\n" + strings.Repeat("Set-Cookie: a=b\n", 200) + "\nx", 200, "\r\nSet-Cookie: a=b\r\nSet-Cookie: a=b\r\n", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.in(t).connect()
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: probe.localhost:%s\r\n\r\n", c.method, raw(c.output), s.port)
			fmt.Fprintf(conn, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
			var wire bytes.Buffer
			reader := bufio.NewReader(io.TeeReader(conn, &wire))
			request, err := http.NewRequest(c.method, "http://x/", nil)
			must(t, err)
			res, err := http.ReadResponse(reader, request)
			must(t, err)
			body, err := io.ReadAll(res.Body)
			must(t, err)
			head, _, _ := strings.Cut(wire.String(), "\r\n\r\n")
			if res.StatusCode != c.status || (c.status != 502 && string(body) != c.body) || !strings.Contains(head+"\r\n", c.head) {
				t.Errorf("got %d %q\n%s", res.StatusCode, body, head)
			}
			if (c.status == 502) != (res.Header.Get("X-Space-Error") == "bad_response") {
				t.Errorf("X-Space-Error %q", res.Header.Get("X-Space-Error"))
			}
			refuseHead(t, head)
			next, err := readOne(reader)
			if err != nil || next.status != 200 || next.body != "ok\n" {
				t.Errorf("the next answer is %+v, %v", next, err)
			}
		})
	}
	if log := s.logs("probe"); len(log) == 0 {
		t.Error("the owner finds nothing in the log")
	}
}

// refuseHead checks that nothing in the header contradicts itself or steers a proxy.
func refuseHead(t *testing.T, head string) {
	t.Helper()
	lower := strings.ToLower(head) + "\r\n"
	for _, name := range []string{
		"connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "trailer:x", "x-accel-redirect", "x-sendfile", "alt-svc", "server", "x",
	} {
		if strings.Contains(lower, "\r\n"+name+":") {
			t.Errorf("%s is in the header:\n%s", name, head)
		}
	}
	for _, name := range []string{"content-length", "date", "content-type", "x-space-request-id"} {
		if n := strings.Count(lower, "\r\n"+name+":"); n > 1 {
			t.Errorf("%s stands %d times:\n%s", name, n, head)
		}
	}
	if strings.ContainsAny(strings.ReplaceAll(head, "\r\n", ""), "\r\n\x00") {
		t.Errorf("the header has stray control characters: %q", head)
	}
}

// T17: a body that streams and ends short of its Content-Length cuts the connection.
func TestE2EShortBodyIsCut(t *testing.T) {
	s := serve(t).withProbe()
	conn := s.connect()
	fmt.Fprintf(conn, "GET /short HTTP/1.1\r\nHost: probe.localhost:%s\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", s.port)
	all, err := io.ReadAll(conn)
	must(t, err)
	head, body, _ := strings.Cut(string(all), "\r\n\r\n")
	contains(t, head, "200 OK", "Content-Length: 200000")
	if len(body) != 100_000 {
		t.Errorf("%d bytes came, and what follows is taken for the rest", len(body))
	}
}

// HEAD runs the guest as GET does, and a range, a condition and an early answer
// to Expect are defined.
func TestE2EExpect(t *testing.T) {
	s := serve(t).withProbe()
	s.pushed("private", "application/zip", zipped(t, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - {name: a, src: ., engine: wasm}\n", "main.wasm": string(guest("hello")),
	}))
	for name, c := range map[string]struct {
		host, target string
		length       int
		first        string // the first line that comes
	}{
		"taken":               {"probe", "/length", 5, "HTTP/1.1 100 Continue"},
		"too large":           {"probe", "/length", payload + 1, "HTTP/1.1 413 "},
		"no token":            {"private", "/", 5, "HTTP/1.1 401 "},
		"no app":              {"nobody", "/", 5, "HTTP/1.1 404 "},
		"the platform's":      {"probe", "/__space/x", 5, "HTTP/1.1 404 "},
		"no host of ours":     {"x.probe", "/", 5, "HTTP/1.1 421 "},
		"no body to wait for": {"probe", "/length", 0, "HTTP/1.1 200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.in(t).connect()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s.localhost:%s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", c.target, c.host, s.port, c.length)
			line, err := bufio.NewReader(conn).ReadString('\n')
			must(t, err)
			if !strings.HasPrefix(line, c.first) {
				t.Errorf("got %q, want %q", line, c.first)
			}
		})
	}
	// T17: what a private Micro answers is nobody else's to keep.
	if got := s.get("private", "/", "Authorization", "Bearer "+s.token).header.Get("Cache-Control"); got != "private" {
		t.Errorf("Cache-Control %q", got)
	}
}

// T28: what a client or a guest writes does nothing to the terminal that shows a log.
func TestE2ELogsAreEscaped(t *testing.T) {
	s := serve(t).withProbe()
	s.get("probe", "/log?line=%1b%5d0%3bowned%07%c2%9b2J%0dx").is(t, 200, "")
	s.get("probe", "/%1b%5d0;owned%07").is(t, 200, "")
	s.logged("probe", "", func(e entry) bool { return strings.Contains(e.Message, "owned") })
	out, _ := s.console(0, "logs", "probe")
	asJSON, _ := s.console(0, "logs", "probe", "--json")
	for what, text := range map[string]string{"logs": out, "logs --json": asJSON, "the server's log": s.stderr.String()} {
		contains(t, text, "owned")
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r < ' ' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Errorf("%s has a control character: %q", what, text[max(0, i-20):min(len(text), i+20)])
		}
	}
	contains(t, out, `\x1b]0;owned\a`)
}
