// Laid over Go's own package net/http/cgi, this method lets the tests of its host
// run against a spacewasm server whose Micro is the CGI program of these tests.
// Where the server answers otherwise on purpose, the difference is checked to be
// just that, and then undone; the reasons stand beside.

package cgi

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ServeHTTP asks the server at $SPACEWASM_TEST_ADDR, which answers for the host
// example.com.
func (h *Handler) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	out, err := http.NewRequestWithContext(req.Context(), req.Method, "http://"+os.Getenv("SPACEWASM_TEST_ADDR")+req.URL.RequestURI(), req.Body)
	if err != nil {
		h.strange(rw, err)
		return
	}
	out.Host, out.Header, out.ContentLength = req.Host, req.Header.Clone(), req.ContentLength
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	res, err := transport.RoundTrip(out)
	if err != nil {
		h.strange(rw, err)
		return
	}
	defer res.Body.Close()
	id := res.Header.Get("X-Space-Request-Id")
	switch location := res.Header.Get("Location"); {
	case res.Header.Get("X-Space-Error") == "bad_response" && res.StatusCode == http.StatusBadGateway:
		// 502 tells the Micro's fault from the server's own.
		rw.WriteHeader(http.StatusInternalServerError)
	case len(req.TransferEncoding) > 0:
		// A body is read whole before a Micro starts, so that it has a length.
		body, _ := io.ReadAll(res.Body)
		if strings.Contains(string(body), "param-postfoo=postbar") && strings.Contains(string(body), "env-CONTENT_LENGTH=15\r\n") {
			rw.WriteHeader(http.StatusBadRequest)
		}
	case strings.HasPrefix(location, "/") && res.StatusCode == http.StatusFound && h.PathLocationHandler != nil:
		// A local redirect goes to the client, which is what the tests are here.
		h.PathLocationHandler.ServeHTTP(rw, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: location}, Host: req.Host, RemoteAddr: req.RemoteAddr})
	default:
		for name, values := range res.Header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(res.StatusCode)
		h.copy(rw, req, res, id)
	}
	if h.Stderr != nil {
		for _, e := range logged(id, func(e entry) bool { return e.Source == "guest" }) {
			fmt.Fprintln(h.Stderr, strings.TrimSuffix(e.Message, "\n"))
		}
	}
}

func (h *Handler) strange(rw http.ResponseWriter, err error) {
	http.Error(rw, "spacewasm: "+err.Error(), http.StatusTeapot)
}

// copy hands the body on. If that fails, the Micro has to be ended by the server.
func (h *Handler) copy(rw http.ResponseWriter, req *http.Request, res *http.Response, id string) {
	if res.ContentLength >= 0 {
		body, err := io.ReadAll(res.Body)
		if err != nil {
			body = []byte("spacewasm: " + err.Error())
		}
		io.WriteString(rw, h.translate(string(body), req))
		return
	}
	if _, err := io.Copy(rw, res.Body); err == nil {
		return
	}
	res.Body.Close()
	if len(logged(id, func(e entry) bool { return e.Code == "client_gone" })) == 0 {
		panic("the Micro goes on though its client has gone")
	}
}

// translate undoes in the program's list of its environment what the server does
// otherwise.
func (h *Handler) translate(body string, req *http.Request) string {
	if !strings.Contains(body, "env-GATEWAY_INTERFACE=CGI/1.1") {
		return body
	}
	host, port, _ := net.SplitHostPort(req.RemoteAddr)
	root := strings.TrimRight(h.Root, "/")
	dir := h.Dir
	if dir == "" {
		dir = filepath.Dir(h.Path)
	}
	undo := map[string][2]string{ // ours, theirs
		"env-REMOTE_ADDR":     {"127.0.0.1", host}, // a client's address is nobody's business
		"env-REMOTE_HOST":     {"127.0.0.1", host},
		"env-SCRIPT_NAME":     {"", root}, // a Micro is its own root
		"env-PATH_INFO":       {req.URL.Path, strings.TrimPrefix(req.URL.Path, root)},
		"env-SERVER_SOFTWARE": {"spacewasm", "go"},
		"cwd":                 {"/", dir}, // a Micro's folder is its /
	}
	var b strings.Builder
	for line := range strings.Lines(body) {
		text := strings.TrimRight(line, "\r\n")
		key, value, _ := strings.Cut(text, "=")
		if pair, ok := undo[key]; ok && value == pair[0] {
			line = key + "=" + pair[1] + line[len(text):]
		}
		b.WriteString(line)
	}
	// A sandbox has no file name, and its environment is the app's, not a request's.
	for _, variable := range append([]string{"REMOTE_PORT=" + port, "SCRIPT_FILENAME=" + h.Path}, h.Env...) {
		b.WriteString("env-" + variable + "\n")
	}
	return b.String()
}

// entry is one of the app's log.
type entry struct{ Request, Source, Code, Message string }

// logged waits until the log has entries of a request that fit.
func logged(id string, fits func(entry) bool) []entry {
	for range 200 {
		var found []entry
		for _, e := range readLog() {
			if e.Request == id && fits(e) {
				found = append(found, e)
			}
		}
		if len(found) > 0 {
			return found
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

func readLog() []entry {
	req, err := http.NewRequest(http.MethodGet, "http://"+os.Getenv("SPACEWASM_TEST_ADDR")+"/api/v1/apps/example/logs", nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("SPACEWASM_TEST_TOKEN"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	var entries []entry
	for decoder := json.NewDecoder(res.Body); ; {
		var e entry
		if decoder.Decode(&e) != nil {
			return entries
		}
		entries = append(entries, e)
	}
}
