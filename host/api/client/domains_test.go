package client_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// What is no domain addresses nothing: it is refused before it is sent.
func TestDomainCalls(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.EscapedPath())
		switch r.Method {
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case http.MethodPut:
			answer(w, http.StatusCreated, "application/json", wire.Domain{Host: "shop.example"})
		default:
			answer(w, 200, "application/json", wire.Domains{Domains: []wire.Domain{{Host: "shop.example"}}})
		}
	})
	ctx := t.Context()
	if all, err := c.Domains(ctx, "shop"); err != nil || len(all.Domains) != 1 {
		t.Errorf("Domains = %v, %v", all, err)
	}
	if d, err := c.AddDomain(ctx, "shop", "Shop.Example."); err != nil || d.Host != "shop.example" {
		t.Errorf("AddDomain = %v, %v", d, err)
	}
	if err := c.RemoveDomain(ctx, "shop", "shop.example"); err != nil {
		t.Error(err)
	}
	for _, host := range []space.Domain{"", "..", "../keys", "a/b.example", "a.example?x", "localhost"} {
		if _, err := c.AddDomain(ctx, "shop", host); err == nil {
			t.Errorf("added %q", host)
		}
		if err := c.RemoveDomain(ctx, "shop", host); err == nil {
			t.Errorf("removed %q", host)
		}
	}
	if _, err := c.Domains(ctx, "../tokens"); err == nil {
		t.Error("listed those of no app")
	}
	want := []string{"GET /api/v1/apps/shop/domains", "PUT /api/v1/apps/shop/domains/shop.example", "DELETE /api/v1/apps/shop/domains/shop.example"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q\nwant %q", asked, want)
	}
}
