package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(method, path, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Space-Action-Fire-Time", "2026-01-31T12:00:00Z")
	newHandler().ServeHTTP(rec, r)
	return rec
}

func TestHandler(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{http.MethodPost, "/__space/v0/actions", `{"event":{"id":"tick","trigger":"schedule"}}`, http.StatusOK, "2026-01-31T12:00:00Z"},
		{http.MethodPost, "/__space/v0/actions", `{"event":{"id":"tock","trigger":"schedule"}}`, http.StatusNotFound, "tock"},
		{http.MethodPost, "/__space/v0/actions", `{`, http.StatusBadRequest, "no event"},
		{http.MethodPost, "/__space/v0/actions", `{"event":{"id":"` + strings.Repeat("x", maxEvent) + `"}}`, http.StatusBadRequest, "no event"},
		{http.MethodGet, "/", "", http.StatusOK, "/__space/v0/actions/runs"},
		{http.MethodGet, "/x", "", http.StatusNotFound, ""},
	} {
		rec := ask(c.method, c.path, c.body)
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.says) {
			t.Errorf("%s %s %.60s: got %d %.80s", c.method, c.path, c.body, rec.Code, rec.Body)
		}
	}
}
