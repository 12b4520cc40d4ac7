package static_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/static"
)

var pages = map[string]string{
	"index.html":            "home",
	"about.html":            "about",
	"a/index.html":          "folder a",
	"a/b c/x.txt":           "x",
	"empty/":                "",
	"names/a:b/index.html":  "colon",
	"names/ü?#.txt":         "odd",
	"names/%2F.txt":         "percent",
	"noext":                 "bytes",
	".env":                  "secret",
	".git/config":           "secret",
	"a/.hidden/x.txt":       "secret",
	"a/.well-known/x.txt":   "secret",
	".well-known/x.txt":     "known",
	".well-known/.htpasswd": "secret",
}

func TestPaths(t *testing.T) {
	s := site(t, pages)
	for _, c := range []struct {
		target, want string // the body, or where it is
		status       int
	}{
		{"/", "home", 200},
		{"/?x=y", "home", 200},
		{"/index.html", "home", 200},
		{"/about.html", "about", 200},
		{"/about", "", 404},
		{"/about.html/", "", 404},
		{"/about.html/x", "", 404},
		{"/ABOUT.html", "", 404},
		{"/a/", "folder a", 200},
		{"/a/index.html", "folder a", 200},
		{"/a", "./a/", 308},
		{"/a?x=1&y=%2F", "./a/?x=1&y=%2F", 308},
		{"/names/a:b", "./a:b/", 308},
		{"/names/a:b/", "colon", 200},
		{"/a/b%20c/x.txt", "x", 200},
		{"/names/%C3%BC%3F%23.txt", "odd", 200},
		{"/names/%252F.txt", "percent", 200},
		{"/noext", "bytes", 200},
		// No folder is listed.
		{"/empty", "", 404},
		{"/empty/", "", 404},
		{"/names", "", 404},
		{"/a/b%20c/", "", 404},
		// Hidden.
		{"/.env", "", 404},
		{"/.git/config", "", 404},
		{"/.git", "", 404},
		{"/a/.hidden/x.txt", "", 404},
		{"/a/.well-known/x.txt", "", 404},
		{"/.well-known/x.txt", "known", 200},
		{"/.well-known/.htpasswd", "", 404},
		// What could be read in two ways.
		{"/a/../about.html", "", 404},
		{"/a/%2e%2e/about.html", "", 404},
		{"/a/.%2E/about.html", "", 404},
		{"/./about.html", "", 404},
		{"/..", "", 404},
		{"//", "", 404},
		{"//about.html", "", 404},
		{"/a//", "", 404},
		{"/a//index.html", "", 404},
		{"/a%2Findex.html", "", 404},
		{"/a%2findex.html", "", 404},
		{"/%2Fabout.html", "", 404},
		{"/..%2f..%2fetc/passwd", "", 404},
		{"/a%5Cindex.html", "", 404},
		{"/..%5C..%5Cx", "", 404},
		{"/about.html%00", "", 404},
		{"/about.html%00.png", "", 404},
		{"/%FF%FE", "", 404},
		{"/" + strings.Repeat("x", 64<<10), "", 404},
		{"/" + strings.Repeat("a/", 32<<10), "", 404},
	} {
		res := ask(t, s, http.MethodGet, c.target)
		got := body(t, res)
		if res.StatusCode == http.StatusPermanentRedirect {
			got = res.Header.Get("Location")
		}
		if res.StatusCode != c.status || got != c.want {
			t.Errorf("%.80s: %d %q, want %d %q", c.target, res.StatusCode, got, c.status, c.want)
		}
		head := ask(t, s, http.MethodHead, c.target)
		if head.StatusCode != c.status || body(t, head) != "" || head.Header.Get("Etag") != res.Header.Get("Etag") {
			t.Errorf("HEAD %.80s: %d %v, want %d", c.target, head.StatusCode, head.Header, c.status)
		}
	}
}

// A redirect must lead to the folder for a Micro below a path too, whose own path
// is not told.
func TestRedirectBelowAPath(t *testing.T) {
	s := site(t, pages)
	for _, c := range []struct{ asked, stripped, want string }{
		{"/docs/names/a:b?q", "/names/a:b", "/docs/names/a:b/?q"},
		{"/docs/a", "/a", "/docs/a/"},
		{"/docs", "/", "/docs/"},
		{"/x/docs?q=/", "/", "/x/docs/?q=/"},
		{"http://app.example/docs", "/", "/docs/"},
		{"/docs/", "/", ""},
		{"/docs/?q", "/", ""},
		{"/", "/", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, c.asked, http.NoBody)
		base := *r.URL
		r.URL.Path, r.URL.RawPath = c.stripped, c.stripped
		res := serve(t, s, r)
		if c.want == "" {
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", c.asked, res.StatusCode)
			}
			continue
		}
		to, err := base.Parse(res.Header.Get("Location"))
		if err != nil || res.StatusCode != http.StatusPermanentRedirect || to.RequestURI() != c.want {
			t.Errorf("%s: %d to %v (%v), want %s", c.asked, res.StatusCode, to, err, c.want)
		}
	}
}

func TestMethods(t *testing.T) {
	s := site(t, pages)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "get"} {
		for _, target := range []string{"/", "/nowhere"} {
			res := ask(t, s, method, target)
			if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, target, res.StatusCode, res.Header.Get("Allow"))
			}
		}
	}
	if n := s.Usage().Requests; n != 14 {
		t.Errorf("%d requests counted, want 14", n)
	}
}

func TestFallbackAndMissing(t *testing.T) {
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	missing := with(pages, map[string]string{"404.html": "not here"})
	for name, c := range map[string]struct {
		files            map[string]string
		fallback         string
		target, accept   string
		status           int
		want             string
		varies, platform bool
	}{
		"nothing":                  {pages, "", "/x", html, 404, "", false, true},
		"a page of its own":        {missing, "", "/x", html, 404, "not here", false, false},
		"for programs too":         {missing, "", "/x", "*/*", 404, "not here", false, false},
		"for hostile paths too":    {missing, "", "/..%2fx", html, 404, "not here", false, false},
		"by its name":              {missing, "", "/404.html", html, 200, "not here", false, false},
		"navigation":               {missing, "index.html", "/users/42", html, 200, "home", true, false},
		"navigation, slash":        {missing, "index.html", "/users/42/", html, 200, "home", true, false},
		"folder without index":     {missing, "index.html", "/empty", html, 200, "home", true, false},
		"another file":             {missing, "about.html", "/users/42", html, 200, "about", true, false},
		"a part":                   {missing, "index.html", "/users/42.js", html, 404, "not here", true, false},
		"a program":                {missing, "index.html", "/users/42", "*/*", 404, "not here", true, false},
		"a program, no page":       {pages, "index.html", "/users/42", "*/*", 404, "", true, true},
		"a file that is there":     {missing, "index.html", "/about.html", html, 200, "about", false, false},
		"a folder that is there":   {missing, "about.html", "/a/", html, 200, "folder a", false, false},
		"hidden":                   {missing, "index.html", "/.git/config", html, 404, "not here", false, false},
		"encoded slash":            {missing, "index.html", "/a%2Fb", html, 404, "not here", false, false},
		"a fallback that is none":  {missing, "gone.html", "/users/42", html, 404, "not here", true, false},
		"a fallback that is deep":  {missing, "a/index.html", "/users/42", html, 200, "folder a", true, false},
		"a fallback that is a dir": {missing, "a", "/users/42", html, 404, "not here", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, static.Config{Files: plant(t, c.files), Fallback: c.fallback, Public: true})
			for range 2 { // found, and remembered
				res := ask(t, s, http.MethodGet, c.target, "Accept", c.accept, "Range", "bytes=0-1", "If-None-Match", "*")
				if c.status == http.StatusOK { // which heeds them
					res = ask(t, s, http.MethodGet, c.target, "Accept", c.accept)
				}
				if got := body(t, res); res.StatusCode != c.status || got != c.want {
					t.Errorf("%d %q, want %d %q", res.StatusCode, got, c.status, c.want)
				}
				if varies := strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Accept"); varies != c.varies && !c.varies {
					t.Errorf("Vary is %q", res.Header.Values("Vary"))
				} else if c.varies && res.Header.Get("Vary") != "Accept" {
					t.Errorf("Vary is %q", res.Header.Values("Vary"))
				}
				if platform := res.Header.Get("X-Space-Error") != ""; platform != c.platform {
					t.Errorf("an error of the platform: %v", platform)
				}
				if cache := res.Header.Get("Cache-Control"); !c.platform && cache != "no-cache" {
					t.Errorf("Cache-Control is %q", cache)
				}
			}
		})
	}
}

// Trees hold no links; one that is there all the same leads nowhere.
func TestNoLinkLeadsOutOfATree(t *testing.T) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	for _, err := range []error{
		os.Mkdir(tree, 0o755),
		os.WriteFile(filepath.Join(dir, "secret.txt"), []byte("secret"), 0o644),
		os.Symlink("../secret.txt", filepath.Join(tree, "link.txt")),
		os.Symlink("..", filepath.Join(tree, "up")),
		os.Symlink("/", filepath.Join(tree, "root")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, static.Config{Files: func() (*os.Root, error) { return os.OpenRoot(tree) }})
	for _, target := range []string{"/link.txt", "/up/secret.txt", "/up/", "/root/etc/passwd"} {
		w := httptest.NewRecorder()
		if err := s.Serve(w, httptest.NewRequest(http.MethodGet, target, http.NoBody)); err == nil || w.Body.Len() > 0 {
			t.Errorf("%s: %d %q", target, w.Code, w.Body)
		}
	}
}

// FuzzPath holds that whatever a path looks like, it means the file of just that
// name, the index of the folder of just that name, or nothing.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/", "//", "/a", "/a/", "/a/b c/x.txt", "/a/../about.html", "/.env", "/.well-known/x.txt", "/a%2Findex.html", "/a/%2e%2e/.env",
		"/names/a:b", "/names/%C3%BC%3F%23.txt", "/names/%252F.txt", "/..\\x", "/\x00", "/\xff", "/link.txt", "",
	} {
		f.Add(seed)
	}
	s := site(f, pages)
	f.Fuzz(func(t *testing.T, raw string) {
		decoded, err := url.PathUnescape(raw)
		if err != nil {
			return
		}
		// As the gateway leaves it.
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.URL.Path, r.URL.RawPath = decoded, raw
		res := serve(t, s, r)
		name := strings.TrimPrefix(decoded, "/")
		switch res.StatusCode {
		case http.StatusNotFound:
		case http.StatusPermanentRedirect:
			base := url.URL{Scheme: "http", Host: "h", Path: decoded}
			to, err := base.Parse(res.Header.Get("Location"))
			if err != nil || to.Host != "h" || to.Path != decoded+"/" || pages[name+"/index.html"] == "" {
				t.Fatalf("%q redirects to %v (%v)", raw, to, err)
			}
		case http.StatusOK:
			if name == "" || strings.HasSuffix(name, "/") {
				name += "index.html"
			}
			want, ok := pages[name]
			if got := body(t, res); !ok || got != want || got == "secret" || !strings.HasPrefix(decoded, "/") {
				t.Fatalf("%q is %q, %q has %q", raw, got, name, want)
			}
		default:
			t.Fatalf("%q: %d", raw, res.StatusCode)
		}
	})
}
