package main_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// exchange sends bytes on a connection of their own, in which HOST stands for the
// probe's host, and reads the answers until the server closes the connection or
// has nothing more to say.
func (s *server) exchange(bytes string) (answers []answer, closed bool) {
	s.t.Helper()
	conn := s.connect()
	_, err := io.WriteString(conn, strings.ReplaceAll(bytes, "HOST", "probe.localhost:"+s.port))
	must(s.t, err)
	reader := bufio.NewReader(conn)
	for {
		// The first answer takes as long as it takes; of another there is no sign.
		patience := 10 * time.Second
		if len(answers) > 0 {
			patience = 300 * time.Millisecond
		}
		must(s.t, conn.SetReadDeadline(time.Now().Add(patience)))
		if _, err := reader.Peek(1); err != nil {
			return answers, !errors.Is(err, os.ErrDeadlineExceeded)
		}
		a, err := readOne(reader)
		if errors.Is(err, io.ErrUnexpectedEOF) || isReset(err) {
			return answers, true
		}
		must(s.t, err)
		answers = append(answers, a)
	}
}

func isReset(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok && !errors.Is(err, os.ErrDeadlineExceeded)
}

func readOne(reader *bufio.Reader) (answer, error) {
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(body)}, err
}

// smuggled is a request that a proxy in front would not see as one.
const smuggled = "GET /env?smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n"

// hostileRequest is what a client sends, and what it gets: one answer, in which
// part stands.
type hostileRequest struct {
	bytes  string
	status int
	code   string // "" for the Micro's answer, "-" for one of Go's own server
	part   string
	closed bool // the connection is not used again
}

// T18: the first line, the host and the path.
func TestE2EHostileTargets(t *testing.T) {
	const host = " HTTP/1.1\r\nHost: HOST\r\n\r\n"
	serve(t).withProbe().hostile(map[string]hostileRequest{
		"asterisk":               {"GET *" + host, 400, "bad_request", "no path", true},
		"options of all":         {"OPTIONS *" + host, 400, "bad_request", "no path", true},
		"options":                {"OPTIONS /x" + host, 200, "", "OPTIONS /x\n", false},
		"HTTP/2 preface":         {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request", "no path", true},
		"connect":                {"CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n", 501, "upgrade_unsupported", "no proxy", true},
		"trace":                  {"TRACE /" + host, 405, "method_not_allowed", "TRACE", true},
		"a method of its own":    {"M-SEARCH /x" + host, 200, "", "M-SEARCH /x\n", false},
		"lower-case method":      {"get /x" + host, 200, "", "get /x\n", false},
		"method no token":        {"GE(T /" + host, 400, "-", "", true},
		"HTTP/0.9":               {"GET /\r\n\r\n", 400, "-", "", true},
		"HTTP/2 in clear":        {"GET / HTTP/2.0\r\nHost: HOST\r\n\r\n", 505, "-", "", true},
		"no host":                {"GET / HTTP/1.1\r\n\r\n", 400, "-", "", true},
		"empty host":             {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "bad_request", "no host", true},
		"two hosts":              {"GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n", 400, "-", "", true},
		"blank in the host":      {"GET / HTTP/1.1\r\nHost: probe .localhost\r\n\r\n", 400, "-", "", true},
		"user in the host":       {"GET / HTTP/1.1\r\nHost: user@HOST\r\n\r\n", 400, "-", "", true},
		"port that is none":      {"GET / HTTP/1.1\r\nHost: probe.localhost:x\r\n\r\n", 421, "misdirected", "", false},
		"HTTP/1.0 without host":  {"GET / HTTP/1.0\r\n\r\n", 400, "bad_request", "no host", true},
		"prober without host":    {"GET /readyz HTTP/1.0\r\n\r\n", 200, "", "ok\n", true},
		"rebinding":              {"GET /api/v1/openapi.json HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "misdirected", "", false},
		"forwarded host":         {"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: HOST\r\n\r\n", 421, "misdirected", "", false},
		"address":                {"GET http://HOST/x HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200, "", "host probe.localhost", false},
		"address of another":     {"GET http://evil.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 421, "misdirected", "", false},
		"address with a user":    {"GET http://user@HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "bad_request", "no address", true},
		"address of ftp":         {"GET ftp://HOST/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 400, "bad_request", "no address", true},
		"control byte in a path": {"GET /a\x01b" + host, 400, "-", "", true},
		"NUL in a path":          {"GET /a\x00b" + host, 400, "-", "", true},
		"escaped NUL":            {"GET /a%00b" + host, 400, "bad_request", "NUL", true},
		"broken escape":          {"GET /a%zz" + host, 400, "-", "", true},
		"escaped line end":       {"GET /a%0d%0aX:1" + host, 200, "", "GET /a%0d%0aX:1\n", false},
		"escapes twice":          {"GET /%255f" + host, 200, "", "GET /%255f\npath /%5f\n", false},
		"slashes and dots":       {"GET //a/./../b//" + host, 200, "", "GET //a/./../b//\n", false},
		"backslash":              {"GET /a\\..\\b" + host, 200, "", "GET /a%5C..%5Cb\npath /a\\..\\b\n", false},
		"fragment":               {"GET /a#b" + host, 200, "", "GET /a%23b\npath /a#b\n", false},
		"byte beyond ASCII":      {"GET /\xff" + host, 200, "", "GET /%FF\npath /\xff\n", false},
	})
}

// T16: header lines.
func TestE2EHostileHeaders(t *testing.T) {
	const begin = "GET /env HTTP/1.1\r\nHost: HOST\r\n"
	serve(t).withProbe().hostile(map[string]hostileRequest{
		// Go's server joins folded lines by a blank, as RFC 9112 section 5.2 lets it, before anybody can refuse them.
		"folded":                     {begin + "X-A: one\r\n\t two\r\n\r\n", 200, "", "\nHTTP_X_A=one two\n", false},
		"folded framing":             {"POST /length HTTP/1.1\r\nHost: HOST\r\nContent-Length:\r\n 5\r\n\r\nhello", 200, "", `POST true "5" 5`, false},
		"folded first":               {"GET / HTTP/1.1\r\n Host: HOST\r\n\r\n", 400, "-", "", true},
		"underscores":                {begin + "X_A: 1\r\nContent_Length: 5\r\nX-B: 2\r\n\r\n", 200, "", "\nHTTP_X_B=2\n", false},
		"blank before the colon":     {begin + "X-A : 1\r\n\r\n", 400, "-", "", true},
		"framing with a blank":       {begin + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "-", "", true},
		"no colon":                   {begin + "hello\r\n\r\n", 400, "-", "", true},
		"no name":                    {begin + ": 1\r\n\r\n", 400, "-", "", true},
		"name no token":              {begin + "X(A): 1\r\n\r\n", 400, "-", "", true},
		"NUL in a name":              {begin + "X\x00A: 1\r\n\r\n", 400, "-", "", true},
		"NUL in a value":             {begin + "X-A: a\x00b\r\n\r\n", 400, "-", "", true},
		"control byte in a value":    {begin + "X-A: a\x1bb\r\n\r\n", 400, "-", "", true},
		"return in a value":          {begin + "X-A: a\rX-B: b\r\n\r\n", 400, "-", "", true},
		"70 KB":                      {begin + "X-A: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 431, "-", "", true},
		"a target of 70 KB":          {"GET /" + strings.Repeat("a", 70<<10) + " HTTP/1.1\r\nHost: HOST\r\n\r\n", 431, "-", "", true},
		"a target of 60 KB":          {"GET /" + strings.Repeat("a", 60<<10) + " HTTP/1.1\r\nHost: HOST\r\n\r\n", 200, "", "aaaa\nquery", false},
		"70 KB in lines":             {begin + strings.Repeat("X-A: a\r\n", 10<<10) + "\r\n", 431, "-", "", true},
		"expects something":          {begin + "Expect: a miracle\r\n\r\n", 417, "-", "", true},
		"a range is the Micro's":     {begin + "Range: bytes=1-\r\nIf-Range: \"x\"\r\nIf-None-Match: \"y\"\r\n\r\n", 200, "", "\nHTTP_RANGE=bytes=1-\n", false},
		"scheme from nobody trusted": {begin + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\r\n", 200, "", "\nHTTP_HOST=probe.localhost", false},
	})
}

// A request whose end can be seen in two ways is the last of its connection: what
// follows is nobody's.
func TestE2ESmuggling(t *testing.T) {
	const post = "POST /length HTTP/1.1\r\nHost: HOST\r\n"
	serve(t).withProbe().hostile(map[string]hostileRequest{
		"chunks with HTTP/1.0": {
			"POST /length HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled, 200, "", "POST false", true,
		},
		"chunks and a length":        {post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 200, "", "POST false", true},
		"chunk extension":            {post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"b\r\nhello\r\n0;x\r\n\r\n" + smuggled, 200, "", `POST true "5"`, true},
		"trailers":                   {post + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\n" + smuggled, 200, "", `POST true "5"`, true},
		"chunk without a return":     {post + "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n" + smuggled, 400, "bad_request", "", true},
		"chunk of no number":         {post + "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n" + smuggled, 400, "bad_request", "", true},
		"chunk with a sign":          {post + "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n" + smuggled, 400, "bad_request", "", true},
		"chunk beyond all":           {post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n\r\n" + smuggled, 400, "bad_request", "", true},
		"two encodings":              {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 501, "-", "", true},
		"encodings in one line":      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled, 501, "-", "", true},
		"unknown encoding":           {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, 501, "-", "", true},
		"encoding with control byte": {post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smuggled, 400, "-", "", true},
		"two lengths":                {post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + smuggled, 400, "-", "", true},
		"length with a sign":         {post + "Content-Length: +5\r\n\r\nhello" + smuggled, 400, "-", "", true},
		"negative length":            {post + "Content-Length: -1\r\n\r\n" + smuggled, 400, "-", "", true},
		"lengths in one line":        {post + "Content-Length: 5, 5\r\n\r\nhello" + smuggled, 400, "-", "", true},
		"length in sixteens":         {post + "Content-Length: 0x5\r\n\r\nhello" + smuggled, 400, "-", "", true},
		"the same length twice":      {post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "", `POST true "5"`, false},
	})
}

// hostile tries each request on a connection of its own.
func (s *server) hostile(cases map[string]hostileRequest) {
	for name, c := range cases {
		s.t.Run(name, func(t *testing.T) {
			answers, closed := s.in(t).exchange(c.bytes)
			if len(answers) != 1 || closed != c.closed {
				t.Fatalf("%d answers, connection closed %t: %+v", len(answers), closed, answers)
			}
			a := answers[0]
			code := a.header.Get("X-Space-Error")
			if a.header.Get("X-Space-Request-Id") == "" {
				code = "-"
			}
			if a.status != c.status || code != c.code || !strings.Contains(a.body, c.part) {
				t.Errorf("got %d %q %v\n%.2000q", a.status, code, a.header, a.body)
			}
			for _, secret := range []string{"HTTP_X_T=", "smuggled", "HTTP_X_A=1", "HTTP_X_FORWARDED", "HTTPS=", "HTTP_CONTENT_LENGTH"} {
				if strings.Contains(a.body, secret) {
					t.Errorf("%q is in %q", secret, a.body)
				}
			}
		})
	}
	contains(s.t, s.ok("probe", "/"), "GET /")
}
