package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// follow pushes to a server that answers with the lines.
func follow(t *testing.T, lines string) (app wire.App, told []string, err error) {
	t.Helper()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Accept"), "application/x-ndjson") {
			t.Errorf("accepts %q", r.Header.Get("Accept"))
		}
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-ndjson")
		io.WriteString(w, lines)
	})
	app, err = c.Push(t.Context(), "a", "application/wasm", strings.NewReader("x"), 1, func(e wire.Event) { told = append(told, e.Event+e.Micro) })
	return app, told, err
}

func TestPushFollowsTheSteps(t *testing.T) {
	const steps = `{"event":"received"}` + "\n" + `{"event":"heartbeat"}` + "\n" + `{"event":"compile","micro":"m","state":"begin"}` + "\n"
	app, told, err := follow(t, steps+`{"event":"done","app":{"app":"a","revision":4}}`+"\n")
	if err != nil || app.Revision != 4 || strings.Join(told, " ") != "received heartbeat compilem" {
		t.Errorf("got %+v, told %q, %v", app, told, err)
	}
	_, _, err = follow(t, steps+`{"event":"error","problem":{"status":422,"code":"refused","detail":"no entry","error_id":"e-3","faults":[{"message":"no entry"}]}}`+"\n")
	if e, ok := errors.AsType[*space.Error](err); !ok || e.Code != space.CodeRefused || e.Message != "no entry (error id e-3)" || len(e.Faults) != 1 {
		t.Errorf("got %v", err)
	}
	// A stream that ends without an outcome is no success.
	for name, lines := range map[string]string{
		"cut": steps, "empty": "", "in a line": steps + `{"event":"do`, "no app": steps + `{"event":"done"}`, "no JSON": "<html>",
		"too long": steps + `{"event":"` + strings.Repeat("x", 17<<20),
	} {
		if _, _, err := follow(t, lines); err == nil || !strings.Contains(err.Error(), "spacewasm ls") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPushEndsWithTheContext(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-ndjson")
		io.WriteString(w, `{"event":"received"}`+"\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := c.Push(ctx, "a", "application/wasm", strings.NewReader("x"), 1, func(wire.Event) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestMissing(t *testing.T) {
	files := []wire.File{{SHA256: "a", Size: 1}, {SHA256: "b", Size: 2}}
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method+r.URL.Path != "POST/api/v1/apps/a/missing" || string(body) != `{"files":[{"sha256":"a","size":1},{"sha256":"b","size":2}]}` {
			t.Errorf("asked %s %s %s", r.Method, r.URL.Path, body)
		}
		answer(w, http.StatusOK, "application/json", wire.Missing{Missing: []string{"b"}})
	})
	if got, err := c.Missing(t.Context(), "a", files); err != nil || !slices.Equal(got, []string{"b"}) {
		t.Errorf("got %v, %v", got, err)
	}
	// To a server that cannot tell, all is sent; one that refuses is heard.
	for code, want := range map[space.Code]int{space.CodeNotFound: 2, space.CodeMethodNotAllowed: 2, space.CodeUnauthorized: 0} {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { problem(w, space.Errorf(code, "no")) })
		if got, err := c.Missing(t.Context(), "a", files); len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("%s: got %v, %v", code, got, err)
		}
	}
}
