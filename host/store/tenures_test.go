package store_test

import (
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// at is the domain that a host is.
func at(t *testing.T, s *store.Store, host space.Domain) space.AppDomain {
	t.Helper()
	all, err := s.Domains(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Host == host {
			return d
		}
	}
	t.Fatalf("%s is nobody's: %+v", host, all)
	return space.AppDomain{}
}

// platform tells a store its hosts, a while after it was told the last.
func platform(t *testing.T, s *store.Store, after time.Duration, hosts ...string) time.Time {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond).Add(after - 24*time.Hour)
	if err := s.SetPlatform(t.Context(), hosts, now); err != nil {
		t.Fatal(err)
	}
	return now
}

// formers are who was at the platform's hosts, by host.
func formers(t *testing.T, s *store.Store) map[space.Domain]store.Former {
	t.Helper()
	all, err := s.PlatformFormers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[space.Domain]store.Former{}
	for _, f := range all {
		if _, twice := found[f.Host]; twice {
			t.Errorf("%s is told of twice: %+v", f.Host, all)
		}
		found[f.Host] = f
	}
	return found
}

// T14, T18: a domain that becomes the platform's ends, and begins anew, as an heir's, where it
// is not any more. Who was there is known meanwhile.
func TestShadowedDomains(t *testing.T) {
	s := open(t, t.TempDir())
	a := activate(t, s, "a")
	activate(t, s, "b")
	platform(t, s, 0, "localhost")
	for _, host := range []space.Domain{"example.org", "b.example.org", "a.example.org", "x.y.example.org", "myexample.org", "org.example"} {
		adds(t, s, "a", host)
	}
	began := platform(t, s, time.Hour, "localhost", "example.org", "example.org")
	platform(t, s, 2*time.Hour, "example.org", "localhost") // the same
	for host, shadowed := range map[space.Domain]bool{
		"example.org": true, "b.example.org": true, "a.example.org": true, "x.y.example.org": true, "myexample.org": false, "org.example": false,
	} {
		d := at(t, s, host)
		if d.Shadowed.Equal(began) != shadowed || d.Shadowed.IsZero() == shadowed || !d.Created.Equal(added) {
			t.Errorf("%s: %+v", host, d)
		}
		want := store.Former{Host: host, App: "a", Made: a.App.Created, Ended: began}
		if got, ok := formers(t, s)[host]; ok != shadowed || (ok && got != want) {
			t.Errorf("%s: was %+v, %v", host, got, ok)
		}
	}
	// One that is removed ended when it became the platform's, and not later.
	if err := s.RemoveDomain(t.Context(), "a", "b.example.org"); err != nil {
		t.Fatal(err)
	}
	if got := formers(t, s)["b.example.org"]; got.App != "a" || !got.Ended.Equal(began) {
		t.Errorf("it was %+v", got)
	}
	back := platform(t, s, 3*time.Hour, "localhost")
	for host, heir := range map[space.Domain]bool{
		"example.org": true, "a.example.org": false /* the app's own name */, "x.y.example.org": false /* nobody is there */, "myexample.org": false,
	} {
		d := at(t, s, host)
		if anew := host != "myexample.org"; !d.Shadowed.IsZero() || d.Heir != heir || d.Created.Equal(back) != anew {
			t.Errorf("again %s: %+v", host, d)
		}
	}
	if got := formers(t, s); len(got) != 0 {
		t.Errorf("at hosts that are not the platform's: %+v", got)
	}
}

// T14: at a host that was the platform's, its apps were, each at the one of its name.
func TestHeirOfPlatform(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a")
	activate(t, s, "gone")
	platform(t, s, 0, "old.example")
	if err := s.Remove(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	activate(t, s, "gone") // another
	platform(t, s, time.Hour, "new.example")
	for _, c := range []struct {
		app  space.AppName
		host space.Domain
		heir bool
	}{
		{"a", "old.example", true},
		{"a", "b.old.example", true},
		{"a", "a.old.example", false},
		{"gone", "gone.old.example", true},
		{"a", "c.b.old.example", false},
		{"a", "very-old.example", false},
		{"a", "example", false},
	} {
		if adds(t, s, c.app, c.host); heir(t, s, c.host) != c.heir {
			t.Errorf("%s at %s inherits: %v", c.app, c.host, !c.heir)
		}
	}
}

// T14: the platform may get the name of an app's built-in host, with what browsers keep of the app.
func TestPlatformInherits(t *testing.T) {
	s := open(t, t.TempDir())
	for _, app := range []space.AppName{"apps", "gone", "stays"} {
		activate(t, s, app)
	}
	if err := s.Remove(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	platform(t, s, 0, "example.org")
	for i, c := range []struct {
		host space.Domain
		app  space.AppName
	}{{"apps.example.org", "apps"}, {"gone.example.org", "gone"}, {"none.example.org", ""}, {"apps.other.example", ""}, {"x.stays.example.org", ""}} {
		platform(t, s, time.Duration(i+1)*time.Hour, string(c.host))
		if got := formers(t, s)[c.host]; got.App != c.app || got.Heir != (c.app != "") {
			t.Errorf("%s: was %+v", c.host, got)
		}
	}
	// Not twice, where it was a domain, too.
	platform(t, s, 6*time.Hour, "localhost")
	adds(t, s, "stays", "apps.example.org")
	platform(t, s, 7*time.Hour, "apps.example.org")
	if got := formers(t, s)["apps.example.org"]; got.App != "stays" {
		t.Errorf("it was %+v", got)
	}
}

// Each time of an app at a host has another beginning, even where the clock stands still.
func TestTenuresDiffer(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a")
	now := time.Now().UTC().Truncate(time.Millisecond).Add(time.Hour) // a clock that was set back since
	var last time.Time
	for range 3 {
		if isNew, err := s.AddDomain(t.Context(), "a", "x.example", now); !isNew || err != nil {
			t.Fatal(isNew, err)
		}
		d := at(t, s, "x.example")
		if !d.Created.After(last) {
			t.Errorf("it begins at %v, after %v", d.Created, last)
		}
		last = d.Created
		if err := s.RemoveDomain(t.Context(), "a", "x.example"); err != nil {
			t.Fatal(err)
		}
	}
}

// T14: what is known of who was at a host is kept for longer than browsers keep cookies, and
// of the last 10,000 hosts.
func TestFormersArePruned(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	activate(t, s, "a")
	activate(t, s, "b")
	db := database(t, dir)
	ended := func(host string, days int) {
		t.Helper()
		if _, err := db.Exec(`INSERT INTO former_domains (host, app, made, heir, ended) VALUES (?, 'a', 1, 0, ?)`,
			host, time.Now().AddDate(0, 0, -days).UnixMilli()); err != nil {
			t.Fatal(err)
		}
	}
	ended("old.example", 731)
	ended("cookies.example", 401)
	lets := func(host space.Domain) {
		t.Helper()
		adds(t, s, "b", host)
		if err := s.RemoveDomain(t.Context(), "b", host); err != nil {
			t.Fatal(err)
		}
	}
	lets("y.example")
	for host, want := range map[space.Domain]bool{"old.example": false, "cookies.example": true} {
		if adds(t, s, "b", host); heir(t, s, host) != want {
			t.Errorf("at %s it inherits: %v", host, !want)
		}
	}
	if _, err := db.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
		INSERT INTO former_domains (host, app, made, heir, ended) SELECT 'x' || i || '.example', 'a', 1, 0, ? + i FROM n`,
		time.Now().UnixMilli()-20_000); err != nil {
		t.Fatal(err)
	}
	lets("z.example")
	var count int
	var left string
	if err := db.QueryRow(`SELECT count(*), group_concat(host, ',' ORDER BY host) FILTER (WHERE host IN
		('y.example', 'z.example', 'x1.example', 'x2.example', 'x3.example', 'x10000.example', 'cookies.example')) FROM former_domains`).Scan(&count, &left); err != nil {
		t.Fatal(err)
	}
	if count != 10_000 || left != "x10000.example,x3.example,y.example,z.example" {
		t.Errorf("left are %d, and of some %s", count, left)
	}
}
