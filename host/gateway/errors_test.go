package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/space"
)

// fail makes the app's Micro fail with the error.
func (b *bench) fail(err error) {
	b.doors["/"].serve = func(http.ResponseWriter, *http.Request) error { return err }
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestErrorForPrograms(t *testing.T) {
	b := newBench(t, nil, "/")
	e := space.Errorf(space.CodeCrashed, "it <crashed> & burnt")
	e.Detail, e.Err = "secret stack", errors.New("secret cause")
	b.fail(e)
	for _, accept := range []string{"", "*/*", "application/json", "text/plain"} {
		rec := b.ask(get(t, "http://app.localhost/", "Accept", accept))
		wantError(t, accept, rec, space.CodeCrashed)
		var p space.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		id := rec.Header().Get("X-Space-Request-Id")
		if p.Detail != e.Message || p.Code != e.Code || p.Status != http.StatusBadGateway || p.ErrorID != id || p.Title != "Bad Gateway" || p.Type != "about:blank" {
			t.Errorf("got %+v, id %s", p, id)
		}
		if strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("%q tells secrets", rec.Body)
		}
		h := rec.Header()
		if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers %v", h)
		}
	}
}

// A message is text, whatever it has in it.
func TestErrorForBrowsers(t *testing.T) {
	b := newBench(t, nil, "/")
	b.fail(space.Errorf(space.CodeBadResponse, `<script>alert("x")</script><img src=x onerror=y> {{.Status}}`))
	rec := b.ask(get(t, "http://app.localhost/", "Accept", browser))
	wantError(t, "browser", rec, space.CodeBadResponse)
	body := rec.Body.String()
	if rec.Header().Get("Content-Type") != "text/html; charset=utf-8" || strings.Contains(body, "<script") || strings.Contains(body, "<img") {
		t.Errorf("%v: %s", rec.Header(), body)
	}
	for _, want := range []string{"&lt;script&gt;", "{{.Status}}", "502", "Bad Gateway", "bad_response", rec.Header().Get("X-Space-Request-Id")} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	r := get(t, "http://x/", "Accept", browser)
	r.Host = `<script>alert(1)</script>.localhost`
	rec = b.ask(r)
	wantError(t, "hostile host", rec, space.CodeNotFound)
	if strings.Contains(rec.Body.String(), "<script") {
		t.Errorf("got %s", rec.Body)
	}
}

// Commands in a message are set apart, and a lone backtick is one.
func TestErrorPageSetsCommandsApart(t *testing.T) {
	b := newBench(t, nil, "/")
	for message, want := range map[string]string{
		"see with `spacewasm ls` what is there": "see with <code>spacewasm ls</code> what is there",
		"`<b>` and `x`":                         "<code>&lt;b&gt;</code> and <code>x</code>",
		"a lone ` stays":                        "a lone ` stays",
	} {
		b.fail(space.Errorf(space.CodeBadResponse, "%s", message))
		page := b.ask(get(t, "http://app.localhost/", "Accept", browser)).Body.String()
		if want = `<p class="detail">` + want + "</p>"; !strings.Contains(strings.ReplaceAll(page, "&#96;", "`"), want) {
			t.Errorf("%q is not in %s", want, page)
		}
	}
}

func TestErrorHeaders(t *testing.T) {
	b := newBench(t, nil, "/")
	for code, want := range map[space.Code]http.Header{
		space.CodeQueueFull: {"Retry-After": {"1"}}, space.CodeNodeFull: {"Retry-After": {"1"}}, space.CodePreparing: {"Retry-After": {"1"}},
		space.CodePayloadTooLarge: {"Connection": {"close"}}, space.CodeDeadline: {}, space.CodeCrashed: {},
	} {
		b.doors["/"].serve = func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Length", "999")
			return space.Errorf(code, "x")
		}
		rec := b.ask(get(t, "http://app.localhost/"))
		wantError(t, string(code), rec, code)
		for _, name := range []string{"Retry-After", "Connection"} {
			if rec.Header().Get(name) != want.Get(name) {
				t.Errorf("%s: %s is %q", code, name, rec.Header().Get(name))
			}
		}
	}
}

// What nobody outside may see stands in the log.
func TestInternalError(t *testing.T) {
	b := newBench(t, nil, "/")
	b.fail(errDisk)
	for _, accept := range []string{"", browser} {
		rec := b.ask(get(t, "http://app.localhost/", "Accept", accept))
		wantError(t, accept, rec, space.CodeInternal)
		if strings.Contains(rec.Body.String(), "fire") || !strings.Contains(b.said.String(), "fire") || !strings.Contains(b.said.String(), "level=ERROR") {
			t.Errorf("answer %q, log %q", rec.Body, b.said)
		}
	}
}

// Only a cut connection tells a client that what it has is not all.
func TestCommittedError(t *testing.T) {
	b := newBench(t, nil, "/")
	b.doors["/"].serve = func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		return &space.Error{Code: space.CodeCrashed, Message: "x", Committed: true}
	}
	server := httptest.NewServer(b)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "app.localhost"
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK || string(body) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %d %q, %v", response.StatusCode, body, err)
	}
}

// A client that has gone is written nothing, and the log says so.
func TestClientGone(t *testing.T) {
	b := newBench(t, nil, "/")
	b.fail(&space.Error{Code: space.CodeClientGone, Message: "left", Err: context.Canceled})
	rec := httptest.NewRecorder()
	b.cut(t, rec, get(t, "http://app.localhost/"))
	if rec.Body.Len() > 0 || rec.Header().Get("X-Space-Error") != "" || rec.Header().Get("Content-Type") != "" {
		t.Errorf("got %v %q", rec.Header(), rec.Body)
	}
	if !strings.Contains(b.said.String(), "status=499") || !strings.Contains(b.said.String(), "code=client_gone") {
		t.Errorf("the log says %q", b.said)
	}
}

// The access log has what an owner looks for, and not the client's address.
func TestAccessLog(t *testing.T) {
	b := newBench(t, nil, "/")
	rec := b.ask(get(t, "http://app.localhost/x?secret=1"))
	for _, want := range []string{"method=GET", "host=app.localhost", "path=/x", "status=200", "bytes=1", "request=" + rec.Header().Get("X-Space-Request-Id")} {
		if !strings.Contains(b.said.String(), want) {
			t.Errorf("%q is not in %q", want, b.said)
		}
	}
	if strings.Contains(b.said.String(), "203.0.113.9") || strings.Contains(b.said.String(), "secret") {
		t.Errorf("the log says %q", b.said)
	}
}

// WriteError replaces what the headers said of another body.
func TestWriteError(t *testing.T) {
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Length", "1")
	ctx := space.WithRequestID(t.Context(), "the-id")
	gateway.WriteError(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), space.Refuse(space.Fault{File: "f", Message: "m"}))
	wantError(t, "refused", rec, space.CodeRefused)
	if !strings.Contains(rec.Body.String(), `"error_id":"the-id","faults":[{"file":"f","message":"m"}]`) {
		t.Errorf("got %q", rec.Body)
	}
	if rec.Result().ContentLength != int64(rec.Body.Len()) {
		t.Errorf("length %d of %d", rec.Result().ContentLength, rec.Body.Len())
	}
}
