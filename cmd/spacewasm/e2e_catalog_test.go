package main_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The catalogue example: a Micro whose database comes with its code, opened and prepared
// in main, so that it is a part of the snapshot.
func TestE2ECatalog(t *testing.T) {
	s := serve(t)
	errs := s.pushBuilt("../../examples/catalog")
	contains(t, errs, "$ GOOS=wasip1", "$ go run ./generate", "handler")
	contains(t, s.ok("catalog", "/"), "120,000 books, one search box", "Best loved")
	contains(t, s.ok("catalog", "/?q=lighthouse+keeper"), "<mark>Lighthouse</mark> <mark>Keeper</mark>", "120,000 books searched in ", "Subjects</h2>")
	contains(t, s.ok("catalog", "/books/77"), "As JSON", "On the same subject")
	contains(t, s.ok("catalog", "/authors/1"), "in this library")
	s.get("catalog", "/books/120001").is(t, http.StatusNotFound, "")
	s.get("catalog", "/?q=***").is(t, http.StatusBadRequest, "")
	s.get("catalog", "/static/style.css").is(t, http.StatusOK, "")
	for _, hidden := range []string{"/catalog.db", "/static/..%2fcatalog.db", "/main.go"} {
		s.get("catalog", hidden).is(t, http.StatusNotFound, "")
	}

	// Many ask at once, each for something else, and each gets the same as alone.
	queries := []string{"q=the", "q=%22coral+reefs%22", "q=letters+lisbon", "subject=Crime", "q=inigo&sort=new", "q=a%22b*(", "q=moon&language=French&from=1950"}
	alone := make([]int, len(queries))
	for i, query := range queries {
		alone[i] = catalogFound(t, s.ok("catalog", "/api/search?"+query))
	}
	if alone[0] < 100_000 || slices.Min(alone[1:5]) == 0 {
		t.Errorf("found %v", alone)
	}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for i, query := range queries {
				if got := catalogFound(t, s.ok("catalog", "/api/search?"+query)); got != alone[i] {
					t.Errorf("%s: found %d, alone %d", query, got, alone[i])
				}
			}
		})
	}
	clients.Wait()
}

// catalogFound is how many books an answer says there are.
func catalogFound(t *testing.T, body string) int {
	t.Helper()
	var r struct {
		Searched, Found int
		Books           []struct{ Title string }
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil || r.Searched != 120_000 || (r.Found > 0) != (len(r.Books) > 0) {
		t.Errorf("%v: %s", err, strings.TrimSpace(body))
	}
	return r.Found
}
