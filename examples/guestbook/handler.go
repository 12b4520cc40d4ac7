package main

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"slices"
	"time"
)

// maxForm bounds what is read of a posted form, in bytes: every character of both fields percent-encoded, and room to spare.
const maxForm = 16 << 10

// policy allows this page its own style sheet and form, and nothing else.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guestbook is the handler's state. Nothing in it outlives a request: the next one meets a fresh instance.
type guestbook struct {
	files fs.FS // the bundle
	tmp   string
	sign  signer
	page  *template.Template
}

// view is what templates/page.html shows.
type view struct {
	Entries             []entry // newest first
	Name, Message       string  // what was typed, when it has to be corrected
	Problems            []string
	Notice              string
	MaxName, MaxMessage int
}

// newHandler serves the guestbook with the templates and static files found in files. Pages are rendered in tmp.
func newHandler(files fs.FS, tmp string, key []byte) (http.Handler, error) {
	if len(key) == 0 {
		return nil, errors.New("no key to sign cookies with: set GUESTBOOK_KEY")
	}
	page, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	g := &guestbook{files: files, tmp: tmp, sign: signer{key}, page: page}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", g.list)
	mux.HandleFunc("POST /{$}", g.add)
	mux.HandleFunc("GET /static/style.css", g.style)
	// SameSite=Lax keeps the cookie out of another site's POST, but the answer to it would replace the visitor's book.
	return http.NewCrossOriginProtection().Handler(mux), nil
}

func (g *guestbook) list(w http.ResponseWriter, r *http.Request) {
	entries, err := g.entries(r)
	v := view{Entries: entries}
	if err != nil {
		http.SetCookie(w, bookCookie("", r.TLS != nil))
		v.Notice = "Your earlier entries could not be verified and were left out."
	}
	g.render(w, http.StatusOK, v)
}

func (g *guestbook) add(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuseForm(w, err)
		return
	}
	entries, _ := g.entries(r) // a forged book is started afresh
	e := newEntry(r.PostForm.Get("name"), r.PostForm.Get("message"), time.Now())
	if problems := e.problems(); len(problems) > 0 {
		v := view{Entries: entries, Name: e.Name, Message: e.Message, Problems: problems}
		g.render(w, http.StatusUnprocessableEntity, v)
		return
	}
	value, err := g.sign.seal(append(entries, e))
	if err != nil {
		fail(w, err)
		return
	}
	http.SetCookie(w, bookCookie(value, r.TLS != nil))
	// The page is fetched with GET, so that reloading it does not post again.
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (g *guestbook) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(w, r, g.files, "static/style.css")
}

// entries reads the visitor's book, oldest entry first. Without a cookie it is empty.
func (g *guestbook) entries(r *http.Request) ([]entry, error) {
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) == 0 {
		return nil, nil
	}
	return g.sign.open(cookies[0].Value)
}

// render writes the whole page to a file first: a template that fails half-way sends an error, not half a page.
func (g *guestbook) render(w http.ResponseWriter, status int, v view) {
	slices.Reverse(v.Entries)
	v.MaxName, v.MaxMessage = maxName, maxMessage
	file, err := os.CreateTemp(g.tmp, "page-*.html")
	if err != nil {
		fail(w, err)
		return
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := g.page.ExecuteTemplate(file, "page.html", v); err != nil {
		fail(w, err)
		return
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := io.Copy(w, file); err != nil {
		log.Printf("send page: %v", err)
	}
}

func refuseForm(w http.ResponseWriter, err error) {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		http.Error(w, "The form is too large.", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "The form could not be read.", http.StatusBadRequest)
}

// fail keeps the reason in the log: it is the owner's business, not the visitor's.
func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
}
