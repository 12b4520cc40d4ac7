package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// env asks the probe for its environment.
func (s *server) env(target string, headers ...string) map[string]string {
	s.t.Helper()
	return environment(s.ok("probe", target, headers...))
}

func environment(text string) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[key] = value
	}
	return env
}

// clientAddress is what the requests say of their way; no Micro may see it.
const clientAddress = "203.0.113.9"

var addressHeaders = []string{
	"X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "CF-Connecting-IPv6",
	"Fastly-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Original-Forwarded-For", "Client-IP",
	"X_Real_IP", "X_Forwarded_For", "CF_Connecting_IP", "x-forwarded_for", "X-Envoy-External-Address",
}

// T16: header names with an underscore are no way around the others.
func TestE2EClientAddress(t *testing.T) {
	s := serve(t).withProbe()
	text := s.raw("probe", "/env", headerLines(addressHeaders, clientAddress)+
		"Connection: X-Hop\r\nX-Hop: 1\r\nProxy: http://evil\r\nX-Plain: kept\r\n")
	for line := range strings.Lines(text) {
		if strings.Contains(line, clientAddress) {
			t.Errorf("the Micro learns of the client: %s", line)
		}
	}
	env := environment(text)
	for _, name := range []string{"HTTP_PROXY", "HTTP_X_HOP", "HTTP_CONNECTION", "REMOTE_PORT"} {
		if value, ok := env[name]; ok && value != "0" {
			t.Errorf("the Micro sees %s=%s", name, value)
		}
	}
	if env["REMOTE_ADDR"] != "127.0.0.1" || env["HTTP_X_PLAIN"] != "kept" {
		t.Errorf("REMOTE_ADDR=%s HTTP_X_PLAIN=%s", env["REMOTE_ADDR"], env["HTTP_X_PLAIN"])
	}
}

// T18: what a proxy says counts only if it is a trusted one.
func TestE2ETrustedProxy(t *testing.T) {
	s := serve(t, "--trusted-proxy", "127.0.0.1/32").withProbe()
	text := s.raw("probe", "/env", headerLines(addressHeaders, clientAddress))
	if n := strings.Count(text, clientAddress); n != 1 || environment(text)["HTTP_CF_CONNECTING_IP"] != clientAddress {
		t.Errorf("the address stands %d times, want once in HTTP_CF_CONNECTING_IP:\n%s", n, text)
	}
	if got := environment(text)["REMOTE_ADDR"]; got != "127.0.0.1" {
		t.Errorf("REMOTE_ADDR=%s", got)
	}
	if got := environment(s.raw("probe", "/env", "X-Forwarded-Proto: https\r\n"))["HTTPS"]; got != "on" {
		t.Errorf("HTTPS=%q behind a proxy with TLS", got)
	}
	other := serve(t, "--trusted-proxy", "192.0.2.0/24").withProbe()
	if text := other.raw("probe", "/env", headerLines(addressHeaders, clientAddress)); strings.Contains(text, clientAddress) {
		t.Errorf("who is not the proxy is believed:\n%s", text)
	}
}

func headerLines(names []string, value string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	return b.String()
}

// raw asks an app over a connection of its own, with header lines as given. The
// answer has to have the status 200.
func (s *server) raw(app, target, headers string) string {
	s.t.Helper()
	conn := s.connect()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s.localhost:%s\r\n%s\r\n", target, app, s.port, headers)
	a := readAnswer(s.t, conn)
	a.is(s.t, http.StatusOK, "")
	return a.body
}

// connect opens a connection that ends with the test.
func (s *server) connect() net.Conn {
	s.t.Helper()
	conn, err := s.dial()
	must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	must(s.t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	return conn
}

func readAnswer(t *testing.T, conn net.Conn) answer {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	defer res.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(res.Body)
	must(t, err)
	return answer{status: res.StatusCode, header: res.Header, body: body.String()}
}

// The admin token opens a Micro and is not for its eyes; another's credentials are.
func TestE2EAuthorization(t *testing.T) {
	s := serve(t).withProbe()
	for _, headers := range [][]string{
		{"Authorization", "Bearer " + s.token}, {"Authorization", "bearer  " + s.token}, {"X-Other", s.token},
	} {
		if text := s.ok("probe", "/env", headers...); strings.Contains(text, s.token) {
			t.Errorf("%q: the Micro sees the admin token", headers[0])
		}
	}
	if got := s.env("/env", "Authorization", "Basic eDp5")["HTTP_AUTHORIZATION"]; got != "Basic eDp5" {
		t.Errorf("HTTP_AUTHORIZATION=%q", got)
	}
}

// Deta Space set these variables before a Micro's own.
func TestE2EPresetVariables(t *testing.T) {
	s := serve(t).withProbe()
	first := s.env("/env")
	host := "probe.localhost:" + s.port
	for name, want := range map[string]string{
		"DETA_RUNTIME": "true", "DETA_SPACE_APP": "true", "DETA_SPACE_APP_VERSION": "1",
		"DETA_SPACE_APP_HOSTNAME": host, "DETA_SPACE_APP_MICRO_NAME": "probe", "DETA_SPACE_APP_MICRO_TYPE": "primary",
		"PORT": "8080", "HTTP_HOST": host,
	} {
		if first[name] != want {
			t.Errorf("%s=%q, want %q", name, first[name], want)
		}
	}
	for _, name := range []string{"DETA_PROJECT_KEY", "DETA_API_KEY"} {
		id, secret, _ := strings.Cut(first[name], "_")
		if len(id) < 8 || len(secret) < 20 || strings.Contains(secret, "_") {
			t.Errorf("%s=%q, want <id>_<secret>", name, first[name])
		}
	}
	s.withProbe()
	s.sameKeys(first, "2")
	s.stop()
	serveData(t, s.data).sameKeys(first, "2")
	other := serve(t).withProbe()
	if got := other.env("/env")["DETA_PROJECT_KEY"]; got == first["DETA_PROJECT_KEY"] {
		t.Error("two servers made the same key")
	}
}

// sameKeys checks that the app's keys are what they were.
func (s *server) sameKeys(first map[string]string, revision string) {
	s.t.Helper()
	env := s.env("/env")
	for _, name := range []string{"DETA_PROJECT_KEY", "DETA_API_KEY"} {
		if env[name] != first[name] {
			s.t.Errorf("%s=%q, which was %q", name, env[name], first[name])
		}
	}
	if got := env["DETA_SPACE_APP_VERSION"]; got != revision {
		s.t.Errorf("DETA_SPACE_APP_VERSION=%s, want %s", got, revision)
	}
}
