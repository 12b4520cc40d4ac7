package wire

import "time"

// Keys is the answer of GET /api/v1/apps/{app}/keys.
type Keys struct {
	Keys []Key `json:"keys"`
}

// Key describes a key with which programs come in to an app.
type Key struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"` // UTC
}

// NewKey is what POST /api/v1/apps/{app}/keys takes.
type NewKey struct {
	Name string `json:"name"`
}

// Tokens is the answer of GET /api/v1/tokens.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// Token describes a token beside the one in the server's file.
type Token struct {
	Name string `json:"name"`
	// App is the one app that the token may deploy, "" for one that may do all.
	App     string    `json:"app,omitempty"`
	Created time.Time `json:"created"` // UTC
}

// NewToken is what POST /api/v1/tokens takes.
type NewToken struct {
	Name string `json:"name"`
	// App is the one app that the token may deploy, nil for one that may do all: an
	// empty variable of somebody's script must not make that.
	App *string `json:"app,omitempty"`
}

// Secret is the answer to who makes a key or a token. The value is shown once.
type Secret struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
