// Package cgi is the "cgi" contract: a request becomes the environment and the
// standard input of a command (RFC 3875, as Go's net/http/cgi and WAGI use it),
// and its standard output becomes the response.
package cgi

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Env returns the meta-variables of a request (RFC 3875 section 4.1) as
// KEY=value lines, sorted. size is the length of the body, which has been read
// whole. The client's address is nobody's business: REMOTE_ADDR is 127.0.0.1.
//
// Headers whose name has an underscore are dropped, since CF_Connecting_IP would
// become the same variable as CF-Connecting-IP; so is Proxy, which programs
// would take for their outgoing proxy (httpoxy).
func Env(r *http.Request, size int64) []string {
	name, port := server(r)
	const room, many = 1 << 10, 32 // for most requests
	v := variables{make([]byte, 0, room), make([]int, 0, many)}
	v.add("GATEWAY_INTERFACE", "CGI/1.1")
	v.add("HTTP_HOST", r.Host)
	v.add("PATH_INFO", r.URL.Path)
	v.add("QUERY_STRING", r.URL.RawQuery)
	v.add("REMOTE_ADDR", "127.0.0.1")
	v.add("REMOTE_HOST", "127.0.0.1")
	v.add("REQUEST_METHOD", r.Method)
	v.add("REQUEST_URI", r.URL.RequestURI())
	v.add("SCRIPT_NAME", "")
	v.add("SERVER_NAME", name)
	v.add("SERVER_PORT", port)
	v.add("SERVER_PROTOCOL", r.Proto)
	v.add("SERVER_SOFTWARE", "spacewasm")
	if secure(r) {
		v.add("HTTPS", "on")
	}
	if size > 0 || r.ContentLength > 0 || r.Header.Get("Content-Length") != "" {
		v.add("CONTENT_LENGTH", strconv.FormatInt(size, 10))
	}
	if t := r.Header.Get("Content-Type"); t != "" {
		v.add("CONTENT_TYPE", t)
	}
	for name, values := range r.Header {
		if hasVariable(name) {
			v.addHeader(name, values)
		}
	}
	return v.sorted()
}

// variables are an environment that is being made: one text, and where each variable ends
// in it, as each request has some twenty.
type variables struct {
	text []byte
	ends []int
}

func (v *variables) add(key, value string) {
	v.text = append(append(append(v.text, key...), '='), value...)
	v.ends = append(v.ends, len(v.text))
}

// addHeader adds the meta-variable of a header.
func (v *variables) addHeader(name string, values []string) {
	v.text = append(v.text, "HTTP_"...)
	for _, c := range []byte(name) {
		switch {
		case c == '-':
			c = '_'
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		v.text = append(v.text, c)
	}
	v.text = append(v.text, '=')
	for i, value := range values {
		if i > 0 {
			v.text = append(v.text, separator(name)...)
		}
		v.text = append(v.text, value...)
	}
	v.ends = append(v.ends, len(v.text))
}

// sorted is the environment in its order, with each variable once.
func (v *variables) sorted() []string {
	text, from := string(v.text), 0
	env := make([]string, len(v.ends))
	for i, end := range v.ends {
		env[i], from = text[from:end], end
	}
	slices.Sort(env)
	return slices.CompactFunc(env, func(a, b string) bool {
		n := strings.IndexByte(a, '=') + 1
		return len(b) >= n && a[:n] == b[:n]
	})
}

// hasVariable tells whether a header has a meta-variable.
func hasVariable(header string) bool {
	switch header {
	case "Proxy", "Content-Type", "Content-Length", "Transfer-Encoding", "Host":
		return false
	}
	return !strings.Contains(header, "_")
}

// separator joins the values of a header that came more than once (RFC 9110
// section 5.3; RFC 6265 section 5.4 for cookies).
func separator(header string) string {
	if header == "Cookie" {
		return "; "
	}
	return ", "
}

func server(r *http.Request) (name, port string) {
	if host, port, err := net.SplitHostPort(r.Host); err == nil {
		return host, port
	}
	if secure(r) {
		return r.Host, "443"
	}
	return r.Host, "80"
}

// secure tells whether the client came by TLS. The gateway lets
// X-Forwarded-Proto pass from trusted proxies only.
func secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}
