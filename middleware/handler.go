package middleware

import (
	"net/http"

	"github.com/rsguard/rsguard/validator"
)

// Handler returns a handler that calls next for requests with an acceptable
// token, with the claims in the request's context. It responds to all others
// itself. It is [Authenticator.Require] without checks.
func (a *Authenticator) Handler(next http.Handler) http.Handler {
	return a.Require()(next)
}

// Require returns a middleware that calls the next handler for requests with an
// acceptable token that passes all checks. It responds to all others itself.
// The decision is that of [Guard.Do]. Require panics if a check is nil.
//
// A 401 names the scopes that the checks require, as far as
// [validator.RequiredScopes] knows them. Inside a Handler, the outer one
// responds first and names none. If clients should learn the scopes, use
// Require alone.
//
// With Config.CancelWithToken, a handler that returns after its token has ended
// is logged and observed as one more rejection, by the reason of the end.
func (a *Authenticator) Require(checks ...validator.Check) func(http.Handler) http.Handler {
	guard := a.Guard(checks...)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if a != nil && a.watches != nil {
				a.serveWatched(guard, next, w, r)
				return
			}
			authenticated, refusal := guard.Do(w.Header(), r)
			if refusal != nil {
				refusal.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, authenticated)
		})
	}
}
