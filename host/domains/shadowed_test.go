package domains_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/domains"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// named is the next server of the store, by another name, and what it says.
func named(t *testing.T, s *store.Store, platform ...string) (*domains.Keeper, string) {
	t.Helper()
	said := &strings.Builder{}
	k, err := domains.New(t.Context(), domains.Config{Store: s, Platform: platform, Logger: slog.New(slog.NewTextHandler(said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return k, said.String()
}

// T14, T18: where a server gets a name that an app has as a domain, the app does not answer
// there, its owner is told, and who answers there then knows that another did.
func TestShadowed(t *testing.T) {
	first, s := open(t, "")
	for _, host := range []space.Domain{"shop.example.org", "blog.example.org", "elsewhere.example"} {
		if _, err := first.Add(t.Context(), "blog", host); err != nil {
			t.Fatal(err)
		}
	}
	apps := map[space.AppName]space.App{}
	all, err := s.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		apps[d.App.Name] = d.App
	}
	if _, ok := first.Inherited("shop.example.org", apps["shop"]); ok {
		t.Error("a host that is not the platform's is inherited")
	}
	k, said := named(t, s, "localhost", "example.org")
	if strings.Count(said, "level=WARN") != 2 || !strings.Contains(said, "app=blog host=shop.example.org") || !strings.Contains(said, "--domain") {
		t.Errorf("it says %s", said)
	}
	if _, said = named(t, s, "localhost", "example.org"); strings.Count(said, "level=WARN") != 2 {
		t.Errorf("the next time it says %s", said)
	}
	for host, found := range map[string]bool{"shop.example.org": false, "blog.example.org": false, "elsewhere.example": true} {
		if _, ok := k.Find(host); ok != found {
			t.Errorf("%s is found: %v", host, ok)
		}
	}
	if own := k.Of("blog"); len(own) != 3 || own[0].Shadowed.IsZero() || !own[1].Shadowed.IsZero() || own[2].Shadowed.IsZero() {
		t.Errorf("it has %+v", own)
	}
	inherits := func(what string, k *domains.Keeper, host string, app space.App, want bool) {
		t.Helper()
		if ended, ok := k.Inherited(host, app); ok != want || ended.IsZero() == want {
			t.Errorf("%s: inherited %v, since %v", what, ok, ended)
		}
	}
	inherits("another's", k, "shop.example.org", apps["shop"], true)
	inherits("its own", k, "blog.example.org", apps["blog"], false)
	later := apps["blog"]
	later.Created = later.Created.Add(1e9)
	inherits("a later one's of the name", k, "blog.example.org", later, true)
	inherits("the platform's", k, "shop.example.org", space.App{}, true)
	inherits("nobody's", k, "other.example.org", apps["shop"], false)
	before, _ := k.Inherited("shop.example.org", apps["shop"])
	if err := k.Remove(t.Context(), "blog", "shop.example.org"); err != nil {
		t.Fatal(err)
	}
	if after, ok := k.Inherited("shop.example.org", apps["shop"]); !ok || !after.Equal(before) {
		t.Errorf("after it was removed: %v, %v, before %v", after, ok, before)
	}
	k, said = named(t, s, "localhost")
	if d, ok := k.Find("blog.example.org"); !ok || d.Heir || !d.Shadowed.IsZero() || said != "" {
		t.Errorf("by the old name: %+v, %v; it says %q", d, ok, said)
	}
}
