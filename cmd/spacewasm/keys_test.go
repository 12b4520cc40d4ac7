package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// keeper is a server that says yes, and notes what it was asked for.
type keeper struct {
	URL    string
	asked  []string
	app    wire.App
	keys   wire.Keys
	tokens wire.Tokens
}

func newKeeper(t *testing.T) *keeper {
	t.Helper()
	k := &keeper{app: wire.App{App: "shop", URL: "http://shop.localhost/", Micros: []wire.Micro{{Name: "web"}, {Name: "api", APIKeys: true}}}}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	k.URL = server.URL
	return k
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	k.asked = append(k.asked, strings.TrimSpace(r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v1")+" "+string(body)))
	var v any
	switch {
	case r.Header.Get("Authorization") != "Bearer secret":
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		json.NewEncoder(w).Encode(space.Errorf(space.CodeForbidden, "this needs an admin's").Problem("e-1"))
		return
	case r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "/none"):
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		json.NewEncoder(w).Encode(space.Errorf(space.CodeNotFound, "there is none").Problem("e-2"))
		return
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method == http.MethodPost:
		v = wire.Secret{Name: "x", Value: "swk_VALUE"}
	case strings.HasSuffix(r.URL.Path, "/keys"):
		v = k.keys
	case strings.HasSuffix(r.URL.Path, "/tokens"):
		v = k.tokens
	default:
		v = k.app
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (k *keeper) wasAsked(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(k.asked, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("asked:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	k.asked = nil
}

func TestKeysCommand(t *testing.T) {
	k, server := newConsole(t), newKeeper(t)
	k.env["SPACEWASM_SERVER"], k.env["SPACEWASM_TOKEN"] = server.URL, "secret"
	k.run(t, 0, "keys", "shop")
	wants(t, k.err.String(), "no keys yet", "keys shop create NAME")
	server.keys.Keys = []wire.Key{{Name: "the till", Created: time.Now().Add(-3 * time.Hour)}}
	k.run(t, 0, "keys", "shop")
	wants(t, k.out.String(), "NAME      CREATED\nthe till  3 hours ago\n")
	k.run(t, 0, "keys", "shop", "--json")
	wants(t, k.out.String(), `"name": "the till"`, `"created":`)
	server.asked = nil

	k.run(t, 0, "keys", "shop", "create", "the till")
	if k.out.String() != "swk_VALUE\n" {
		t.Errorf("standard output is %q", k.out.String())
	}
	wants(t, k.err.String(), "shown once", `curl -H "X-Space-App-Key: $KEY" http://shop.localhost/`)
	if strings.Contains(k.err.String(), "note:") {
		t.Errorf("a Micro takes keys, but: %s", k.err.String())
	}
	server.app.Micros = server.app.Micros[:1]
	k.run(t, 0, "keys", "shop", "create", "x", "--json")
	wants(t, k.out.String(), `"value": "swk_VALUE"`)
	wants(t, k.err.String(), "note: no Micro of shop takes keys", "api_keys: true")
	k.run(t, 0, "keys", "shop", "delete", "the till")
	wants(t, k.err.String(), "deleted the key the till of shop")
	server.wasAsked(t, `POST /apps/shop/keys {"name":"the till"}`, "GET /apps/shop", `POST /apps/shop/keys {"name":"x"}`, "GET /apps/shop",
		"DELETE /apps/shop/keys/the till")
	k.run(t, 1, "keys", "shop", "delete", "none")
	wants(t, k.err.String(), "there is none", "`spacewasm keys APP`")
	server.asked = nil
	for _, args := range []string{
		"keys", "keys UPPER", "keys shop create", "keys shop create x y", "keys shop delete", "keys shop rm x", "keys shop list", "keys shop create -- -x", "keys shop create ..",
	} {
		k.run(t, 2, strings.Fields(args)...)
	}
	server.wasAsked(t)
}

func TestTokenCommands(t *testing.T) {
	k, server := newConsole(t), newKeeper(t)
	k.env["SPACEWASM_SERVER"], k.env["SPACEWASM_TOKEN"] = server.URL, "secret"
	k.run(t, 0, "token", "ls")
	wants(t, k.err.String(), "token create NAME")
	server.tokens.Tokens = []wire.Token{{Name: "ci", App: "shop", Created: time.Now().Add(-time.Hour)}, {Name: "of Anna", Created: time.Now()}}
	k.run(t, 0, "token", "ls")
	wants(t, k.out.String(), "NAME     MAY          CREATED\n", "ci       deploy shop  1 hour ago\n", "of Anna  do all       now\n")
	k.run(t, 0, "token", "list", "--json")
	wants(t, k.out.String(), `"app": "shop"`)
	server.asked = nil
	k.run(t, 0, "token", "create", "ci", "--app", "shop")
	if k.out.String() != "swk_VALUE\n" {
		t.Errorf("standard output is %q", k.out.String())
	}
	wants(t, k.err.String(), "shown once", "may deploy shop", "SPACEWASM_TOKEN")
	k.run(t, 0, "token", "create", "of Anna")
	wants(t, k.err.String(), "may do all")
	k.run(t, 0, "token", "revoke", "of Anna")
	wants(t, k.err.String(), "revoked the token of Anna")
	server.wasAsked(t, `POST /tokens {"name":"ci","app":"shop"}`, `POST /tokens {"name":"of Anna"}`, "DELETE /tokens/of Anna")
	k.run(t, 1, "token", "revoke", "none")
	wants(t, k.err.String(), "there is none", "`spacewasm token ls`")
	server.asked = nil
	for _, args := range [][]string{
		{"token", "bogus"},
		{"token", "create"},
		{"token", "create", "a", "b"},
		{"token", "create", "a/b"},
		{"token", "create", "x", "--app", ""},
		{"token", "create", "x", "--app", "UPPER"},
		{"token", "revoke"},
		{"token", "revoke", ".."},
		{"token", "ls", "x"},
	} {
		k.run(t, 2, args...)
	}
	server.wasAsked(t)
}

// Who has a token that does not reach is told which one it was.
func TestForbidden(t *testing.T) {
	k, server := newConsole(t), newKeeper(t)
	k.env["SPACEWASM_SERVER"], k.env["SPACEWASM_TOKEN"] = server.URL, "of-the-ci"
	for _, args := range []string{"token ls", "token create x", "token revoke x", "keys shop", "keys shop create x", "keys shop delete x"} {
		k.run(t, 1, strings.Fields(args)...)
		wants(t, k.err.String(), "this needs an admin's", "came from the variable SPACEWASM_TOKEN")
	}
}
