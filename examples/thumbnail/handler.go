package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net/http"
	"strconv"
)

const (
	maxUpload   = 5767168 // bytes, 5.5 MiB: what the platform lets through by default
	maxSide     = 2048    // pixels, of a thumbnail
	defaultSide = 256     // pixels, of a thumbnail
)

// policy allows the page its own files, requests to this Micro, and the picture that came back.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src blob:; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

//go:embed web
var web embed.FS

// problem is a refusal that its reader can do something about.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

func refuse(status int, format string, args ...any) error {
	return &problem{status, fmt.Sprintf(format, args...)}
}

// newHandler serves the upload page on GET and makes thumbnails on POST.
func newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page("web/index.html"))
	mux.HandleFunc("GET /thumbnail.css", page("web/thumbnail.css"))
	mux.HandleFunc("GET /thumbnail.js", page("web/thumbnail.js"))
	mux.HandleFunc("POST /{$}", post)
	return mux
}

func page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		http.ServeFileFS(w, r, web, name)
	}
}

func post(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	out, mediaType, err := answer(r)
	if err != nil {
		sendProblem(w, err)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(out); err != nil {
		log.Printf("send thumbnail: %v", err)
	}
}

// answer makes the thumbnail in memory, so that a failure is a clean error and not half a picture.
func answer(r *http.Request) (out []byte, mediaType string, err error) {
	data, err := picture(r)
	if err != nil {
		return nil, "", err
	}
	width, err := side(r, "w")
	if err != nil {
		return nil, "", err
	}
	height, err := side(r, "h")
	if err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	mediaType, err = thumbnail(&b, data, width, height)
	return b.Bytes(), mediaType, err
}

// picture is the body itself, or the form field of that name.
func picture(r *http.Request) ([]byte, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Type must say what the body is.")
	}
	switch mediaType {
	case "image/png", "image/jpeg", "image/gif":
		return io.ReadAll(r.Body)
	case "multipart/form-data":
		return formPicture(r)
	}
	return nil, refuse(http.StatusUnsupportedMediaType, "Send image/png, image/jpeg, image/gif, or a form with a field named picture; this was %s.", mediaType)
}

func formPicture(r *http.Request) ([]byte, error) {
	file, _, err := r.FormFile("picture")
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, err
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The form has no file in a field named picture.")
	}
	defer file.Close()
	return io.ReadAll(file)
}

// side reads a bound of the thumbnail, in pixels, from the query or the form.
func side(r *http.Request, name string) (int, error) {
	value := r.FormValue(name)
	if value == "" {
		return defaultSide, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxSide {
		return 0, refuse(http.StatusBadRequest, "%s must be a whole number from 1 to %d.", name, maxSide)
	}
	return n, nil
}

func sendProblem(w http.ResponseWriter, err error) {
	if p, ok := errors.AsType[*problem](err); ok {
		http.Error(w, p.text, p.status)
		return
	}
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		http.Error(w, fmt.Sprintf("The upload is larger than %d bytes.", big.Limit), http.StatusRequestEntityTooLarge)
		return
	}
	log.Print(err)
	http.Error(w, "The picture could not be read.", http.StatusBadRequest)
}
