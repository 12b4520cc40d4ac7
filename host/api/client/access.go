package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// Keys lists the keys of an app.
func (c *Client) Keys(ctx context.Context, app space.AppName) (wire.Keys, error) {
	var answer wire.Keys
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	err = c.short(ctx, http.MethodGet, &answer, "apps", name, "keys")
	return answer, err
}

// CreateKey makes a key of an app. Its value is in the answer, and nowhere else.
func (c *Client) CreateKey(ctx context.Context, app space.AppName, key string) (wire.Secret, error) {
	var answer wire.Secret
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	err = c.post(ctx, wire.NewKey{Name: key}, &answer, "apps", name, "keys")
	return answer, err
}

// DeleteKey deletes a key of an app.
func (c *Client) DeleteKey(ctx context.Context, app space.AppName, key string) error {
	name, err := segment(app)
	if err != nil {
		return err
	}
	if err := access.CheckName(key); err != nil {
		return err // it would address something else
	}
	return c.short(ctx, http.MethodDelete, nil, "apps", name, "keys", key)
}

// Tokens lists the tokens of the server, but for the one in its file.
func (c *Client) Tokens(ctx context.Context) (wire.Tokens, error) {
	var answer wire.Tokens
	err := c.short(ctx, http.MethodGet, &answer, "tokens")
	return answer, err
}

// CreateToken makes a token, for one app or, if that is "", for all. Its value is in
// the answer, and nowhere else.
func (c *Client) CreateToken(ctx context.Context, token string, app space.AppName) (wire.Secret, error) {
	var answer wire.Secret
	wanted := wire.NewToken{Name: token}
	if app != "" {
		name, err := segment(app)
		if err != nil {
			return answer, err
		}
		wanted.App = &name
	}
	err := c.post(ctx, wanted, &answer, "tokens")
	return answer, err
}

// RevokeToken revokes a token.
func (c *Client) RevokeToken(ctx context.Context, token string) error {
	if err := access.CheckName(token); err != nil {
		return err // it would address something else
	}
	return c.short(ctx, http.MethodDelete, nil, "tokens", token)
}

// post makes a call with a body of JSON that is soon answered.
func (c *Client) post(ctx context.Context, body, answer any, path ...string) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, bytes.NewReader(text), path...)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.call(req, answer)
}
