package handler_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
)

// next is what a guest may leave the request to.
func next(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.Header().Set("X-Next", "yes")
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, "%s %s %q %v %s", r.Method, r.URL.RequestURI(), r.Header["X-One"], err, body)
}

// run has a guest answer: before and after are its two functions.
func (g *guest) run(before, after func()) error {
	return g.x.Run(func(name string, params ...uint64) (uint64, error) {
		if name == handler.HandleRequest {
			before()
			return 7<<32 | 1, nil
		}
		if len(params) != 2 || params[0] != 7 || params[1] != 0 {
			g.t.Errorf("%s%v", name, params)
		}
		after()
		return 0, nil
	})
}

// The next handler sees the request as the guest has left it, and the guest what
// that answers, if it has enabled that.
func TestNext(t *testing.T) {
	g := newGuest(t, newRequest(), http.HandlerFunc(next))
	g.call("enable_features", bufferRequest|bufferResponse)
	err := g.run(func() {
		g.call("read_body", request, buffer, room)
		at, n := g.put("PUT")
		g.call("set_method", at, n)
		at, n = g.put("/other?x")
		g.call("set_uri", at, n)
		if _, err := g.set("set_header_value", request, "x-one", "2"); err != nil {
			t.Error(err)
		}
	}, func() {
		g.traps("too late", "set_method", 0, 1)
		n := g.call("read_body", response, buffer, room)
		b, _ := g.Memory().Read(buffer, uint32(n))
		if want := `PUT /other?x ["2"] <nil> the body`; string(b) != want || n>>32 != 1 {
			t.Errorf("the next handler answered %q", b)
		}
		if g.call("get_status_code") != http.StatusAccepted {
			t.Error("another status")
		}
		g.call("set_status_code", 203)
		for _, part := range []string{"in its ", "place"} {
			if err := g.write(response, part); err != nil {
				t.Error(err)
			}
		}
	})
	if err := errors.Join(err, g.x.Close()); err != nil {
		t.Fatal(err)
	}
	if g.rec.Code != 203 || g.rec.Body.String() != "in its place" || g.rec.Header().Get("X-Next") != "yes" {
		t.Errorf("%d %v %q", g.rec.Code, g.rec.Header(), g.rec.Body)
	}
}

// Without features the next handler's answer is sent as it is, and it sees of the
// body what the guest has left, or has put there.
func TestNextWithoutFeatures(t *testing.T) {
	for name, c := range map[string]struct {
		before func(g *guest)
		want   string
	}{
		"all of it": {func(*guest) {}, "the body"},
		"the rest":  {func(g *guest) { g.call("read_body", request, buffer, 4) }, "body"},
		"something": {func(g *guest) {
			for _, part := range []string{"some", "thing"} {
				if err := g.write(request, part); err != nil {
					t.Error(err)
				}
			}
		}, "something"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, newRequest(), http.HandlerFunc(next))
			err := g.run(func() { c.before(g) }, func() {
				g.traps("too late", "set_status_code", 500)
				g.traps("too late", "write_body", response, 0, 1)
				g.traps("too late", "read_body", request, buffer, room)
			})
			if err := errors.Join(err, g.x.Close()); err != nil {
				t.Fatal(err)
			}
			if want := `POST /a%20b?c=d ["1"] <nil> ` + c.want; g.rec.Code != 202 || g.rec.Body.String() != want {
				t.Errorf("%d %q, want %q", g.rec.Code, g.rec.Body, want)
			}
		})
	}
}

// A plain server has no next handler: it is a 404.
func TestNoNext(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	if err := errors.Join(g.run(func() {}, func() {}), g.x.Close()); err != nil || g.rec.Code != http.StatusNotFound {
		t.Errorf("%d, %v", g.rec.Code, err)
	}
	g = newGuest(t, newRequest(), nil)
	err := g.x.Run(func(string, ...uint64) (uint64, error) { return 2, nil })
	if bad, ok := errors.AsType[*answer.BadError](err); !ok || !strings.Contains(bad.Reason, "0 or 1") {
		t.Errorf("got %v", err)
	}
}
