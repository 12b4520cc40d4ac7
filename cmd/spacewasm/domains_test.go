package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// registrar is a server that gives out domains, and notes what it was asked for.
type registrar struct {
	URL     string
	asked   []string
	domains wire.Domains
}

func newRegistrar(t *testing.T) *registrar {
	t.Helper()
	r := &registrar{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *registrar) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(req.Body)
	r.asked = append(r.asked, strings.TrimSpace(req.Method+" "+strings.TrimPrefix(req.URL.Path, "/api/v1")+" "+string(body)))
	refuse := func(code space.Code, why string) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(code.Status())
		json.NewEncoder(w).Encode(space.Errorf(code, "%s", why).Problem("e-1"))
	}
	switch {
	case strings.HasSuffix(req.URL.Path, "/taken.example"):
		refuse(space.CodeRefused, "another app's, blog")
	case strings.Contains(req.URL.Path, "/none/"), strings.HasSuffix(req.URL.Path, "/none.example"):
		refuse(space.CodeNotFound, "there is none")
	case req.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	case req.Method == http.MethodPut:
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(wire.Domain{Host: "shop.example", URL: "https://shop.example/"})
	default:
		json.NewEncoder(w).Encode(r.domains)
	}
}

func TestDomainsCommand(t *testing.T) {
	k, server := newConsole(t), newRegistrar(t)
	k.env["SPACEWASM_SERVER"], k.env["SPACEWASM_TOKEN"] = server.URL, "secret"
	k.run(t, 0, "domains", "shop")
	wants(t, k.err.String(), "no domains yet", "domains shop add HOST")
	server.domains.Domains = []wire.Domain{{Host: "shop.example", URL: "https://shop.example/", Created: time.Now().Add(-3 * time.Hour)}}
	k.run(t, 0, "domains", "shop")
	wants(t, k.out.String(), "DOMAIN        ADDED        URL\nshop.example  3 hours ago  https://shop.example/\n")
	server.domains.Domains = append(server.domains.Domains, wire.Domain{Host: "x.example", URL: "https://x.example/", Created: time.Now().Add(-3 * time.Hour), Shadowed: true})
	k.run(t, 0, "domains", "shop")
	wants(t, k.out.String(), "x.example     3 hours ago  shadowed\n")
	wants(t, k.err.String(), "x.example has become the server's own", "`spacewasm domains shop rm x.example`", "--public-url")
	k.run(t, 0, "domains", "shop", "--json")
	wants(t, k.out.String(), `"host": "shop.example"`, `"created":`, `"shadowed": true`)
	server.asked = nil

	k.run(t, 0, "domains", "shop", "add", "Shop.Example.")
	if k.out.String() != "https://shop.example/\n" {
		t.Errorf("standard output is %q", k.out.String())
	}
	wants(t, k.err.String(), "shop answers at shop.example", "DNS", "--help")
	k.run(t, 0, "domains", "shop", "add", "shop.example", "--json")
	wants(t, k.out.String(), `"url": "https://shop.example/"`)
	k.run(t, 0, "domains", "shop", "rm", "shop.example")
	wants(t, k.err.String(), "shop does not answer at shop.example any more")
	if got, want := strings.Join(server.asked, "\n"), "PUT /apps/shop/domains/shop.example\nPUT /apps/shop/domains/shop.example\nDELETE /apps/shop/domains/shop.example"; got != want {
		t.Errorf("asked:\n%s\nwant:\n%s", got, want)
	}
	k.run(t, 1, "domains", "shop", "add", "taken.example")
	wants(t, k.err.String(), "another app's, blog")
	k.run(t, 1, "domains", "shop", "rm", "none.example")
	wants(t, k.err.String(), "there is none", "`spacewasm domains APP`")
	server.asked = nil
	for _, args := range []string{
		"domains", "domains UPPER", "domains shop add", "domains shop add a.example b.example", "domains shop rm", "domains shop delete a.example",
		"domains shop list", "domains shop add localhost", "domains shop add https://a.example", "domains shop add a.example:80", "domains shop rm ..", "domains shop add ../x.y",
	} {
		k.run(t, 2, strings.Fields(args)...)
	}
	if server.asked != nil {
		t.Errorf("asked %q", server.asked)
	}
}

// An app's domains are a column of the list, if any app has one.
func TestListDomains(t *testing.T) {
	k := newConsole(t)
	c := &cli{out: &k.out, err: &k.err}
	apps := []wire.App{{App: "blog", Revision: 1, URL: "http://blog.localhost/", Created: time.Now()}, {App: "shop", Revision: 2, URL: "http://shop.localhost/", Created: time.Now()}}
	must(t, c.printApps(apps))
	if strings.Contains(k.out.String(), "DOMAINS") {
		t.Errorf("no app has one, and it says %s", k.out.String())
	}
	apps[1].Domains = []string{"a.example", "b.example"}
	must(t, c.printApps(apps))
	wants(t, k.out.String(), "URL                     DOMAINS\n", "http://shop.localhost/  a.example b.example\n")
	apps[0].Shadowed = []string{"c.example"}
	must(t, c.printApps(apps))
	wants(t, k.out.String(), "http://blog.localhost/  c.example (shadowed)\n")
	wants(t, k.err.String(), "c.example has become the server's own")
}
