package main_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// shop pushes examples/shop as its users do, whose Spacefile builds it.
func shop(t *testing.T) *server {
	t.Helper()
	helloC(t) // skips where there is no clang
	s := serve(t)
	errs := s.pushBuilt("../../examples/shop")
	contains(t, errs, "api | $ GOOS=wasip1", "label | $ clang")
	return s
}

// pushBuilt pushes an example that its Spacefile builds, and returns what was reported.
func (s *server) pushBuilt(folder string) (errs string) {
	s.t.Helper()
	cmd := exec.Command(program(s.t), "push", folder, "--server", s.url, "--token", s.token)
	// A build with an empty cache takes long.
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		value, err := exec.Command("go", "env", name).Output()
		must(s.t, err)
		cmd.Env = append(cmd.Env, name+"="+strings.TrimSpace(string(value)))
	}
	_, errs = runConsole(s.t, cmd, 0)
	return errs
}

// The shop example, three Micros of three kinds in one app.
func TestE2EShop(t *testing.T) {
	s := shop(t)
	for name, test := range map[string]func(*testing.T, *server){
		"front end": shopFrontEnd, "prices": shopPrices, "orders": shopOrders, "label": shopLabel, "owner": shopOwner,
	} {
		t.Run(name, func(t *testing.T) { test(t, s.in(t)) })
	}
	t.Run("key", func(t *testing.T) { shopKey(t, s.in(t)) }) // which is another from then on
}

// shopFrontEnd checks that pages, and all that they name, are served, and that the
// script's own paths are its page.
func shopFrontEnd(t *testing.T, s *server) {
	page := s.get("shop", "/", "Accept", "text/html")
	page.is(t, http.StatusOK, "")
	contains(t, page.body, "<title>Harbour Shop</title>", "default-src 'none'; script-src 'self'")
	if regexp.MustCompile(`(?i)<script(>| [^>]*>[^<])|<style| style=| on[a-z]+=|https?:`).MatchString(page.body) {
		t.Errorf("the page has something inline, or of another host:\n%s", page.body)
	}
	for _, path := range []string{"/cart", "/product/mug", "/order/AAAA_-", "/owner"} {
		if got := s.get("shop", path, "Accept", "text/html"); got.status != http.StatusOK || got.body != page.body {
			t.Errorf("%s: got %d %.200s", path, got.status, got.body)
		}
	}
	s.get("shop", "/pages/none.js", "Accept", "text/html").is(t, http.StatusNotFound, "not_found")
	seen := map[string]bool{}
	shopFollow(t, s, "/", page.body, seen)
	if len(seen) < 13 || !seen["/pages/receipt.js"] || !seen["/art.svg"] {
		t.Errorf("the pages are made of %v", seen)
	}
}

// shopFollow asks for all that a text names, and for all that this names.
func shopFollow(t *testing.T, s *server, from, text string, seen map[string]bool) {
	t.Helper()
	base := &url.URL{Path: from}
	for _, m := range regexp.MustCompile("[\"`]([./][-a-z./]*\\.(?:js|css|svg))").FindAllStringSubmatch(text, -1) {
		path := base.JoinPath("..", m[1]).Path
		if strings.HasPrefix(m[1], "/") {
			path = m[1]
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		got := s.get("shop", path)
		got.is(t, http.StatusOK, "")
		media := map[string]string{"js": "text/javascript", "ss": "text/css", "vg": "image/svg+xml"}[path[len(path)-2:]]
		if !strings.HasPrefix(got.header.Get("Content-Type"), media) {
			t.Errorf("%s is served as %s", path, got.header.Get("Content-Type"))
		}
		shopFollow(t, s, path, got.body, seen)
	}
}

// shopSend posts JSON to the API.
func shopSend(s *server, path, body string, headers ...string) answer {
	s.t.Helper()
	return s.do(s.request(http.MethodPost, "shop", path, strings.NewReader(body), append(headers, "Content-Type", "application/json")...))
}

func shopPrices(t *testing.T, s *server) {
	contains(t, s.ok("shop", "/api/products"), `"id":"mug"`, `"id":"cap"`, `"price":1400`)
	contains(t, s.ok("shop", "/api/products/kettle"), `"name":"Whistling kettle"`)
	if got := s.get("shop", "/api/products/anchor"); got.status != http.StatusNotFound || got.header.Get("X-Space-Error") != "" {
		t.Errorf("what is not sold gets %d %v", got.status, got.header)
	}
	for range 2 { // every request is the first
		got := shopSend(s, "/api/cart/price", `{"items":[{"id":"mug","quantity":3}],"coupon":"WELCOME"}`)
		got.is(t, http.StatusOK, "")
		contains(t, got.body, `"subtotal":4200`, `"amount":420`, `"amount":378`, `"shipping":490`, `"total":3892`)
	}
	got := shopSend(s, "/api/cart/price", `{"items":[{"id":"mug","quantity":0}]}`)
	got.is(t, http.StatusUnprocessableEntity, "")
	contains(t, got.body, `"items[0]"`)
}

const shopWant = `{"cart":{"items":[{"id":"cap","quantity":1}]},"customer":{"name":"Ada","email":"ada@example.org","street":"Lane 1","city":"Port"}}`

type shopOrder struct{ Number, Token, Notice string }

func shopOrders(t *testing.T, s *server) {
	var first, second shopOrder
	for _, into := range []*shopOrder{&first, &second} {
		got := shopSend(s, "/api/orders", shopWant)
		got.is(t, http.StatusCreated, "")
		must(t, json.Unmarshal([]byte(got.body), into))
		to, err := url.Parse("/api/orders")
		must(t, err)
		if to, err = to.Parse(got.header.Get("Location")); err != nil || to.Path != "/api/orders/"+into.Token {
			t.Errorf("the order is said to be at %v", to)
		}
	}
	if first.Number == second.Number || !strings.HasPrefix(first.Number, "HS-") {
		t.Errorf("the orders have the numbers %s and %s", first.Number, second.Number)
	}
	contains(t, s.ok("shop", "/api/orders/"+first.Token), first.Number, `"total":3290`, "This is a demo")
	i := len(first.Token) / 2
	changed := "A"
	if first.Token[i] == 'A' {
		changed = "B"
	}
	forged := s.get("shop", "/api/orders/"+first.Token[:i]+changed+first.Token[i+1:])
	forged.is(t, http.StatusNotFound, "")
	contains(t, forged.body, "not signed by this shop")
	if got := shopSend(s, "/api/orders", shopWant, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
		t.Errorf("an order by another site gets %d", got.status)
	}
}

func shopLabel(t *testing.T, s *server) {
	const order = "HS-AB23CD45"
	ask := func(method, order, name string) answer {
		query := url.Values{"order": {order}, "name": {name}, "street": {"Harbour Lane 1 & 2"}, "city": {"12345 Göteborg"}}
		return s.do(s.request(method, "shop", "/label?"+query.Encode(), nil))
	}
	for _, name := range []string{"Ada Lovelace", `<script>alert("1")</script>&amp;`, strings.Repeat("船", 60)} {
		got := ask(http.MethodGet, order, name)
		got.is(t, http.StatusOK, "")
		if got.header.Get("Content-Type") != "image/svg+xml" || got.header.Get("Content-Security-Policy") == "" {
			t.Errorf("got %v", got.header)
		}
		texts, bars := readLabel(t, got.body)
		contains(t, texts, name, "Harbour Lane 1 & 2", "12345 Göteborg", order)
		if want := 3*(len(order)+3) + 1; bars != want { // a bar more for the end than for other symbols
			t.Errorf("%d bars, want %d", bars, want)
		}
	}
	for _, c := range []struct {
		method, order, name string
		status              int
	}{
		{http.MethodGet, "", "Ada", 400},
		{http.MethodGet, "hs-1", "Ada", 400},
		{http.MethodGet, strings.Repeat("A", 17), "Ada", 400},
		{http.MethodGet, order, "", 400},
		{http.MethodGet, order, strings.Repeat("x", 61), 400},
		{http.MethodGet, order, "a\x00b", 400},
		{http.MethodGet, order, "a\x1bb", 400},
		{http.MethodGet, order, "\xc0\xbcscript", 400}, // an overlong <
		{http.MethodGet, order, "\xed\xa0\x80", 400},   // half a surrogate pair
		{http.MethodGet, order, "\xe8\x88", 400},       // a character cut off
		{http.MethodGet, order, strings.Repeat("x", 5000), 414},
		{http.MethodPost, order, "Ada", 405},
	} {
		if got := ask(c.method, c.order, c.name); got.status != c.status || got.header.Get("X-Space-Error") != "" {
			t.Errorf("%s %q %.20q: got %d %s, want %d", c.method, c.order, c.name, got.status, got.body, c.status)
		}
	}
	for _, query := range []string{"", "?", "?order", "?order=%", "?order=A&name=%4&street=x&city=x", "?order=A&name=x&street=x&cit=x"} {
		s.get("shop", "/label"+query).is(t, http.StatusBadRequest, "")
	}
}

// readLabel reads an SVG, and returns its texts and how many bars it has.
func readLabel(t *testing.T, svg string) (texts string, bars int) {
	t.Helper()
	for dec := xml.NewDecoder(bytes.NewReader([]byte(svg))); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return texts, bars
		}
		must(t, err)
		switch token := token.(type) {
		case xml.CharData:
			texts += string(token)
		case xml.StartElement:
			if token.Name.Local == "script" {
				t.Errorf("it has a script: %s", svg)
			}
			for _, a := range token.Attr {
				if a.Name.Local == "d" {
					bars += strings.Count(a.Value, "z")
				}
			}
		}
	}
}

// A route that public_routes does not list is for the owner, however it is spelled.
func shopOwner(t *testing.T, s *server) {
	for path, status := range map[string]int{
		"/api": 401, "/api/admin/summary": 401, "/api//admin/summary": 401,
		// What could be read as a public route and as a private one is neither.
		"/api/orders/../admin/summary": 400, "/api/orders/%2e%2e/admin/summary": 400, "/api/products/..%2Fadmin/summary": 400,
	} {
		if got := s.get("shop", path); got.status != status || strings.Contains(got.body, "margins") {
			t.Errorf("%s: got %d %.200s", path, got.status, got.body)
		}
	}
	if page := s.get("shop", "/api/admin/summary", "Accept", "text/html"); page.status != http.StatusSeeOther || !strings.Contains(page.header.Get("Location"), "/login?app=shop") {
		t.Errorf("a browser gets %d %v", page.status, page.header)
	}
	contains(t, s.ok("shop", "/api/admin/summary", "Authorization", "Bearer "+s.token), `"products":8`, `"margins"`, `"signing_key":"demo"`)
}

// shopKey checks that the owner's key signs orders once it is set, and the demo's no more.
func shopKey(t *testing.T, s *server) {
	var before, after shopOrder
	must(t, json.Unmarshal([]byte(shopSend(s, "/api/orders", shopWant).body), &before))
	s.console(0, "env", "shop", "--micro", "api", "--set", "SHOP_KEY=a long random text")
	must(t, json.Unmarshal([]byte(shopSend(s, "/api/orders", shopWant).body), &after))
	if before.Notice == "" || after.Notice != "" || after.Token == "" {
		t.Errorf("without a key %+v, with one %+v", before, after)
	}
	contains(t, s.ok("shop", "/api/orders/"+after.Token), after.Number)
	s.get("shop", "/api/orders/"+before.Token).is(t, http.StatusNotFound, "")
	contains(t, s.ok("shop", "/api/admin/summary", "Authorization", "Bearer "+s.token), `"signing_key":"SHOP_KEY"`)
}

// The label of the shop uses the header of the C example as it is there.
func TestShopHeader(t *testing.T) {
	if !bytes.Equal(read(t, "../../examples/handler-c/http_handler.h"), read(t, "../../examples/shop/label/http_handler.h")) {
		t.Error("the two headers differ: copy the one that is better")
	}
}
