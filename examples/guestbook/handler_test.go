package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

var testKey = []byte("a key for tests")

func testHandler(t *testing.T) (h http.Handler, tmp string) {
	t.Helper()
	tmp = t.TempDir()
	h, err := newHandler(os.DirFS("."), tmp, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return h, tmp
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sign(h http.Handler, name, message string, cookies ...*http.Cookie) *http.Response {
	form := url.Values{"name": {name}, "message": {message}}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return serve(h, r)
}

func list(h http.Handler, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return serve(h, r)
}

func TestSignThenRead(t *testing.T) {
	h, tmp := testHandler(t)
	resp := sign(h, "Ada", "first line\r\nsecond <b>line</b>")
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Fatalf("POST: status %d, location %q; want 303 to /", resp.StatusCode, resp.Header.Get("Location"))
	}
	cookie := resp.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie is not HttpOnly and SameSite=Lax: %v", cookie)
	}
	resp = sign(h, "Grace", "later", cookie)
	page := list(h, resp.Cookies()[0])
	if ct := page.Header.Get("Content-Type"); ct != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", ct)
	}
	html := body(t, page)
	if !strings.Contains(html, "first line\nsecond &lt;b&gt;line&lt;/b&gt;") {
		t.Errorf("message missing or not escaped:\n%s", html)
	}
	if strings.Index(html, "Grace") > strings.Index(html, "Ada") {
		t.Error("newest entry is not first")
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("rendered pages left behind: %v", left)
	}
}

func TestForgedCookieIsRefused(t *testing.T) {
	h, _ := testHandler(t)
	genuine := sign(h, "Ada", "genuine").Cookies()[0].Value
	_, mac, _ := strings.Cut(genuine, ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(`[{"n":"Mallory","m":"forged","t":1}]`))
	otherKey, err := signer{[]byte("another key")}.seal([]entry{{Name: "Mallory", Message: "forged"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"other payload": forged + "." + mac, "other key": otherKey, "no signature": forged, "junk": "junk", "cut": genuine[:len(genuine)-1],
	} {
		t.Run(name, func(t *testing.T) {
			resp := list(h, &http.Cookie{Name: cookieName, Value: value})
			html := body(t, resp)
			if strings.Contains(html, "forged") || strings.Contains(html, "genuine") {
				t.Error("forged entries are shown")
			}
			if c := resp.Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
				t.Errorf("the forged cookie is not deleted: %v", c)
			}
			html = body(t, list(h, sign(h, "Ada", "anew", &http.Cookie{Name: cookieName, Value: value}).Cookies()[0]))
			if strings.Contains(html, "forged") || !strings.Contains(html, "anew") {
				t.Error("posting with a forged cookie did not start afresh")
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	h, _ := testHandler(t)
	for _, tc := range []struct {
		name, author, message string
		want                  int
	}{
		{"no name", " \t", "hello", 422},
		{"no message", "Ada", "\r\n", 422},
		{"long name", strings.Repeat("é", maxName+1), "hello", 422},
		{"long message", "Ada", strings.Repeat("é", maxMessage+1), 422},
		{"full length", strings.Repeat("é", maxName), strings.Repeat("é", maxMessage), 303},
		{"huge form", "Ada", strings.Repeat("a", maxForm), 413},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp := sign(h, tc.author, tc.message)
			if resp.StatusCode != tc.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tc.want)
			}
			if tc.want != 303 && len(resp.Cookies()) != 0 {
				t.Error("a refused entry set a cookie")
			}
		})
	}
}

func TestCrossSitePostIsRefused(t *testing.T) {
	h, _ := testHandler(t)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("name=a&message=b"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if resp := serve(h, r); resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 {
		t.Errorf("status %d, cookies %v; want 403 and none", resp.StatusCode, resp.Cookies())
	}
}

func TestCookieIsBounded(t *testing.T) {
	s := signer{testKey}
	widest := newEntry("x"+strings.Repeat("\u2028", maxName-2)+"x", "x"+strings.Repeat("\u2028", maxMessage-2)+"x", time.Now())
	if p := widest.problems(); len(p) > 0 {
		t.Fatal(p)
	}
	for name, e := range map[string]entry{"small": {Name: "a", Message: "b"}, "widest": widest} {
		t.Run(name, func(t *testing.T) {
			var entries []entry
			for i := range 3 * maxEntries {
				e.Unix = int64(i)
				value, err := s.seal(append(entries, e))
				if err != nil {
					t.Fatal(err)
				}
				if len(value) > maxCookie {
					t.Fatalf("cookie of %d bytes", len(value))
				}
				if entries, err = s.open(value); err != nil {
					t.Fatal(err)
				}
				if n := len(entries); n == 0 || n > maxEntries || entries[n-1].Unix != e.Unix {
					t.Fatalf("kept %d entries; the newest must be among them", n)
				}
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	h, _ := testHandler(t)
	for _, tc := range []struct {
		method, path, contentType string
		want                      int
	}{
		{"GET", "/", "text/html; charset=utf-8", 200},
		{"GET", "/static/style.css", "text/css; charset=utf-8", 200},
		{"GET", "/static/", "", 404},
		{"GET", "/main.go", "", 404},
		{"PUT", "/", "", 405},
	} {
		t.Run(fmt.Sprint(tc.method, tc.path), func(t *testing.T) {
			resp := serve(h, httptest.NewRequest(tc.method, tc.path, nil))
			if resp.StatusCode != tc.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tc.want)
			}
			if ct := resp.Header.Get("Content-Type"); tc.contentType != "" && ct != tc.contentType {
				t.Errorf("Content-Type %q, want %q", ct, tc.contentType)
			}
		})
	}
}

func TestNoKeyIsRefused(t *testing.T) {
	if _, err := newHandler(os.DirFS("."), t.TempDir(), nil); err == nil {
		t.Error("a guestbook without a key must not start")
	}
}
