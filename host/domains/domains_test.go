package domains_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/spacewasm/spacewasm/host/domains"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// open returns a keeper of a store with the apps shop and blog.
func open(t *testing.T, base string) (*domains.Keeper, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, app := range []space.AppName{"shop", "blog"} {
		planned, err := s.Plan(t.Context(), app)
		if err == nil {
			_, err = s.Activate(t.Context(), planned)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return again(t, s, base), s
}

func again(t *testing.T, s *store.Store, base string) *domains.Keeper {
	t.Helper()
	k, err := domains.New(t.Context(), domains.Config{Store: s, Platform: []string{"localhost", "space.example.org"}, BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func code(err error) space.Code {
	if e, ok := errors.AsType[*space.Error](err); ok {
		return e.Code
	}
	return ""
}

// What was changed is so for requests at once, and for the next server.
func TestKeeper(t *testing.T) {
	k, s := open(t, "https://space.example.org")
	for _, want := range []bool{true, false} {
		if added, err := k.Add(t.Context(), "shop", "shop.example"); added != want || err != nil {
			t.Errorf("added %v, %v", added, err)
		}
	}
	for _, now := range []*domains.Keeper{k, again(t, s, "")} {
		if d, ok := now.Find("shop.example"); !ok || d.App != "shop" || d.Key == "" {
			t.Errorf("found %+v, %v", d, ok)
		}
		if own := now.Of("shop"); len(own) != 1 || len(now.Of("blog")) != 0 {
			t.Errorf("it has %+v", own)
		}
	}
	for _, host := range []string{"", "example", "x.shop.example", "shop.example.", "SHOP.example"} {
		if _, ok := k.Find(host); ok {
			t.Errorf("found %q", host)
		}
	}
	if _, err := k.Add(t.Context(), "blog", "shop.example"); code(err) != space.CodeRefused || !strings.Contains(err.Error(), "shop: remove it there") {
		t.Errorf("another's: %v", err)
	}
	if err := k.Remove(t.Context(), "blog", "shop.example"); code(err) != space.CodeNotFound {
		t.Errorf("another's is removed: %v", err)
	}
	if err := k.Remove(t.Context(), "shop", "shop.example"); err != nil {
		t.Error(err)
	}
	if _, ok := k.Find("shop.example"); ok {
		t.Error("a removed domain is found")
	}
	if _, err := k.Add(t.Context(), "none", "none.example"); code(err) != space.CodeNotFound {
		t.Errorf("no app: %v", err)
	}
}

// T18: the server's own hosts, and those of its apps, are no app's to choose.
func TestPlatformIsNobodys(t *testing.T) {
	k, _ := open(t, "")
	for _, host := range []space.Domain{"space.example.org", "blog.space.example.org", "console.space.example.org", "a.b.space.example.org"} {
		if _, err := k.Add(t.Context(), "shop", host); code(err) != space.CodeBadRequest {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []space.Domain{"example.org", "myspace.example.org", "space.example.org.example"} {
		if added, err := k.Add(t.Context(), "shop", host); !added || err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestURL(t *testing.T) {
	for base, want := range map[string]string{
		"http://localhost:4200": "http://shop.example:4200/", "https://space.example.org": "https://shop.example/", "http://[::1]:80": "http://shop.example:80/",
	} {
		k, _ := open(t, base)
		if got := k.URL("shop.example"); got != want {
			t.Errorf("beside %s it is %s, want %s", base, got, want)
		}
	}
}

// A domain that goes is not answered, even if the store does not say what is left.
func TestStoreFails(t *testing.T) {
	k, s := open(t, "")
	for _, host := range []space.Domain{"a.example", "b.example"} {
		if _, err := k.Add(t.Context(), "shop", host); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.Remove(context.Background(), "shop", "a.example"); err == nil {
		t.Error("a closed store removes")
	}
	if _, ok := k.Find("a.example"); ok {
		t.Error("the domain that was to go is found")
	}
	if _, ok := k.Find("b.example"); !ok || len(k.Of("shop")) != 1 {
		t.Error("the others are gone")
	}
}

// While domains come and go, who asks finds each whole or not at all.
func TestKeeperUnderChange(t *testing.T) {
	k, _ := open(t, "")
	var wg, readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if d, ok := k.Find("x1.example"); ok && (d.App != "shop" || d.Host != "x1.example") {
					t.Errorf("found %+v", d)
				}
				k.Of("shop")
			}
		})
	}
	for i := range 4 {
		wg.Go(func() {
			host := space.Domain(fmt.Sprintf("x%d.example", i))
			for range 10 {
				if _, err := k.Add(t.Context(), "shop", host); err != nil {
					t.Error(err)
				}
				if _, ok := k.Find(string(host)); !ok {
					t.Errorf("%s is not found after it was added", host)
				}
				if err := k.Remove(t.Context(), "shop", host); err != nil {
					t.Error(err)
				}
				if _, ok := k.Find(string(host)); ok {
					t.Errorf("%s is found after it was removed", host)
				}
			}
		})
	}
	wg.Wait()
	close(done)
	readers.Wait()
}
