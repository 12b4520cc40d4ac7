package wire

import "time"

// Domains is the answer of GET /api/v1/apps/{app}/domains.
type Domains struct {
	Domains []Domain `json:"domains"`
}

// Domain describes a host of its owner's own at which an app answers beside its built-in
// one.
type Domain struct {
	Host string `json:"host"`
	// URL is where it is reached once DNS leads there: with the scheme and the port of the
	// server.
	URL     string    `json:"url"`
	Created time.Time `json:"created"` // UTC
	// Shadowed says that the host has become the server's own, or below it, and does not
	// count as a domain.
	Shadowed bool `json:"shadowed,omitempty"`
}
