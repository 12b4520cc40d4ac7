package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"time"
)

// failure is the JSON of a refusal.
type failure struct {
	Error    string   `json:"error"`
	Problems []string `json:"problems,omitempty"`
}

// apiBook is a book as programs see it.
type apiBook struct {
	ID          int     `json:"id"`
	Title       string  `json:"title"`
	Author      string  `json:"author"`
	AuthorID    int     `json:"author_id"`
	Year        int     `json:"year"`
	Language    string  `json:"language"`
	Pages       int     `json:"pages"`
	Shelf       string  `json:"shelf"`
	Subjects    names   `json:"subjects"`
	Description string  `json:"description"` // of a search: the part that matches
	Votes       int     `json:"votes"`
	Stars       float64 `json:"stars,omitempty"` // on average
}

func newAPIBook(b book) apiBook {
	return apiBook{b.ID, unmarked(b.Title), unmarked(b.Author), b.AuthorID, b.Year, b.Language, b.Pages, b.Shelf, b.Subjects, unmarked(b.Text), b.Votes, b.Stars}
}

// apiResult is the answer to a search.
type apiResult struct {
	Searched     int       `json:"searched"`
	Found        int       `json:"found"`
	Page         int       `json:"page"`
	Pages        int       `json:"pages"`
	Ranked       bool      `json:"ranked"` // false where too many are found for that
	Milliseconds float64   `json:"milliseconds"`
	Books        []apiBook `json:"books"`
	Subjects     []tally   `json:"subjects,omitempty"`
	Languages    []tally   `json:"languages,omitempty"`
}

func (c *catalog) apiSearch(w http.ResponseWriter, r *http.Request) {
	q, problems := parseQuery(r.URL.Query())
	if len(problems) == 0 && q.empty() {
		problems = []string{"Please say with ?q= or ?subject= what to search for."}
	}
	if len(problems) > 0 {
		answer(w, http.StatusBadRequest, failure{"This cannot be searched.", problems})
		return
	}
	start := time.Now()
	found, err := c.search(r.Context(), q)
	if err != nil {
		apiFail(w, r, err)
		return
	}
	result := apiResult{
		Searched: c.Totals.Books, Found: found.Found, Page: q.Page, Pages: cut(q.Page, found.Found, pageSize, maxPage).Last, Ranked: found.Ranked,
		Milliseconds: float64(time.Since(start).Microseconds()) / 1000, Books: []apiBook{}, Subjects: found.Subjects, Languages: found.Languages,
	}
	for _, b := range found.Hits {
		result.Books = append(result.Books, newAPIBook(b))
	}
	answer(w, http.StatusOK, result)
}

func (c *catalog) apiBook(w http.ResponseWriter, r *http.Request) {
	id, ok := number(r.PathValue("id"), 1<<31)
	if !ok {
		apiFail(w, r, sql.ErrNoRows)
		return
	}
	rec, err := c.record(r.Context(), id)
	if err != nil {
		apiFail(w, r, err)
		return
	}
	answer(w, http.StatusOK, struct {
		apiBook
		Ratings []rating        `json:"ratings"`
		Details json.RawMessage `json:"details"` // as they are in the database
	}{newAPIBook(rec.book), rec.Ratings, json.RawMessage(rec.Raw)})
}

func apiFail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, sql.ErrNoRows) {
		answer(w, http.StatusNotFound, failure{Error: "There is no such book."})
		return
	}
	log.Printf("%s: %v", r.URL, err)
	answer(w, http.StatusInternalServerError, failure{Error: "Something went wrong on our side."})
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		log.Printf("send an answer: %v", err)
	}
}
