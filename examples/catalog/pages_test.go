package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// All books of a search are on its pages, each once, and there is an end.
func TestPages(t *testing.T) {
	s := newSite(t)
	first := s.ask(t, "q=winter")
	if first.Pages < 3 {
		t.Fatalf("the search has %d pages", first.Pages)
	}
	seen := map[int]bool{}
	for page := 1; page <= first.Pages; page++ {
		r := s.ask(t, fmt.Sprintf("q=winter&page=%d", page))
		if r.Page != page || r.Found != first.Found || len(r.Books) == 0 || len(r.Books) > pageSize {
			t.Errorf("page %d: %d books of %d", r.Page, len(r.Books), r.Found)
		}
		for _, b := range r.Books {
			if seen[b.ID] {
				t.Errorf("book %d is on two pages", b.ID)
			}
			seen[b.ID] = true
		}
	}
	if len(seen) != first.Found {
		t.Errorf("%d books are on the pages, %d were found", len(seen), first.Found)
	}
	contains(t, s.page(t, http.StatusOK, "/?q=winter&page=2"), "Page 2 of", `rel="prev"`, `rel="next" href="/?page=3&amp;q=winter"`, `<ol start="21">`)
	contains(t, s.page(t, http.StatusOK, fmt.Sprintf("/?q=winter&page=%d", first.Pages+1)), "The list ends before page")
	if r := s.ask(t, "q=the"); r.Pages != maxPage {
		t.Errorf("%d books are on %d pages", r.Found, r.Pages)
	}
}

func TestRefusals(t *testing.T) {
	s := newSite(t)
	for query, want := range map[string]string{
		"q=" + strings.Repeat("%C3%A9", maxText+1):     "200 characters at most",
		"q=" + strings.Repeat("a+", maxWords+1):        "12 words at most",
		"q=rain&subject=" + strings.Repeat("a", 1<<10): "60 characters at most",
		"q=***":                            "a letter or a digit",
		"q=rain&page=0":                    "The page is a whole number from 1 to 50",
		"q=rain&page=51":                   "The page is",
		"q=rain&page=-1":                   "The page is",
		"q=rain&page=99999999999999999999": "The page is",
		"q=rain&page=1e1":                  "The page is",
		"q=rain&from=MCM":                  "The first year is",
		"q=rain&to=10000":                  "The last year is",
		"q=rain&from=1950&to=1940":         "The years end before they begin",
		"q=rain&sort=drop":                 "The order is",
	} {
		// The browser's page says why, and has the form with what was typed.
		contains(t, s.page(t, http.StatusBadRequest, "/?"+query), want, `role="alert"`, `<form`)
		resp, body := s.get(t, "/api/search?"+query)
		var f failure
		if err := json.Unmarshal([]byte(body), &f); err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(strings.Join(f.Problems, " "), want) {
			t.Errorf("%.40s: status %d, %s", query, resp.StatusCode, body)
		}
	}
	if resp, body := s.get(t, "/api/search"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a search for nothing: status %d, %s", resp.StatusCode, body)
	}
	for _, target := range []string{
		"/none", "/books/0", "/books/3001", "/books/-1", "/books/1%20OR%201", "/books/9999999999999999999999", "/authors/x", "/authors/99999",
		"/authors/1?page=0", "/authors/1?page=101", "/static/none.css", "/static/..%2fmain.go", "/static/",
	} {
		contains(t, s.page(t, http.StatusNotFound, target), "There is no such page")
	}
	if resp, _ := s.get(t, "/api/books/3001"); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("a book that is none: status %d", resp.StatusCode)
	}
}

// FuzzSearch types anything: it is found or not, or refused, and never breaks a page,
// a query, or FTS5's syntax.
func FuzzSearch(f *testing.F) {
	for _, typed := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' OR 1=1 --`, `a"b"c`, `"`, `""`, `"" ""`, `"a`, `a" "b c" d`, `AND`, `a OR`, `NOT a`, `NEAR(a b, 2)`,
		`title : a`, `{title author} : a`, `- subjects : a`, `^a`, `a*`, `*`, `a + b`, `(((`, `a)`, `\`, "a\x00b", "\xff\xfe", `ﬁn`, `İstanbul`, "a\u0301", "\u0301", "\u200b", `東京`, `🚢`, `½ ² Ⅷ`,
		`{{.}}`, `%00`, "\ue000", strings.Repeat(`"a" `, 50), "\x02mark\x03",
	} {
		f.Add(typed, typed)
	}
	// The processes that fuzz begin in this folder, which is why it stays the one.
	s := openSite(f, filepath.Join(testDir, "catalog.db")+"?vfs=unix", ".")
	f.Fuzz(func(t *testing.T, typed, subject string) {
		query := url.Values{"q": {typed}, "subject": {subject}, "language": {subject}}.Encode()
		for _, target := range []string{"/?" + query, "/?" + url.Values{"q": {typed}}.Encode(), "/api/search?" + query} {
			resp, body := s.get(t, target)
			if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusBadRequest {
				t.Fatalf("%q on %q: status %d:\n%s", typed, subject, resp.StatusCode, body)
			}
			page := !strings.HasPrefix(target, "/api/")
			if page && (strings.Contains(body, "<script") || strings.Contains(body, "<img")) {
				t.Fatalf("%q on %q is in the page as it is", typed, subject)
			}
		}
	})
}

func TestBookPage(t *testing.T) {
	s := newSite(t)
	id := one[int](t, s, `SELECT b.id FROM books b JOIN ratings r ON r.book = b.id WHERE json_array_length(subjects) > 2 AND details ->> '$.series.number' IS NOT NULL
		GROUP BY b.id HAVING sum(votes) > 20 LIMIT 1`)
	body := s.page(t, http.StatusOK, fmt.Sprintf("/books/%d", id))
	contains(t, body, "<meter", "As JSON", "height</dt>", " mm</dd>", ", no. ", "On the same subject")
	resp, text := s.get(t, fmt.Sprintf("/api/books/%d", id))
	var b struct {
		apiBook
		Ratings []rating       `json:"ratings"`
		Details map[string]any `json:"details"`
	}
	if err := json.Unmarshal([]byte(text), &b); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v: %s", resp.StatusCode, err, text)
	}
	sum, votes := 0, 0
	for _, r := range b.Ratings {
		sum, votes = sum+r.Stars*r.Votes, votes+r.Votes
	}
	if votes != b.Votes || len(b.Ratings) != 5 || fmt.Sprintf("%.6f", float64(sum)/float64(votes)) != fmt.Sprintf("%.6f", b.Stars) {
		t.Errorf("%d votes of %d, %v: %+v", votes, b.Votes, b.Stars, b.Ratings)
	}
	if b.Details["publisher"] == "" || b.Details["series"] == nil || !slices.Contains(b.Subjects, one[string](t, s, "SELECT subjects ->> 1 FROM books WHERE id = ?", id)) {
		t.Errorf("got %+v", b)
	}
	none := one[int](t, s, "SELECT id FROM books WHERE id NOT IN (SELECT book FROM ratings) LIMIT 1")
	contains(t, s.page(t, http.StatusOK, fmt.Sprintf("/books/%d", none)), "Nobody has rated this book yet")
}

func TestAuthorPage(t *testing.T) {
	s := newSite(t)
	id := one[int](t, s, "SELECT author FROM books GROUP BY author ORDER BY count(*) DESC LIMIT 1")
	count := one[int](t, s, "SELECT count(*) FROM books WHERE author = ?", id)
	body := s.page(t, http.StatusOK, fmt.Sprintf("/authors/%d", id))
	contains(t, body, fmt.Sprintf("%d books in this library", count), one[string](t, s, "SELECT name FROM authors WHERE id = ?", id))
	if got := strings.Count(body, `href="/books/`); got != min(count, authorPage) {
		t.Errorf("%d of %d books are on the page", got, count)
	}
	contains(t, s.page(t, http.StatusOK, fmt.Sprintf("/authors/%d?page=%d", id, count/authorPage+2)), "The list ends before this page")
	if idle := one[int](t, s, "SELECT coalesce(min(id), 0) FROM authors WHERE id NOT IN (SELECT author FROM books)"); idle != 0 {
		contains(t, s.page(t, http.StatusOK, fmt.Sprintf("/authors/%d", idle)), "None of the books is in this library")
	}
}

// A database that fails is the owner's business: the visitor reads a polite page.
func TestFailures(t *testing.T) {
	s := newSite(t)
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/?q=rain", "/books/1", "/authors/1"} {
		body := s.page(t, http.StatusInternalServerError, target)
		contains(t, body, "Something went wrong on our side")
		if strings.Contains(body, "sql") {
			t.Errorf("%s: the page says %s", target, body)
		}
	}
	for _, target := range []string{"/api/search?q=rain", "/api/books/1"} {
		if resp, body := s.get(t, target); resp.StatusCode != http.StatusInternalServerError || strings.Contains(body, "closed") {
			t.Errorf("%s: status %d, %s", target, resp.StatusCode, body)
		}
	}
	contains(t, s.page(t, http.StatusOK, "/"), "one search box") // it was counted before
	if _, err := openLibrary(context.Background(), s.db); err == nil || !strings.Contains(err.Error(), "prepare SELECT count(*)") {
		t.Errorf("a library was opened without its database: %v", err)
	}
	if _, err := newHandler(s.library, fstest.MapFS{}); err == nil {
		t.Error("a handler was made without its templates")
	}
}

// The database is read only, whatever a Micro asks of it.
func TestReadOnly(t *testing.T) {
	s := newSite(t)
	before, err := os.ReadFile("catalog.db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.ExecContext(t.Context(), "DELETE FROM books"); err == nil {
		t.Error("books were deleted")
	}
	if after, err := os.ReadFile("catalog.db"); err != nil || string(after) != string(before) {
		t.Errorf("the database has changed: %v", err)
	}
}

func TestMethods(t *testing.T) {
	s := newSite(t)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/?q=rain", strings.NewReader("q=rain")))
	if w.Code < 400 {
		t.Errorf("a POST is answered with %d", w.Code)
	}
}
