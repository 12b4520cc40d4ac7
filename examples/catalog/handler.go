package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log"
	"net/http"
	"strconv"
	"time"
)

// policy allows a page its own style sheet, icon and form, and nothing else: no script.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// catalog is the handler's state, the same at the start of every request.
type catalog struct {
	*library
	files fs.FS // the bundle
	pages *template.Template
	front []byte // the first page, which is made once: it is the same for all
}

// newHandler serves the library with the templates and the style sheet in files.
func newHandler(l *library, files fs.FS) (http.Handler, error) {
	pages, err := template.New("").Funcs(functions()).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	c := &catalog{library: l, files: files, pages: pages}
	if c.front, err = c.render("home.html", view{Title: "The Harbour Library"}); err != nil {
		return nil, fmt.Errorf("make the first page: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.home)
	mux.HandleFunc("GET /books/{id}", c.bookPage)
	mux.HandleFunc("GET /authors/{id}", c.authorPage)
	mux.HandleFunc("GET /api/search", c.apiSearch)
	mux.HandleFunc("GET /api/books/{id}", c.apiBook)
	mux.HandleFunc("GET /static/{file}", c.static)
	mux.HandleFunc("/", c.nothing)
	return mux, nil
}

// view is what the templates show.
type view struct {
	Title    string
	Query    query
	Problems []string
	Library  *library
	Result   *result
	Record   *record
	Person   *person
	Page     pages
	Took     time.Duration // of the queries
}

// pages is where a list is cut.
type pages struct{ Current, Last int }

// cut is a page of a list of so many; most is how many pages there are at most.
func cut(current, count, size, most int) pages {
	return pages{current, max(1, min(most, (count+size-1)/size))}
}

func (c *catalog) home(w http.ResponseWriter, r *http.Request) {
	q, problems := parseQuery(r.URL.Query())
	v := view{Title: "The Harbour Library", Query: q, Problems: problems}
	switch {
	case len(problems) > 0:
		c.show(w, http.StatusBadRequest, "home.html", v)
		return
	case q.empty():
		w.Header().Set("Cache-Control", "max-age=300")
		send(w, http.StatusOK, c.front)
		return
	}
	start := time.Now()
	found, err := c.search(r.Context(), q)
	v.Took = time.Since(start)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	v.Result, v.Page = &found, cut(q.Page, found.Found, pageSize, maxPage)
	v.Title = heading(q)
	c.show(w, http.StatusOK, "results.html", v)
}

// heading is what a search is called in the browser's history.
func heading(q query) string {
	switch {
	case q.Text == "":
		return q.Subject
	case q.Subject == "":
		return q.Text
	}
	return q.Text + ", " + q.Subject
}

func (c *catalog) bookPage(w http.ResponseWriter, r *http.Request) {
	id, ok := number(r.PathValue("id"), 1<<31)
	if !ok {
		c.nothing(w, r)
		return
	}
	start := time.Now()
	rec, err := c.record(r.Context(), id)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.show(w, http.StatusOK, "book.html", view{Title: rec.Title, Record: &rec, Took: time.Since(start)})
}

func (c *catalog) authorPage(w http.ResponseWriter, r *http.Request) {
	id, ok := number(r.PathValue("id"), 1<<31)
	page, right := 1, true
	if s := r.URL.Query().Get("page"); s != "" {
		page, right = number(s, maxAuthorPage)
	}
	if !ok || !right {
		c.nothing(w, r)
		return
	}
	start := time.Now()
	p, err := c.person(r.Context(), id, page)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	v := view{Title: p.Name, Person: &p, Page: cut(page, p.Count, authorPage, maxAuthorPage), Took: time.Since(start)}
	c.show(w, http.StatusOK, "author.html", v)
}

// number reads one from 1 to most.
func number(s string, most int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= most
}

func (c *catalog) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if info, err := fs.Stat(c.files, "static/"+name); err != nil || info.IsDir() {
		c.nothing(w, r)
		return
	}
	w.Header().Set("Cache-Control", "max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, c.files, "static/"+name)
}

// nothing answers for what is not there.
func (c *catalog) nothing(w http.ResponseWriter, _ *http.Request) {
	c.show(w, http.StatusNotFound, "problem.html", view{Title: "There is no such page", Problems: []string{
		"What you asked for is not in this library. Perhaps a search finds it.",
	}})
}

// fail keeps the reason in the log: it is the owner's business, not the visitor's.
func (c *catalog) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, sql.ErrNoRows) {
		c.nothing(w, r)
		return
	}
	log.Printf("%s: %v", r.URL, err)
	c.show(w, http.StatusInternalServerError, "problem.html", view{Title: "Something went wrong on our side", Problems: []string{
		"The catalogue could not be searched. Please try again, perhaps with other words.",
	}})
}

// show makes the whole page before the first byte is sent: a template that fails
// half-way sends an error, not half a page.
func (c *catalog) show(w http.ResponseWriter, status int, name string, v view) {
	page, err := c.render(name, v)
	if err != nil {
		log.Printf("show %s: %v", name, err)
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
		return
	}
	send(w, status, page)
}

func (c *catalog) render(name string, v view) ([]byte, error) {
	v.Library = c.library
	if v.Query.Sort == "" {
		v.Query.Sort, v.Query.Page = "best", 1
	}
	var page bytes.Buffer
	err := c.pages.ExecuteTemplate(&page, name, v)
	return page.Bytes(), err
}

func send(w http.ResponseWriter, status int, page []byte) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	if _, err := w.Write(page); err != nil {
		log.Printf("send a page: %v", err)
	}
}
