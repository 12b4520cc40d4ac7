package space

import (
	"context"
	"crypto/rand"
	"strings"
)

// RequestID names one request, in the logs and as the error id that its visitor
// sees.
type RequestID string

// NewRequestID returns an id that cannot be guessed and comes once.
func NewRequestID() RequestID {
	return RequestID(strings.ToLower(rand.Text()[:20]))
}

type requestKey struct{}

// WithRequestID returns a context that carries the id of its request.
func WithRequestID(ctx context.Context, id RequestID) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestIDOf returns the id that ctx carries, or "".
func RequestIDOf(ctx context.Context) RequestID {
	id, _ := ctx.Value(requestKey{}).(RequestID)
	return id
}
