package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"mime"
	"net/http"
	"time"
)

// maxBody bounds what is read of a cart or an order, in bytes.
const maxBody = 16 << 10

// shop is the handler's state, the same at the start of every request.
type shop struct {
	catalogue *catalogue
	sign      signer
}

// failure is the JSON of a refusal.
type failure struct {
	Error    string   `json:"error"`
	Problems problems `json:"problems,omitempty"`
}

// newHandler serves the API. Which of its routes are public is the Spacefile's to say:
// what reaches /admin has been let in by the platform.
func newHandler(c *catalogue, sign signer) http.Handler {
	s := &shop{c, sign}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products", s.products)
	mux.HandleFunc("GET /products/{id}", s.product)
	mux.HandleFunc("POST /cart/price", s.price)
	mux.HandleFunc("POST /orders", s.place)
	mux.HandleFunc("GET /orders/{token}", s.order)
	mux.HandleFunc("GET /admin/summary", s.summary)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (s *shop) products(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	answer(w, http.StatusOK, struct {
		Currency string    `json:"currency"`
		Products []product `json:"products"`
	}{s.catalogue.Currency, s.catalogue.products()})
}

func (s *shop) product(w http.ResponseWriter, r *http.Request) {
	p, ok := s.catalogue.product(r.PathValue("id"))
	if !ok {
		answer(w, http.StatusNotFound, failure{Error: "There is no such product."})
		return
	}
	w.Header().Set("Cache-Control", "max-age=60")
	answer(w, http.StatusOK, p)
}

func (s *shop) price(w http.ResponseWriter, r *http.Request) {
	var want cart
	if !read(w, r, &want) {
		return
	}
	wrong := problems{}
	priced := s.catalogue.price(want, wrong)
	if len(wrong) > 0 {
		answer(w, http.StatusUnprocessableEntity, failure{"The cart cannot be priced.", wrong})
		return
	}
	answer(w, http.StatusOK, priced)
}

func (s *shop) place(w http.ResponseWriter, r *http.Request) {
	var want wanted
	if !read(w, r, &want) {
		return
	}
	o, wrong := s.catalogue.place(want, time.Now())
	if len(wrong) > 0 {
		answer(w, http.StatusUnprocessableEntity, failure{"The order cannot be placed.", wrong})
		return
	}
	token, err := s.sign.seal(o)
	if err != nil {
		log.Printf("seal an order: %v", err)
		answer(w, http.StatusInternalServerError, failure{Error: "Something went wrong on our side."})
		return
	}
	log.Printf("order %s: %d %s", o.Number, o.Receipt.Total, o.Receipt.Currency)
	w.Header().Set("Location", "orders/"+token) // from where this is, whatever the Micro's path
	answer(w, http.StatusCreated, struct {
		Token string `json:"token"`
		placed
	}{token, placed{o, s.sign.notice()}})
}

// placed is an order as it is shown.
type placed struct {
	order
	Notice string `json:"notice,omitempty"`
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	o, err := s.sign.open(r.PathValue("token"))
	if err != nil {
		answer(w, http.StatusNotFound, failure{Error: "This order was not signed by this shop."})
		return
	}
	answer(w, http.StatusOK, placed{o, s.sign.notice()})
}

func (s *shop) summary(w http.ResponseWriter, _ *http.Request) {
	sum := s.catalogue.summary()
	sum.SigningKey = s.sign.source
	answer(w, http.StatusOK, sum)
}

// read reads the one JSON value of a body, or refuses it and returns false.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		answer(w, http.StatusUnsupportedMediaType, failure{Error: "Want a body of application/json."})
		return false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return true
		}
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		answer(w, http.StatusRequestEntityTooLarge, failure{Error: "The body is too large."})
		return false
	}
	answer(w, http.StatusBadRequest, failure{Error: "The body is not the JSON that is wanted here."})
	return false
}

// answer writes JSON. What is not said to be cacheable is not.
func answer(w http.ResponseWriter, status int, value any) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		log.Printf("send an answer: %v", err)
	}
}
