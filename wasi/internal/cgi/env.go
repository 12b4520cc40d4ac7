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
	vars := map[string]string{
		"GATEWAY_INTERFACE": "CGI/1.1",
		"HTTP_HOST":         r.Host,
		"PATH_INFO":         r.URL.Path,
		"QUERY_STRING":      r.URL.RawQuery,
		"REMOTE_ADDR":       "127.0.0.1",
		"REMOTE_HOST":       "127.0.0.1",
		"REQUEST_METHOD":    r.Method,
		"REQUEST_URI":       r.URL.RequestURI(),
		"SCRIPT_NAME":       "",
		"SERVER_NAME":       name,
		"SERVER_PORT":       port,
		"SERVER_PROTOCOL":   r.Proto,
		"SERVER_SOFTWARE":   "spacewasm",
	}
	if secure(r) {
		vars["HTTPS"] = "on"
	}
	if size > 0 || r.ContentLength > 0 || r.Header.Get("Content-Length") != "" {
		vars["CONTENT_LENGTH"] = strconv.FormatInt(size, 10)
	}
	if t := r.Header.Get("Content-Type"); t != "" {
		vars["CONTENT_TYPE"] = t
	}
	for name, values := range r.Header {
		if key, ok := variable(name); ok {
			vars[key] = strings.Join(values, separator(name))
		}
	}
	env := make([]string, 0, len(vars))
	for key, value := range vars {
		env = append(env, key+"="+value)
	}
	slices.Sort(env)
	return env
}

// variable names the meta-variable of a header, if it has one.
func variable(header string) (string, bool) {
	switch header {
	case "Proxy", "Content-Type", "Content-Length", "Transfer-Encoding", "Host":
		return "", false
	}
	if strings.Contains(header, "_") {
		return "", false
	}
	return "HTTP_" + strings.ToUpper(strings.ReplaceAll(header, "-", "_")), true
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
