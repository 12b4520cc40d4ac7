package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server that answers with h, and returns a client of it.
func serve(t *testing.T, h http.HandlerFunc) (*client.Client, string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return dial(t, server.URL), server.URL
}

func dial(t *testing.T, server string) *client.Client {
	t.Helper()
	base, err := client.ParseServer(server)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(base, "secret")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func problem(w http.ResponseWriter, e *space.Error) {
	p := e.Problem("e-1")
	answer(w, p.Status, "application/problem+json", p)
}

func TestParseServer(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"http://localhost:4200", "http://localhost:4200"},
		{"HTTPS://Space.Example.org:443/", "https://space.example.org"},
		{"http://h:80", "http://h"},
		{"https://h:80", "https://h:80"},
		{"http://[::1]:4200/", "http://[::1]:4200"},
		{"localhost:4200", ""},
		{"", ""},
		{"ftp://h", ""},
		{"http://", ""},
		{"http://user:pw@h", ""},
		{"http://h/api", ""},
		{"http://h?x=1", ""},
	} {
		u, err := client.ParseServer(tc.in)
		got := ""
		if err == nil {
			got = u.String()
		}
		if got != tc.want {
			t.Errorf("ParseServer(%q) = %q, %v; want %q", tc.in, got, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestNewRefusesTokenThatNoHeaderCanCarry(t *testing.T) {
	for _, token := range []string{"a b", "a\nb", "ü"} {
		if _, err := client.New(&url.URL{Scheme: "http", Host: "h"}, token); err == nil {
			t.Errorf("token %q was accepted", token)
		}
	}
}

func TestPush(t *testing.T) {
	var got struct{ method, path, kind, auth, body string }
	var length int64
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.method, got.path, got.body = r.Method, r.URL.Path, string(body)
		got.kind, got.auth, length = r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.ContentLength
		answer(w, http.StatusCreated, "application/json", wire.App{App: "hello", Revision: 3})
	})
	for _, size := range []int64{4, -1} {
		app, err := c.Push(t.Context(), "hello", "application/wasm", io.MultiReader(strings.NewReader("wasm")), size, nil)
		if err != nil || app.Revision != 3 {
			t.Fatalf("Push = %+v, %v", app, err)
		}
		want := struct{ method, path, kind, auth, body string }{"PUT", "/api/v1/apps/hello", "application/wasm", "Bearer secret", "wasm"}
		if got != want || length != size {
			t.Errorf("the server got %+v of length %d, want %+v of length %d", got, length, want, size)
		}
	}
}

func TestRollback(t *testing.T) {
	var got []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("Content-Type"), string(body)}, " "))
		if strings.HasSuffix(r.URL.Path, "/revisions") {
			answer(w, 200, "application/json", wire.Revisions{Revisions: []wire.Revision{{Revision: 2}, {Revision: 1}}})
			return
		}
		answer(w, 200, "application/json", wire.App{App: "a", Revision: 1})
	})
	if all, err := c.Revisions(t.Context(), "a"); err != nil || len(all.Revisions) != 2 {
		t.Errorf("Revisions = %+v, %v", all, err)
	}
	for _, revision := range []int{0, 1} {
		if app, err := c.Rollback(t.Context(), "a", revision); err != nil || app.Revision != 1 {
			t.Errorf("Rollback = %+v, %v", app, err)
		}
	}
	want := []string{
		"GET /api/v1/apps/a/revisions  ", "POST /api/v1/apps/a/rollback application/json {}",
		`POST /api/v1/apps/a/rollback application/json {"revision":1}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the server got %q", got)
	}
	if _, err := c.Rollback(t.Context(), "../b", 1); err == nil {
		t.Error("a name that is none was taken")
	}
}

func TestCalls(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		switch {
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/version"):
			answer(w, 200, "application/json", wire.Version{Version: "v1"})
		case strings.HasSuffix(r.URL.Path, "/apps"):
			answer(w, 200, "application/json; charset=utf-8", wire.Apps{Apps: []wire.App{{App: "a"}, {App: "b"}}})
		default:
			answer(w, 200, "application/json", wire.App{App: "a"})
		}
	})
	if apps, err := c.Apps(t.Context()); err != nil || len(apps.Apps) != 2 {
		t.Errorf("Apps = %v, %v", apps, err)
	}
	if app, err := c.App(t.Context(), "a"); err != nil || app.App != "a" {
		t.Errorf("App = %v, %v", app, err)
	}
	if err := c.Remove(t.Context(), "a"); err != nil {
		t.Errorf("Remove: %v", err)
	}
	if v, err := c.Version(t.Context()); err != nil || v.Version != "v1" {
		t.Errorf("Version = %v, %v", v, err)
	}
	if err := c.Remove(t.Context(), ".."); err == nil {
		t.Error("Remove of .. was sent")
	}
	want := "GET /api/v1/apps, GET /api/v1/apps/a, DELETE /api/v1/apps/a, GET /api/v1/version"
	if got := strings.Join(asked, ", "); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestProblemBecomesSpaceError(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		problem(w, space.Refuse(space.Fault{File: "Spacefile", Line: 2, Key: "v", Message: "want 0"}))
	})
	_, err := c.App(t.Context(), "a")
	e, ok := errors.AsType[*space.Error](err)
	if !ok || e.Code != space.CodeRefused || len(e.Faults) != 1 || !strings.Contains(e.Message, "e-1") {
		t.Errorf("got %#v", err)
	}
}

func TestAnswersThatAreNotSpacewasms(t *testing.T) {
	for _, tc := range []struct {
		status     int
		kind, want string
	}{
		{200, "text/html", "is it a spacewasm server"},
		{404, "text/plain", "is it a spacewasm server"},
		{404, "application/problem+json", "is it a spacewasm server"},
		{413, "text/html", "a proxy before"},
		{502, "text/html", "proxy in between"},
		{302, "", "never follows a redirect"},
	} {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.invalid/")
			answer(w, tc.status, tc.kind, struct{}{})
		})
		if _, err := c.Apps(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%d %s: %v, want %q", tc.status, tc.kind, err, tc.want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	listener.Close()
	_, err = dial(t, address).Apps(t.Context())
	if _, ok := errors.AsType[*client.UnreachableError](err); !ok {
		t.Fatalf("got %T %v", err, err)
	}
	for _, want := range []string{address, "spacewasm serve"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
}

func TestLocalhostNamesAreLoopback(t *testing.T) {
	_, address := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := strings.Cut(strings.TrimPrefix(address, "http://"), ":")
	_, err := dial(t, "http://any.thing.localhost:"+port).Apps(t.Context())
	if _, ok := errors.AsType[*client.UnreachableError](err); ok {
		t.Errorf("did not reach loopback: %v", err)
	}
}

// endless is a body that never ends and tells how much of it was read.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read += int64(len(p))
	return len(p), nil
}

func TestEarlyAnswerBeforeTheBody(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		problem(w, space.Errorf(space.CodeUnauthorized, "no token"))
	})
	body := &endless{}
	_, err := c.Push(t.Context(), "a", "application/zip", body, -1, nil)
	if e, ok := errors.AsType[*space.Error](err); !ok || e.Code != space.CodeUnauthorized {
		t.Errorf("got %v", err)
	}
	if body.read > 1<<20 {
		t.Errorf("%d bytes were read of a body nobody wanted", body.read)
	}
}

// A server that knows no "100 Continue", answers in the middle of the body and
// hangs up at once, which resets the connection.
func TestEarlyAnswerInTheBody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() { served <- rudeServer(listener) }()
	_, err = dial(t, "http://"+listener.Addr().String()).Push(t.Context(), "a", "application/zip", &endless{}, -1, nil)
	if e, ok := errors.AsType[*space.Error](err); !ok || e.Code != space.CodePayloadTooLarge {
		t.Errorf("got %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func rudeServer(listener net.Listener) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.CopyN(io.Discard, conn, 1<<20); err != nil {
		return err
	}
	body, _ := json.Marshal(space.Errorf(space.CodePayloadTooLarge, "too large").Problem("e-2"))
	_, err = fmt.Fprintf(conn, "HTTP/1.1 413 Too Large\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return err
}

func TestPushReportsAFailingBody(t *testing.T) {
	c, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	broken := errors.New("the disk is gone")
	reader, writer := io.Pipe()
	writer.CloseWithError(broken)
	if _, err := c.Push(t.Context(), "a", "application/gzip", reader, -1, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
