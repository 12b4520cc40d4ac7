package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// testBooks are enough for several pages of most searches.
const testBooks = "3000"

// testDir is where the database of the tests lies, made as that of the Micro is.
var testDir string

func TestMain(m *testing.M) {
	os.Exit(withDatabase(m.Run))
}

func withDatabase(run func() int) int {
	dir, err := os.MkdirTemp("", "catalog-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	testDir = dir
	out, err := exec.Command("go", "run", "./generate", "-books", testBooks, "-out", filepath.Join(dir, "catalog.db")).CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("generate: %v\n%s", err, out))
	}
	return run()
}

// site is the handler and the database that it asks.
type site struct {
	http.Handler
	db      *sql.DB
	library *library
}

func newSite(t testing.TB) site {
	t.Helper()
	folder, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(testDir) // a Micro's / is its working directory
	return openSite(t, "/catalog.db", folder)
}

func openSite(t testing.TB, database, folder string) site {
	t.Helper()
	db, err := sql.Open("sqlite", database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	l, err := openLibrary(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHandler(l, os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	return site{h, db, l}
}

func (s site) get(t testing.TB, target string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Result(), w.Body.String()
}

// page is what a browser gets, checked for what all pages have.
func (s site) page(t testing.TB, status int, target string) string {
	t.Helper()
	resp, body := s.get(t, target)
	if resp.StatusCode != status {
		t.Fatalf("%s: status %d, want %d:\n%s", target, resp.StatusCode, status, body)
	}
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q", target, name, got)
		}
	}
	if !strings.HasPrefix(body, "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
		t.Errorf("%s is not a whole page", target)
	}
	if found := regexp.MustCompile(`(?i)<script|<style| style=| on[a-z]+=|javascript:`).FindString(body); found != "" {
		t.Errorf("%s: the page has %q", target, found)
	}
	return body
}

// ask is what a program gets of a search.
func (s site) ask(t testing.TB, query string) apiResult {
	t.Helper()
	resp, body := s.get(t, "/api/search?"+query)
	var r apiResult
	if err := json.Unmarshal([]byte(body), &r); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v:\n%s", query, resp.StatusCode, err, body)
	}
	return r
}

// one reads a value of the database.
func one[T any](t testing.TB, s site, query string, args ...any) (v T) {
	t.Helper()
	if err := s.db.QueryRowContext(context.Background(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestHome(t *testing.T) {
	s := newSite(t)
	body := s.page(t, http.StatusOK, "/")
	contains(t, body, "3,000 books, one search box", `href="/?subject=Marine%20biology"`, `<option>Portuguese</option>`, s.library.Loved[0].Title)
	for _, path := range regexp.MustCompile(`(?:href|src)="(/static/[^"]*)"`).FindAllStringSubmatch(body, -1) {
		if resp, _ := s.get(t, path[1]); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path[1], resp.StatusCode)
		}
	}
	for _, target := range []string{"/?language=Danish", "/?q=+"} { // nothing is searched for
		contains(t, s.page(t, http.StatusOK, target), "one search box")
	}
}

// What is in a book is found, by each of its texts, and shown where it is.
func TestSearchFinds(t *testing.T) {
	s := newSite(t)
	const id = 1234
	title := one[string](t, s, "SELECT title FROM books WHERE id = ?", id)
	author := one[string](t, s, "SELECT name FROM authors JOIN books ON author = authors.id WHERE books.id = ?", id)
	text := one[string](t, s, "SELECT description FROM books WHERE id = ?", id)
	typed := fmt.Sprintf("%q %q %q", unquoted(title), unquoted(author), strings.Join(strings.Fields(unquoted(text))[:4], " "))
	r := s.ask(t, "q="+url.QueryEscape(typed))
	if r.Found != 1 || r.Books[0].ID != id || r.Books[0].Title != title || r.Books[0].Author != author || r.Searched != 3000 {
		t.Errorf("%s: got %+v", typed, r)
	}
	body := s.page(t, http.StatusOK, "/?q="+url.QueryEscape(typed))
	contains(t, body, "1 book for", "3,000 books searched in ", fmt.Sprintf(`href="/books/%d"><mark>`, id))

	// Diacritics do not matter, nor does case, and a word finds longer ones.
	want := one[int](t, s, `SELECT count(*) FROM search WHERE search MATCH '"lisbon" *'`)
	for _, q := range []string{"lisbon", "LISBON", "LISBÖN", "Lis bon"[:3] + "bon"} {
		if got := s.ask(t, "q="+url.QueryEscape(q)).Found; got != want || want == 0 {
			t.Errorf("%s: found %d of %d", q, got, want)
		}
	}
	if short, long := s.ask(t, "q=light").Found, s.ask(t, "q=lighthouse").Found; short < long || long == 0 {
		t.Errorf("light is in %d books, lighthouse in %d", short, long)
	}
	if words, phrase := s.ask(t, "q=night+nurse").Found, s.ask(t, "q=%22night+nurse%22").Found; phrase > words || phrase == 0 {
		t.Errorf("the words are in %d books, the phrase in %d", words, phrase)
	}
	contains(t, s.page(t, http.StatusOK, "/?q=zzzz"), "No book", "Nothing has all of these words")
}

func unquoted(s string) string { return strings.ReplaceAll(s, `"`, "") }

// A word in a title counts for more than one in a description.
func TestBestFirst(t *testing.T) {
	s := newSite(t)
	r := s.ask(t, "q=lighthouse")
	if !r.Ranked || !strings.Contains(strings.ToLower(r.Books[0].Title), "lighthouse") {
		t.Errorf("the best is %+v", r.Books[0])
	}
	s.library.rankable = r.Found - 1
	if r := s.ask(t, "q=lighthouse"); r.Ranked || !slices.IsSortedFunc(r.Books, func(a, b apiBook) int { return a.ID - b.ID }) {
		t.Errorf("too many are ranked: %+v", r)
	}
	contains(t, s.page(t, http.StatusOK, "/?q=lighthouse"), "too many to put the best first")
	for order, sign := range map[string]int{"new": -1, "old": 1} {
		r := s.ask(t, "q=lighthouse&sort="+order)
		if !r.Ranked || !slices.IsSortedFunc(r.Books, func(a, b apiBook) int { return sign * (a.Year - b.Year) }) {
			t.Errorf("%s: not in the order of years: %+v", order, r.Books)
		}
	}
}

func TestFilters(t *testing.T) {
	s := newSite(t)
	all := s.ask(t, "q=the")
	for query, right := range map[string]func(apiBook) bool{
		"q=the&language=Spanish":   func(b apiBook) bool { return b.Language == "Spanish" },
		"q=the&from=1990":          func(b apiBook) bool { return b.Year >= 1990 },
		"q=the&to=1900":            func(b apiBook) bool { return b.Year <= 1900 },
		"q=the&subject=Crime":      func(b apiBook) bool { return slices.Contains(b.Subjects, "Crime") }, // and not only Crime novels
		"subject=Marine%20biology": func(b apiBook) bool { return slices.Contains(b.Subjects, "Marine biology") },
		"q=the&language=English&from=1950&to=2000&subject=Poetry": func(b apiBook) bool {
			return b.Language == "English" && b.Year >= 1950 && b.Year <= 2000 && slices.Contains(b.Subjects, "Poetry")
		},
	} {
		r := s.ask(t, query)
		if r.Found == 0 || r.Found >= all.Found || len(r.Books) == 0 {
			t.Errorf("%s: found %d of %d", query, r.Found, all.Found)
		}
		for _, b := range r.Books {
			if !right(b) {
				t.Errorf("%s: found %+v", query, b)
			}
		}
		contains(t, s.page(t, http.StatusOK, "/?"+query), grouped(r.Found)+" book")
	}
	for _, query := range []string{"q=the&language=Klingon", "subject=Crime%20%22OR", "q=the&subject=crime'--"} {
		if r := s.ask(t, query); r.Found != 0 {
			t.Errorf("%s: found %d", query, r.Found)
		}
	}
	want := one[int](t, s, "SELECT count(*) FROM books WHERE EXISTS (SELECT 1 FROM json_each(subjects) WHERE value = 'Crime')")
	if got := s.ask(t, "subject=Crime").Found; got != want {
		t.Errorf("found %d books on crime, there are %d", got, want)
	}
}

// What is said beside a search is what narrowing it finds.
func TestFacets(t *testing.T) {
	s := newSite(t)
	r := s.ask(t, "q=winter")
	if r.Found > sampled || len(r.Subjects) != 8 || len(r.Languages) != 6 {
		t.Fatalf("got %+v", r)
	}
	for name, tallies := range map[string][]tally{"subject": r.Subjects, "language": r.Languages} {
		for _, n := range tallies {
			if got := s.ask(t, "q=winter&"+url.Values{name: {n.Name}}.Encode()).Found; got != n.Books {
				t.Errorf("%s %s: %d are said, %d found", name, n.Name, n.Books, got)
			}
		}
	}
}
