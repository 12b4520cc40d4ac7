package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/domains"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

func newDomains(t *testing.T, durable *store.Store) *domains.Keeper {
	t.Helper()
	k, err := domains.New(t.Context(), domains.Config{Store: durable, Platform: []string{"example.org"}, BaseURL: "https://example.org:8443"})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDomains(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	b.push(t, "other", "hello")
	const list = "/api/v1/apps/app/domains"
	if rec := b.ask(t, http.MethodGet, list, nil); strings.TrimSpace(rec.Body.String()) != `{"domains":[]}` {
		t.Errorf("got %s", rec.Body)
	}
	for i, status := range []int{http.StatusCreated, http.StatusOK} { // the second spells it in another way
		rec := b.ask(t, http.MethodPut, list+"/"+[]string{"shop.example", "SHOP.%65xample."}[i], nil)
		d := decode[wire.Domain](t, rec)
		if rec.Code != status || d.Host != "shop.example" || d.URL != "https://shop.example:8443/" || time.Since(d.Created) > time.Minute {
			t.Errorf("got %d %+v", rec.Code, d)
		}
		if where := rec.Header().Get("Location"); (where == list+"/shop.example") != (status == http.StatusCreated) {
			t.Errorf("%d leads to %q", status, where)
		}
	}
	b.ask(t, http.MethodPut, list+"/a.example", nil)
	all := decode[wire.Domains](t, b.ask(t, http.MethodGet, list, nil)).Domains
	if len(all) != 2 || all[0].Host != "a.example" || all[1].Host != "shop.example" {
		t.Errorf("got %+v", all)
	}
	if app := decode[wire.App](t, b.ask(t, http.MethodGet, "/api/v1/apps/app", nil)); !slices.Equal(app.Domains, []string{"a.example", "shop.example"}) {
		t.Errorf("the app has %q", app.Domains)
	}
	if rec := b.ask(t, http.MethodDelete, list+"/Shop.example", nil); rec.Code != http.StatusNoContent {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	wantProblem(t, "removed again", b.ask(t, http.MethodDelete, list+"/shop.example", nil), space.CodeNotFound)
	wantProblem(t, "of another app", b.ask(t, http.MethodDelete, "/api/v1/apps/other/domains/a.example", nil), space.CodeNotFound)
	p := wantProblem(t, "another's", b.ask(t, http.MethodPut, "/api/v1/apps/other/domains/a.example", nil), space.CodeRefused)
	if !strings.Contains(p.Detail, "another app's, app") {
		t.Errorf("%q does not say whose", p.Detail)
	}
	// With the app they go, and others may have them.
	if rec := b.ask(t, http.MethodDelete, "/api/v1/apps/app", nil); rec.Code != http.StatusNoContent {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	if rec := b.ask(t, http.MethodPut, "/api/v1/apps/other/domains/a.example", nil); rec.Code != http.StatusCreated {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

// T18: no app gets a host that is the server's own, below it, or no host at all.
func TestDomainsRefused(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	for host, says := range map[string]string{
		"example.org": "server's own", "app.example.org": "server's own", "console.example.org.": "server's own", "a.b.EXAMPLE.org": "server's own",
		"localhost": "this machine", "x.localhost": "this machine", "127.0.0.1": "no address", "[::1]": "no address", "shop": "two labels",
		"shop.example:80": "no port", "a/b.example": "no path", "*.example": "letters", "a.example\x00": "letters", "bücher.example": "xn--", "\"><script>.example": "letters",
		strings.Repeat("a.", 200) + "example": "253", "..": "letters",
	} {
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			if method == http.MethodDelete && says == "server's own" {
				continue // there is none, as of any other
			}
			rec := b.ask(t, method, "/api/v1/apps/app/domains/"+url.PathEscape(host), nil)
			if p := wantProblem(t, host, rec, space.CodeBadRequest); !strings.Contains(p.Detail, says) {
				t.Errorf("%.40q: %q does not say %q", host, p.Detail, says)
			}
		}
	}
	for i := range store.MaxDomains {
		if rec := b.ask(t, http.MethodPut, fmt.Sprintf("/api/v1/apps/app/domains/x%d.example", i), nil); rec.Code != http.StatusCreated {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
	}
	p := wantProblem(t, "one more", b.ask(t, http.MethodPut, "/api/v1/apps/app/domains/more.example", nil), space.CodeRefused)
	if !strings.Contains(p.Detail, "10 domains") {
		t.Errorf("%q does not say how many", p.Detail)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		wantProblem(t, "no app", b.ask(t, method, "/api/v1/apps/none/domains/n.example", nil), space.CodeNotFound)
	}
}

// T18: of a domain that the server has got as its name since, nobody is told that the app answers there.
func TestShadowedDomain(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	const list = "/api/v1/apps/app/domains"
	adds := func(host string) {
		t.Helper()
		if rec := b.ask(t, http.MethodPut, list+"/"+host, nil); rec.Code != http.StatusCreated {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
	}
	adds("shop.example")
	if err := b.store.SetPlatform(t.Context(), []string{"example.org", "shop.example"}, time.Now()); err != nil { // by the next server
		t.Fatal(err)
	}
	adds("other.example")
	all := decode[wire.Domains](t, b.ask(t, http.MethodGet, list, nil)).Domains
	if len(all) != 2 || all[0].Shadowed || !all[1].Shadowed || all[1].Host != "shop.example" {
		t.Errorf("got %+v", all)
	}
	app := decode[wire.App](t, b.ask(t, http.MethodGet, "/api/v1/apps/app", nil))
	if !slices.Equal(app.Domains, []string{"other.example"}) || !slices.Equal(app.Shadowed, []string{"shop.example"}) {
		t.Errorf("the app has %q, and shadowed %q", app.Domains, app.Shadowed)
	}
	if rec := b.ask(t, http.MethodDelete, list+"/shop.example", nil); rec.Code != http.StatusNoContent {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}
