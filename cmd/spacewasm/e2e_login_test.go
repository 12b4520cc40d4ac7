package main_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// As the original: a browser that may not see an app is sent to a login page, and back; a program gets 401 and starts nothing.
func TestE2ELogin(t *testing.T) {
	s := serve(t)
	s.pushed("private", "application/zip", zipped(t, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - {name: a, src: ., engine: wasm}\n", "main.wasm": string(guest("hello")),
	}))
	refused := s.get("private", "/page?x=1")
	refused.is(t, http.StatusUnauthorized, "unauthorized")
	if !strings.HasPrefix(refused.header.Get("Server"), "Deta") {
		t.Errorf("the 401 is not told from an app's own: %v", refused.header)
	}
	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := &http.Client{Transport: s.http.Transport, Jar: jar}
	visit := func(method, target string, form url.Values) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
		must(t, err)
		req.Header.Set("Accept", "text/html")
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := browser.Do(req)
		must(t, err)
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp, string(text)
	}
	page := "http://private.localhost:" + s.port + "/page?x=1"
	resp, text := visit(http.MethodGet, page, nil)
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/login" || !strings.Contains(text, "private") {
		t.Fatalf("got %d at %s: %s", resp.StatusCode, resp.Request.URL, text)
	}
	form := resp.Request.URL.Query()
	form.Set("token", "guess")
	if resp, text = visit(http.MethodPost, s.url+"/login", form); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(text, "not an admin token") {
		t.Errorf("a guess gets %d: %s", resp.StatusCode, text)
	}
	form.Set("token", s.token)
	resp, text = visit(http.MethodPost, s.url+"/login", form)
	if resp.StatusCode != http.StatusOK || resp.Request.URL.String() != page || text != "hello\n" {
		t.Fatalf("got %d at %s: %s", resp.StatusCode, resp.Request.URL, text)
	}
	if resp, text = visit(http.MethodGet, page, nil); text != "hello\n" || resp.Header.Get("Server-Timing") == "" {
		t.Errorf("the owner's next visit gets %s %v", text, resp.Header)
	}
	// Of all that, one execution for each page that was shown. The log is whole once the server has ended.
	s.stop()
	if log := s.stderr.String(); strings.Count(log, "fuel=") != 2 {
		t.Errorf("something ran for who may not come in: %s", log)
	}
}
