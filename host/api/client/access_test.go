package client_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

func TestAccessCalls(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+r.Header.Get("Content-Type")+" "+string(body)))
		switch {
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPost:
			answer(w, http.StatusCreated, "application/json", wire.Secret{Name: "x", Value: "of x"})
		case strings.HasSuffix(r.URL.Path, "/keys"):
			answer(w, 200, "application/json", wire.Keys{Keys: []wire.Key{{Name: "x"}}})
		default:
			answer(w, 200, "application/json", wire.Tokens{Tokens: []wire.Token{{Name: "x", App: "shop"}}})
		}
	})
	ctx := t.Context()
	if keys, err := c.Keys(ctx, "shop"); err != nil || len(keys.Keys) != 1 {
		t.Errorf("Keys = %v, %v", keys, err)
	}
	if key, err := c.CreateKey(ctx, "shop", "the till"); err != nil || key.Value != "of x" {
		t.Errorf("CreateKey = %v, %v", key, err)
	}
	if tokens, err := c.Tokens(ctx); err != nil || len(tokens.Tokens) != 1 || tokens.Tokens[0].App != "shop" {
		t.Errorf("Tokens = %v, %v", tokens, err)
	}
	for _, app := range []space.AppName{"", "shop"} {
		if token, err := c.CreateToken(ctx, "ci", app); err != nil || token.Value != "of x" {
			t.Errorf("CreateToken = %v, %v", token, err)
		}
	}
	if err := errors.Join(c.DeleteKey(ctx, "shop", "the till"), c.RevokeToken(ctx, "v1.2_3")); err != nil {
		t.Error(err)
	}
	want := []string{
		"GET /api/v1/apps/shop/keys", `POST /api/v1/apps/shop/keys application/json {"name":"the till"}`, "GET /api/v1/tokens",
		`POST /api/v1/tokens application/json {"name":"ci"}`, `POST /api/v1/tokens application/json {"name":"ci","app":"shop"}`,
		"DELETE /api/v1/apps/shop/keys/the%20till", "DELETE /api/v1/tokens/v1.2_3",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q\nwant %q", asked, want)
	}
	// What is no name would address something else.
	_, keys := c.Keys(ctx, "..")
	_, key := c.CreateKey(ctx, "", "x")
	_, token := c.CreateToken(ctx, "x", "UPPER")
	for i, err := range []error{
		keys, key, token, c.DeleteKey(ctx, "shop", ".."), c.DeleteKey(ctx, "..", "x"), c.DeleteKey(ctx, "shop", ""),
		c.RevokeToken(ctx, "../apps/shop"), c.RevokeToken(ctx, ""), c.RevokeToken(ctx, "a%2fb"),
	} {
		if err == nil {
			t.Errorf("call %d was sent", i)
		}
	}
	if len(asked) != len(want) {
		t.Errorf("asked %q", asked[len(want):])
	}
}
