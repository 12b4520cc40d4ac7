package client_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

const foundToken = "sw_found_in_a_folder"

// prover is a server of the token, as far as these tests go.
type prover struct {
	guard  *access.Guard
	open   bool
	proofs atomic.Int32
	tokens atomic.Int32 // requests that came with the token
}

func newProver(t *testing.T, token string) *prover {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	guard, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return &prover{guard: guard}
}

func (p *prover) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		p.tokens.Add(1)
	}
	if r.URL.Path != "/api/v1/proof" {
		answer(w, http.StatusOK, "application/json", wire.Apps{})
		return
	}
	p.proofs.Add(1)
	proof, err := p.guard.Prove(r.URL.Query().Get("nonce"), r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
	if err != nil {
		problem(w, space.Errorf(space.CodeBadRequest, "%v", err))
		return
	}
	answer(w, http.StatusOK, "application/json", wire.Proof{Proof: proof, Open: p.open})
}

func unproven(t *testing.T, server string) *client.Client {
	t.Helper()
	base, err := client.ParseServer(server)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewUnproven(base, foundToken)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// T37: a server that knows the token proves it once, and then gets the token.
func TestProven(t *testing.T) {
	p := newProver(t, foundToken)
	server := httptest.NewServer(p)
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, address := range []string{server.URL, "http://localhost:" + port} {
		p.proofs.Store(0)
		p.tokens.Store(0)
		c := unproven(t, address)
		for range 2 {
			if _, err := c.Apps(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if p.proofs.Load() != 1 || p.tokens.Load() != 2 {
			t.Errorf("%s: %d proofs, %d requests with the token", address, p.proofs.Load(), p.tokens.Load())
		}
	}
}

// T37: a server that does not prove it gets the token in no way.
func TestUnproven(t *testing.T) {
	owner := newProver(t, foundToken)
	genuine := httptest.NewServer(owner)
	defer genuine.Close()
	relay := func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(genuine.URL + r.URL.RequestURI())
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		io.Copy(w, resp.Body)
	}
	for name, h := range map[string]http.HandlerFunc{
		"another token":               newProver(t, "sw_of_another_server").ServeHTTP,
		"the proof of another server": relay,
		"an older server":             func(w http.ResponseWriter, _ *http.Request) { problem(w, space.Errorf(space.CodeNotFound, "nothing")) },
		"who asks for it": func(w http.ResponseWriter, _ *http.Request) {
			problem(w, space.Errorf(space.CodeUnauthorized, "send it"))
		},
		"another program": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
		"an empty proof": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, "application/json", wire.Proof{})
		},
		"a redirect to who knows": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, genuine.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.Header.Get("Authorization"), foundToken) {
					sent.Store(true)
				}
				h(w, r)
			}))
			defer server.Close()
			c := unproven(t, server.URL)
			_, err := c.Apps(t.Context())
			if _, ok := errors.AsType[*client.UnprovenError](err); !ok || !strings.Contains(err.Error(), server.URL) {
				t.Errorf("got %v", err)
			}
			body := &closer{Reader: strings.NewReader("x")}
			if _, err := c.Push(t.Context(), "a", "application/wasm", body, 1, nil); err == nil || !body.closed {
				t.Errorf("the push: %v, body closed %t", err, body.closed)
			}
			if sent.Load() || owner.tokens.Load() > 0 {
				t.Error("the token was sent")
			}
		})
	}
}

// T37: a server that takes whoever reaches it for its owner gets no token, not even one that was found.
func TestOpenServerGetsNoToken(t *testing.T) {
	p := newProver(t, "sw_of_another_server")
	p.open = true
	server := httptest.NewServer(p)
	defer server.Close()
	c := unproven(t, server.URL)
	for range 2 {
		if _, err := c.Apps(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if p.proofs.Load() != 1 || p.tokens.Load() != 0 {
		t.Errorf("%d proofs, %d requests with the token", p.proofs.Load(), p.tokens.Load())
	}
	if !c.IsOpen(t.Context()) {
		t.Error("it does not count as open")
	}
	p.open = false
	if c.IsOpen(t.Context()) {
		t.Error("a server that wants a token counts as open")
	}
}

// closer tells whether it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error {
	c.closed = true
	return nil
}

// A server that is not there, or starts, is no stranger.
func TestUnprovenForNow(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, space.Errorf(space.CodePreparing, "the server starts"))
	}))
	defer server.Close()
	_, err := unproven(t, server.URL).Apps(t.Context())
	if e, ok := errors.AsType[*space.Error](err); !ok || e.Code != space.CodePreparing {
		t.Errorf("got %v", err)
	}
	server.Close()
	_, err = unproven(t, server.URL).Apps(t.Context())
	if _, ok := errors.AsType[*client.UnreachableError](err); !ok {
		t.Errorf("got %v", err)
	}
}

// T37: a token follows no redirect, neither one that was given for the server.
func TestTokenFollowsNoRedirect(t *testing.T) {
	p := newProver(t, "sw_of_another_server")
	elsewhere := httptest.NewServer(p)
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/api/v1/apps", status)
		})
		if _, err := c.Apps(t.Context()); err == nil || !strings.Contains(err.Error(), "never follows a redirect") {
			t.Errorf("%d: %v", status, err)
		}
	}
	if p.tokens.Load() > 0 {
		t.Error("the token was sent elsewhere")
	}
}
