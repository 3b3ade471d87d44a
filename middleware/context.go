package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/rsguard/rsguard/internal/contextkey"
	"github.com/rsguard/rsguard/validator"
)

// ClaimsFromContext returns the claims of the request's token. It reports false
// if there are none, because the route is not guarded, or because the Config is
// Optional and the request had no token. [validator.Claims] says what is shared
// between requests.
func ClaimsFromContext(ctx context.Context) (*validator.Claims, bool) {
	id := identityFrom(ctx)
	if id == nil || id.claims == nil {
		return nil, false
	}
	return id.claims, true
}

// TokenFromContext returns the token of the request, for a service that
// exchanges it at the issuer for one of the next service (RFC 8693). It reports
// false where [ClaimsFromContext] does, and for claims of [ContextWithClaims].
//
// Never send the token itself to another service. It was meant for this one, and
// another could use it here in the user's name (RFC 9700, Section 2.3). Keep it
// out of logs and URLs.
func TokenFromContext(ctx context.Context) (string, bool) {
	id := identityFrom(ctx)
	if id == nil || id.claims == nil || id.token == "" {
		return "", false
	}
	return id.token, true
}

// ClaimsAs decodes the claims of the request's token into a T, as
// [validator.Claims.Decode] does. Use it for private claims. The error is a
// [*validator.Error], with [validator.CodeMissing] if ctx has no claims, and
// otherwise that of Decode.
func ClaimsAs[T any](ctx context.Context) (T, error) {
	var t T
	claims, ok := ClaimsFromContext(ctx)
	if !ok {
		return t, &validator.Error{Code: validator.CodeMissing, Err: errNoClaims}
	}
	if err := claims.Decode(&t); err != nil {
		var zero T
		return zero, err
	}
	return t, nil
}

var errNoClaims = errors.New("the context has no claims")

// ContextWithClaims returns a copy of ctx with claims, for handlers that are
// called without an [Authenticator], such as in tests or by another transport
// than HTTP. An Authenticator does not trust these claims, and validates the
// token itself.
func ContextWithClaims(ctx context.Context, claims *validator.Claims) context.Context {
	if ctx == nil {
		panic("middleware: ContextWithClaims: the context is nil")
	}
	return newIdentity(ctx, found{claims: claims})
}

type contextKey = contextkey.Identity

// An identity says whose request it is. It is also the context that carries
// this. It is not changed once a request has it.
type identity struct {
	context.Context //nolint:containedctx // this is a context
	*found          // a pointer, because printing a context may print its fields
}

type found struct {
	by     *Authenticator // that found it; nil for one of ContextWithClaims
	token  string         // the token of which it was found
	scheme string         // under which the token came
	claims *validator.Claims

	watched *watched // nil unless its context ends with the token
}

// newIdentity allocates both at once.
func newIdentity(ctx context.Context, f found) *identity {
	block := &struct {
		identity identity
		found    found
	}{found: f}
	block.identity = identity{ctx, &block.found}
	return &block.identity
}

// request returns r with id in its context.
func (id *identity) request(r *http.Request) *http.Request {
	switch {
	case id == identityFrom(r.Context()):
		return r
	case id == nil:
		// This hides the claims of others, which must not pass for those of an
		// optional token that is missing.
		return r.WithContext(context.WithValue(r.Context(), contextKey{}, id))
	}
	r = r.WithContext(id)
	if id.watched != nil {
		id.watched.request = r
	}
	return r
}

// Value returns the identity itself for its own key.
func (id *identity) Value(key any) any {
	if key == (contextKey{}) {
		return id
	}
	return id.Context.Value(key)
}

// Format writes what the contexts of package context write, for every verb.
func (id *identity) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%v.WithClaims", id.Context) }

func (id *identity) isBy(a *Authenticator) bool {
	return id != nil && a != nil && id.by == a
}

func identityFrom(ctx context.Context) *identity {
	id, _ := ctx.Value(contextKey{}).(*identity)
	return id
}
