package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// section is the part of an app's page about its domains.
func (b *bench) section(app string) string {
	b.t.Helper()
	_, rest, found := strings.Cut(b.get("/apps/"+app), `<h2 id="domains">`)
	if !found {
		b.t.Fatal("the page says nothing of domains")
	}
	text, _, _ := strings.Cut(rest, "</section>")
	return text
}

// The app's page lists where each Micro answers, adds domains and removes them, by forms alone.
func TestDomainsOfApp(t *testing.T) {
	b := newBench(t)
	rec := b.upload("app", "app.zip", zipped(t, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - {name: web, src: ., engine: wasm, primary: true}\n  - {name: api, src: api, engine: wasm}\n",
		"main.wasm": string(wasitest.Guest("hello")), "api/main.wasm": string(wasitest.Guest("echo")),
	}))
	if rec.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	b.deployed("other")
	page := b.section("app")
	for _, part := range []string{`href="http://app.example.org/"`, `href="http://app.example.org/api"`, "built in", "CNAME", "<code>example.org</code>"} {
		if !strings.Contains(page, part) {
			t.Errorf("%s is not in %s", part, page)
		}
	}
	if strings.Contains(page, "Remove the domain") {
		t.Error("the built-in host can be removed")
	}
	do := func(form, host string, status int, says string) {
		t.Helper()
		rec := b.post(form, url.Values{"host": {host}})
		if rec.Code != status || !strings.Contains(rec.Body.String(), says) {
			t.Errorf("%s of %.40q: got %d %s, want %d %q", form, host, rec.Code, rec.Body, status, says)
		}
		if status == http.StatusSeeOther && rec.Header().Get("Location") != "/apps/app#domains" {
			t.Errorf("it leads to %q", rec.Header().Get("Location"))
		}
	}
	do("/apps/app/domains", " Shop.Example. ", http.StatusSeeOther, "")
	page = b.section("app")
	for _, part := range []string{`href="http://shop.example/"`, `href="http://shop.example/api"`, "Remove the domain shop.example"} {
		if !strings.Contains(page, part) {
			t.Errorf("%s is not in %s", part, page)
		}
	}
	do("/apps/other/domains", "shop.example", http.StatusUnprocessableEntity, "another app")
	do("/apps/other/domains/remove", "shop.example", http.StatusNotFound, "no domain")
	do("/apps/app/domains", "console.example.org", http.StatusBadRequest, "own")
	do("/apps/app/domains", "localhost", http.StatusBadRequest, "this machine")
	do("/apps/none/domains", "n.example", http.StatusNotFound, "no app")
	do("/apps/app/domains/remove", "shop.example", http.StatusSeeOther, "")
	if strings.Contains(b.section("app"), "shop.example/") {
		t.Error("the removed domain is there")
	}
	for i := range store.MaxDomains {
		do("/apps/app/domains", fmt.Sprintf("x%d.example", i), http.StatusSeeOther, "")
	}
	if page = b.section("app"); strings.Contains(page, "domain-host") || !strings.Contains(page, "at most 10") {
		t.Errorf("one more is offered: %s", page)
	}
	do("/apps/app/domains", "more.example", http.StatusUnprocessableEntity, "10 domains")
	// With the app they go, and another may have them.
	if rec := b.post("/apps/app/delete", url.Values{"confirm": {"app"}}); rec.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	if rec := b.post("/apps/other/domains", url.Values{"host": {"x1.example"}}); rec.Code != http.StatusSeeOther {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

// T13: what somebody has the owner type is text, in what refuses it too.
func TestHostileDomains(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	for _, form := range []string{"/apps/app/domains", "/apps/app/domains/remove"} {
		for _, host := range []string{hostile, hostile + ".example", "shop.example/" + hostile, "javascript:alert(1)//x.example"} {
			rec := b.post(form, url.Values{"host": {host}})
			if rec.Code != http.StatusBadRequest {
				t.Errorf("%s of %q: got %d", form, host, rec.Code)
			}
			wantText(t, form, rec.Body.String())
		}
	}
	if page := b.section("app"); strings.Contains(page, "alert") || strings.Contains(page, "Remove the domain") {
		t.Errorf("one was taken: %s", page)
	}
}

// T18: of a domain that the server has got as its name since, the page does not say that the app answers there.
func TestShadowedDomain(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	adds := func(host string) {
		t.Helper()
		if rec := b.post("/apps/app/domains", url.Values{"host": {host}}); rec.Code != http.StatusSeeOther {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
	}
	adds("shop.example")
	if err := b.store.SetPlatform(t.Context(), []string{"example.org", "shop.example"}, time.Now()); err != nil { // by the next server
		t.Fatal(err)
	}
	adds("other.example")
	page := b.section("app")
	for part, want := range map[string]bool{
		`href="http://other.example/"`: true, `href="http://shop.example/"`: false, "shadowed": true, "Remove the domain shop.example": true,
	} {
		if strings.Contains(page, part) != want {
			t.Errorf("%s is there: %v, in %s", part, !want, page)
		}
	}
}
