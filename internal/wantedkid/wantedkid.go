// Package wantedkid tells the transport of a jwks.Cache for which key ID a fetch
// is. A transport that shares responses can then tell whether one of another
// process will do.
package wantedkid

import "context"

type key struct{}

// With returns a context for a fetch that a token with this key ID has caused.
func With(ctx context.Context, kid string) context.Context {
	return context.WithValue(ctx, key{}, kid)
}

// From returns the key ID that was passed to [With], or "".
func From(ctx context.Context) string {
	kid, _ := ctx.Value(key{}).(string)
	return kid
}
