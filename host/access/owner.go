package access

import "context"

type ownerKey struct{}

// WithOwner returns a context that says that the request is the owner's, who has come in
// with the token of that name.
func WithOwner(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, ownerKey{}, token)
}

// OwnerOf returns the name of the token that [WithOwner] was told, "" if it was not.
func OwnerOf(ctx context.Context) string {
	token, _ := ctx.Value(ownerKey{}).(string)
	return token
}
