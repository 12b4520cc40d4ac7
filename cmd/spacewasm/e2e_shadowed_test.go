package main_test

import (
	"net/http"
	"strings"
	"testing"
)

// T14, T18: a server that starts with a name which an app has as a domain says so, at its start and where
// domains are listed. Who answers there then is told of as an heir, and gets no login of the app's; by the old name
// the app has its domain again, as an heir itself.
func TestE2EShadowedDomain(t *testing.T) {
	s := serve(t)
	s.withShop("pub")
	s.pushed("shop", "application/wasm", guest("hello"))
	const host = "shop.example.org"
	s.console(0, "domains", "pub", "add", host)
	s.console(0, "domains", "pub", "add", "pub.example")
	page := append(bearerOf(s), "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	cleared := func(s *server, host string, want bool) {
		t.Helper()
		a := s.at(host, "/", page...)
		if a.is(t, http.StatusOK, ""); (a.header.Get("Clear-Site-Data") != "") != want {
			t.Errorf("%s: %v", host, a.header)
		}
	}
	cleared(s, host, false)
	s.stop()

	port := freePort(t)
	s = serveData(t, s.data, "--domain", "example.org", "--public-url", "http://example.org:"+port, "--listen", "127.0.0.1:"+port)
	s.url, s.port = "http://127.0.0.1:"+port, port // the line that it is ready names the other
	contains(t, s.stderr.String(), "level=WARN", "app=pub host="+host, "spacewasm domains APP rm HOST")
	if strings.Contains(s.stderr.String(), "host=pub.example") {
		t.Errorf("it complains of a domain that works: %s", &s.stderr)
	}
	cleared(s, host, true)
	cleared(s, "pub.example.org", false)
	cleared(s, "pub.example", false)
	for _, args := range [][]string{{"ls"}, {"domains", "pub"}} {
		out, said := s.console(0, args...)
		contains(t, out, host, "shadowed")
		contains(t, said, host+" has become the server's own")
	}
	form := strings.NewReader("token=" + s.token + "&nonce=x&app=pub&host=" + host)
	login := s.request(http.MethodPost, "", "/login", form, "Content-Type", "application/x-www-form-urlencoded")
	login.Host = "example.org"
	a := s.do(login)
	if a.is(t, http.StatusNotFound, "not_found"); strings.Contains(a.header.Get("Location"), "ticket") {
		t.Errorf("a ticket of pub's goes to %s", a.header.Get("Location"))
	}
	s.stop()

	s = serveData(t, s.data)
	cleared(s, host, true)
	cleared(s, "pub.example", false)
	if strings.Contains(s.stderr.String(), "host="+host) {
		t.Errorf("it complains still: %s", &s.stderr)
	}
}
