package reports_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/space"
)

// stored is the report that is kept of a failure.
func stored(t *testing.T, f reports.Failure) (reports.Report, string) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, nil)
	f.App, f.Micro, f.ID, f.Began = "shop", "web", "id", time.Now()
	s.Note(f.App, f.Micro, 1, f.Err.Code, func() *reports.Failure { return &f })
	s = reopened(t, s, dir)
	r, err := s.Get("shop", "id")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "shop", "id.json"))
	if err != nil {
		t.Fatal(err)
	}
	return r, string(text)
}

func crashed() *space.Error { return &space.Error{Code: space.CodeCrashed} }

func TestHeadersAreMasked(t *testing.T) {
	const masked = "[masked]"
	for name, c := range map[string]struct{ value, want string }{
		"Authorization":       {"Bearer abc", masked},
		"Proxy-Authorization": {"Basic abc", masked},
		"Cookie":              {"session=abc; theme=dark", masked},
		"Set-Cookie":          {"session=abc", masked},
		"X-Api-Key":           {"abc", masked},
		"X-Space-App-Key":     {"abc", masked},
		"X-Space-Anything":    {"abc", masked},
		"X-Csrf-Token":        {"abc", masked},
		"X-Hub-Signature-256": {"sha256=abc", masked},
		"Stripe-Signature":    {"abc", masked},
		"X-Amz-Security-Token": {
			"abc", masked,
		},
		"Cf-Access-Jwt-Assertion": {"abc", masked},
		"Cf-Connecting-Ip":        {"203.0.113.9", masked},
		"X-Forwarded-Host":        {"example.org", masked},
		"User-Agent":              {"curl/8", "curl/8"},
		"Accept":                  {"*/*", "*/*"},
		"Content-Type":            {"text/plain", "text/plain"},
		"Referer":                 {"https://u:p@example.org/a?token=abc&b#c", "https://example.org/a?token=[masked]&[masked]"},
		"Origin":                  {"https://example.org", "https://example.org"},
		"X-Word":                  {"the value of a variable", masked},
		"X-Words":                 {"has the value of a variable in it", "has [masked] in it"},
		"X-Short":                 {"on", masked},
		"X-Sentence":              {"on and off", "on and off"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(name, c.value)
		report, text := stored(t, reports.Failure{Err: crashed(), Request: r, Secrets: []string{"the value of a variable", "on"}})
		if h := report.Request.Headers; len(h) != 2 || h[1].Name != name || h[1].Value != c.want {
			t.Errorf("%s: got %+v, want %q", name, h, c.want)
		}
		if c.want == masked && len(c.value) > 2 && strings.Contains(text, c.value) {
			t.Errorf("%s stands in %s", c.value, text)
		}
	}
}

func TestTargetsAreMasked(t *testing.T) {
	for target, want := range map[string]string{
		"/":                          "/",
		"/a%20b?q=words&page=2":      "/a b?q=[masked]&page=[masked]",
		"/?abc":                      "/?[masked]",
		"/?=abc&a=&b":                "/?=[masked]&a=[masked]&[masked]",
		"/files/s3cr3t/x":            "/files/[masked]/x",
		"/files/%733cr3t?s3cr3t=1":   "/files/[masked]?[masked]",
		"/?%73%33cr3t=1&a=s3cr3t&=2": "/?[masked]&a=[masked]&=[masked]",
	} {
		report, _ := stored(t, reports.Failure{Err: crashed(), Request: httptest.NewRequest(http.MethodGet, target, nil), Secrets: []string{"s3cr3t"}})
		if got := report.Request.Target; got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
}

func TestWordsAreMasked(t *testing.T) {
	e := &space.Error{
		Code: space.CodeCrashed, Message: "it said pa\"ss", Detail: "main.pa\"ss()",
		Words: []string{"{\"a\":\"pa\\\"ss\"}", "url?x=pa%22ss", "line one of a key", "line two of a key", "done"},
	}
	report, text := stored(t, reports.Failure{Err: e, Secrets: []string{`pa"ss`, "line one of a key\nline two of a key\n", ""}})
	if report.Message != "it said [masked]" || report.Stack[0] != "main.[masked]()" ||
		strings.Join(report.Log, "|") != `{"a":"[masked]"}|url?x=[masked]|[masked]|[masked]|done` {
		t.Errorf("got %s", text)
	}
}

// A value of a variable never stands in a stored report, wherever the visitor or the guest puts it, and whatever masking
// has made of what is beside it.
func TestNoSecretIsStored(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "ab", "[masked]", "masked", "]", "\n", "\"", "\\", "%", "é", "\xff", " ", "…", "=", "&", "?", "/", "\x1b", "<"})
	rapid.Check(t, func(rt *rapid.T) {
		secrets := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			return rapid.SampledFrom([]string{"", "[masked]", "[masked]"}).Draw(rt, "mark") + strings.Join(rapid.SliceOfN(piece, 1, 6).Draw(rt, "pieces"), "")
		}), 1, 4).Draw(rt, "secrets")
		part := rapid.Custom(func(rt *rapid.T) string { // which another part, or the mark, may make whole
			secret := strings.TrimPrefix(rapid.SampledFrom(secrets).Draw(rt, "secret"), "[masked]")
			return secret[rapid.IntRange(0, len(secret)).Draw(rt, "from"):]
		})
		hostile := rapid.Custom(func(rt *rapid.T) string {
			parts := rapid.SliceOfN(rapid.OneOf(piece, part, rapid.SampledFrom(secrets)), 0, 6).Draw(rt, "parts")
			text := strings.Join(parts, "")
			if rapid.Bool().Draw(rt, "long") {
				text = strings.Repeat("x", rapid.IntRange(2020, 2050).Draw(rt, "before the cut")) + text
			}
			return text
		})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RequestURI = ""
		r.URL.Path = "/" + hostile.Draw(rt, "path")
		r.URL.RawQuery = hostile.Draw(rt, "query") + "&" + url.QueryEscape(hostile.Draw(rt, "name")) + "=" + hostile.Draw(rt, "value")
		r.Header["X-Plain"] = []string{hostile.Draw(rt, "header"), hostile.Draw(rt, "header")}
		r.Header["Referer"] = []string{hostile.Draw(rt, "referer")}
		r.Header[hostile.Draw(rt, "header name")] = []string{"x"}
		r.Host = hostile.Draw(rt, "host")
		e := &space.Error{
			Code: space.CodeCrashed, Message: hostile.Draw(rt, "message"), Detail: hostile.Draw(rt, "stack"),
			Words: rapid.SliceOfN(hostile, 0, 5).Draw(rt, "log"),
		}
		f := &reports.Failure{App: "shop", Micro: "w", Revision: 1, ID: "id", Request: r, Err: e, Secrets: secrets}
		report := f.Report()
		data, err := json.Marshal(report)
		if err != nil {
			rt.Fatal(err)
		}
		var back reports.Report
		if err := json.Unmarshal(data, &back); err != nil {
			rt.Fatal(err)
		}
		for _, secret := range secrets {
			for _, text := range texts(back) {
				if len(secret) >= 4 && strings.Contains(text, secret) {
					rt.Fatalf("%q stands in %q", secret, text)
				}
			}
		}
	})
}

// texts are all of a report that the visitor or the guest had a hand in.
func texts(r reports.Report) []string {
	all := []string{r.Message, r.Request.Method, r.Request.Target, strings.Join(r.Stack, "\n"), strings.Join(r.Log, "\n")}
	for _, h := range r.Request.Headers {
		all = append(all, h.Name, h.Value)
	}
	return all
}
