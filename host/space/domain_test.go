package space_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

func TestParseDomain(t *testing.T) {
	long := strings.Repeat("a", 63)
	whole := strings.Join([]string{long, long, long, long[:61]}, ".") // 253
	for text, want := range map[string]string{
		"shop.example.org": "shop.example.org", "Shop.Example.ORG": "shop.example.org", "example.org.": "example.org",
		"xn--bcher-kva.example": "xn--bcher-kva.example", "1.2.3.4.example": "1.2.3.4.example", "a--b.co": "a--b.co", "4.cafe": "4.cafe",
		"localhost.example": "localhost.example", "0xg.0xg": "0xg.0xg", whole: whole, whole + ".": whole,
	} {
		if got, err := space.ParseDomain(text); err != nil || string(got) != want {
			t.Errorf("%.40q: got %q, %v", text, got, err)
		}
	}
}

// What is no host name of an owner's own is refused, and the error says what to write.
func TestParseDomainRefuses(t *testing.T) {
	long := strings.Repeat("a", 63)
	for text, says := range map[string]string{
		"": "letters", ".": "letters", "..": "letters", "a..b": "letters", ".a.b": "letters", "example.org..": "letters",
		"-a.org": "inner hyphens", "a-.org": "inner hyphens", "a_b.org": "letters", "*.example.org": "letters", "a.org\x00": "letters",
		"a.org\r\nX: y": "no port", "a\tb.org": "letters", "a%2eb.org": "letters", `"><script>.org`: "letters", "a\\b.org": "letters",
		long + "a.org": "63", strings.Join([]string{long, long, long, long}, "."): "253",
		"shop": "two labels", "localhost": "this machine", "LOCALHOST.": "this machine", "app.localhost": "this machine", "a.b.localhost.": "this machine",
		"example.org:80": "no port", "https://example.org": "no https", "example.org/x": "no path", "me@example.org": "alone", "a b.org": "alone",
		"192.0.2.1": "no address", "192.0.2.1.": "no address", "[2001:db8::1]": "no address", "::1": "no address", "1.2.3": "no address",
		"0x7f.1": "no address", "127.0.0.0x1": "no address", "a.0x": "no address", "example.010": "no address",
		"bücher.example": "xn--bcher-kva.example", "example。org": "browsers send", "\xff.org": "browsers send", "ex\u200bample.org": "browsers send", "\u212a.org": "browsers send",
	} {
		got, err := space.ParseDomain(text)
		if err == nil || got != "" || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: got %q, %v, which does not say %q", text, got, err, says)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("%.40q: the error has %d bytes", text, len(err.Error()))
		}
	}
}

func TestIsWithin(t *testing.T) {
	for _, c := range []struct {
		domain space.Domain
		host   string
		want   bool
	}{
		{"space.example.org", "space.example.org", true},
		{"a.b.space.example.org", "space.example.org", true},
		{"example.org", "space.example.org", false},
		{"myspace.example.org", "space.example.org", false},
		{"space.example.org.evil.example", "space.example.org", false},
	} {
		if got := c.domain.IsWithin(c.host); got != c.want {
			t.Errorf("%s within %s: %v", c.domain, c.host, got)
		}
	}
}

// T18: a domain has one form, is what a URL has for its host, and never an address.
func FuzzParseDomain(f *testing.F) {
	for _, seed := range []string{"shop.example.org", "EXAMPLE.org.", "1.2.3.4", "a.localhost", "xn--bcher-kva.example", "a.0x7f", "a:80", "\x00.org", "K.org"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := space.ParseDomain(text)
		if err != nil {
			return
		}
		if again, err := space.ParseDomain(string(d)); err != nil || again != d {
			t.Errorf("%q became %q, and that %q, %v", text, d, again, err)
		}
		if !strings.EqualFold(strings.TrimSuffix(text, "."), string(d)) {
			t.Errorf("%q became another name: %q", text, d)
		}
		u, err := url.Parse("http://" + string(d) + "/")
		if err != nil || u.Hostname() != string(d) || u.Port() != "" || u.User != nil {
			t.Errorf("%q is no host of a URL: %v, %v", d, u, err)
		}
		if _, err := netip.ParseAddr(string(d)); err == nil || d.IsWithin("localhost") || !strings.Contains(string(d), ".") {
			t.Errorf("took %q", d)
		}
	})
}
