package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// at asks whoever answers at a host.
func (s *server) at(host, target string, headers ...string) answer {
	s.t.Helper()
	req := s.request(http.MethodGet, "", target, nil, headers...)
	req.Host = host
	return s.do(req)
}

// withShop pushes an app of a public Micro and a private one that prints its environment.
func (s *server) withShop(app string) {
	s.t.Helper()
	s.pushed(app, "application/zip", zipped(s.t, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - {name: web, src: ., engine: wasm, primary: true, public: true}\n  - {name: api, src: api, engine: wasm}\n",
		"main.wasm": string(guest("hello")), "api/main.wasm": string(guest("env")),
	}))
}

// An app answers at a domain of its owner's as at its built-in host, until it is removed:
// over a restart, and where a backup is restored. T18: no app gets a host of the server's,
// and who has none stays misdirected.
func TestE2EDomains(t *testing.T) {
	s := serve(t)
	s.withShop("shop")
	s.pushed("blog", "application/wasm", guest("hello"))
	const host = "shop.example"
	s.at(host, "/").problem(t, http.StatusMisdirectedRequest, "misdirected")
	out, said := s.console(0, "domains", "shop", "add", "Shop.Example.")
	if out != "http://shop.example:"+s.port+"/\n" {
		t.Errorf("it prints %q", out)
	}
	contains(t, said, "shop answers at shop.example")
	s.answersAt(host)
	s.at("x."+host, "/").is(t, http.StatusMisdirectedRequest, "misdirected")

	// What is the platform's is not there.
	bearer := []string{"Authorization", "Bearer " + s.token}
	for _, path := range []string{"/api/v1/apps", "/metrics", "/apps/shop"} {
		if a := s.at(host, path, bearer...); strings.Contains(a.body, "blog") || strings.Contains(a.body, "spacewasm_") {
			t.Errorf("%s at the domain answers %.200s", path, a.body)
		}
	}
	s.domainsRefused(host)
	contains(t, first(s.console(0, "ls")), "DOMAINS", host)

	s.stop()
	s = serveData(t, s.data)
	s.answersAt(host)
	file := filepath.Join(t.TempDir(), "b.tar.gz")
	console(t, 0, "", "backup", file, "--data", s.data)

	s.console(0, "domains", "shop", "rm", host)
	s.at(host, "/").is(t, http.StatusMisdirectedRequest, "misdirected")
	_, why := s.console(1, "domains", "shop", "rm", host)
	contains(t, why, "no domain shop.example")

	to := filepath.Join(t.TempDir(), "to")
	console(t, 0, "", "restore", file, "--data", to)
	restored := serveData(t, to)
	restored.prepared("shop")
	restored.answersAt(host)
	restored.console(0, "rm", "shop")
	restored.at(host, "/").is(t, http.StatusMisdirectedRequest, "misdirected")
	restored.console(0, "domains", "blog", "add", host) // it is free again
	if a := restored.at(host, "/", bearerOf(restored)...); a.body != "hello\n" {
		t.Errorf("the next app answers %d %q", a.status, a.body)
	}
}

func bearerOf(s *server) []string { return []string{"Authorization", "Bearer " + s.token} }

// answersAt wants both Micros of the shop at a host, each for whom it is.
func (s *server) answersAt(host string) {
	t := s.t
	t.Helper()
	for _, name := range []string{host, strings.ToUpper(host), host + ".:" + s.port, host + ":443"} {
		if a := s.at(name, "/"); a.status != http.StatusOK || a.body != "hello\n" {
			t.Errorf("%s: got %d %q", name, a.status, a.body)
		}
	}
	s.at(host, "/api").is(t, http.StatusUnauthorized, "unauthorized")
	a := s.at(host, "/api/x", bearerOf(s)...)
	a.is(t, http.StatusOK, "")
	// The built-in host is still the app's name to itself.
	contains(t, a.body, "DETA_SPACE_APP_HOSTNAME=shop.localhost:"+s.port+"\n", "PATH_INFO=/x\n", "HTTP_HOST="+host+"\n")
	s.at(host, "/__space/v0/nothing").is(t, http.StatusNotFound, "not_found")
}

// domainsRefused tries to take the shop's domain, and the server's own.
func (s *server) domainsRefused(host string) {
	t := s.t
	t.Helper()
	_, why := s.console(1, "domains", "blog", "add", host)
	contains(t, why, "another app's, shop")
	for _, own := range []string{"localhost", "blog.localhost", "127.0.0.1"} {
		s.console(2, "domains", "shop", "add", own)
		a := s.do(s.request(http.MethodPut, "", "/api/v1/apps/shop/domains/"+own, nil, bearerOf(s)...))
		a.problem(t, http.StatusBadRequest, "bad_request")
	}
	ci := s.makes("swt_", "token", "create", "ci", "--app", "shop")
	contains(t, first(s.as(ci, 0, "domains", "shop")), host)
	for _, args := range [][]string{{"domains", "shop", "add", "new.example"}, {"domains", "shop", "rm", host}, {"domains", "blog"}} {
		s.as(ci, 1, args...)
	}
	var list struct{ Domains []struct{ Host string } }
	must(t, json.Unmarshal([]byte(first(s.console(0, "domains", "shop", "--json"))), &list))
	if len(list.Domains) != 1 || list.Domains[0].Host != host {
		t.Errorf("the shop has %+v", list)
	}
}

// The server's domain and what people type are nobody's, whatever their names.
func TestE2EDomainsOfPlatform(t *testing.T) {
	port := freePort(t)
	s := serve(t, "--domain", "apps.example.org", "--public-url", "https://space.example.org:8443", "--listen", "127.0.0.1:"+port)
	s.url, s.port = "http://127.0.0.1:"+port, port // the line that it is ready names the other
	push := s.request(http.MethodPut, "", "/api/v1/apps/shop", strings.NewReader(string(guest("hello"))), append(bearerOf(s), "Content-Type", "application/wasm")...)
	push.Host = "127.0.0.1" // as --domain is not the default
	s.do(push).is(t, http.StatusCreated, "")
	for _, host := range []string{"apps.example.org", "shop.apps.example.org", "console.apps.example.org", "space.example.org", "a.b.space.example.org"} {
		_, why := s.console(1, "domains", "shop", "add", host)
		contains(t, why, "this server's own or below it")
	}
	out, _ := s.console(0, "domains", "shop", "add", "example.org")
	if out != "https://example.org:8443/\n" {
		t.Errorf("it prints %q", out)
	}
	if a := s.at("example.org", "/", bearerOf(s)...); a.body != "hello\n" {
		t.Errorf("got %d %q", a.status, a.body)
	}
}

// T14: a browser that may not see a private Micro at a domain logs in at the platform, comes
// back to the domain, and has its session there alone.
func TestE2EDomainLogin(t *testing.T) {
	s := serve(t)
	s.withShop("shop")
	s.console(0, "domains", "shop", "add", "shop.example")
	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := &http.Client{Transport: s.http.Transport, Jar: jar}
	visit := func(target string, form url.Values) (*http.Response, string) {
		t.Helper()
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
		must(t, err)
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := browser.Do(req)
		must(t, err)
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp, string(text)
	}
	page := "http://shop.example:" + s.port + "/api/page?x=1"
	resp, text := visit(page, nil)
	if resp.Request.URL.Host != "localhost:"+s.port || resp.Request.URL.Path != "/login" || !strings.Contains(text, "shop.example") {
		t.Fatalf("got %d at %s: %s", resp.StatusCode, resp.Request.URL, text)
	}
	form := resp.Request.URL.Query()
	form.Set("token", s.token)
	resp, text = visit(s.url+"/login", form)
	if resp.StatusCode != http.StatusOK || resp.Request.URL.String() != page || !strings.Contains(text, "PATH_INFO=/page\n") || strings.Contains(text, "space_session") {
		t.Fatalf("got %d at %s: %s", resp.StatusCode, resp.Request.URL, text)
	}
	has := func(host string) bool {
		u := &url.URL{Scheme: "http", Host: host + ":" + s.port, Path: "/"}
		return slices.ContainsFunc(jar.Cookies(u), func(c *http.Cookie) bool { return c.Name == "space_session" })
	}
	if !has("shop.example") || has("shop.localhost") || has("example") {
		t.Error("the session is not the domain's alone")
	}
	s.console(0, "domains", "shop", "rm", "shop.example")
	if resp, _ = visit(page, nil); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("after its removal: %d", resp.StatusCode)
	}
	form.Del("token")
	if resp, _ = visit(s.url+"/login?"+form.Encode(), nil); resp.StatusCode != http.StatusNotFound || resp.Request.URL.Host != "localhost:"+s.port {
		t.Errorf("a login for a domain that is gone leads to %s: %d", resp.Request.URL, resp.StatusCode)
	}
}
