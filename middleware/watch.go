package middleware

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// Watch returns a copy of ctx, which is the context of a request that [Guard.Do]
// has accepted or is made of it. The copy is done when Config.Revocations names
// the request's token. Its [context.Cause] is then an error for [Guard.Reject].
// It is for adapters to transports with streams. The watch ends with ctx, so ctx
// must end with the stream. Without Revocations, or without claims, or with
// Config.InsecureReportOnly, Watch returns ctx.
//
// The error is that of [revocation.List.WatchContext], and the stream must be
// rejected with it.
func (g *Guard) Watch(ctx context.Context) (context.Context, error) {
	id := identityFrom(ctx)
	if g.auth == nil || g.auth.cfg.Revocations == nil || g.auth.cfg.InsecureReportOnly || !id.isBy(g.auth) || id.claims == nil {
		return ctx, nil
	}
	return g.auth.cfg.Revocations.WatchContext(ctx, withoutEnd(id.claims))
}

// withoutEnd returns claims that do not expire, for adapters that end streams
// themselves.
func withoutEnd(c *validator.Claims) *validator.Claims {
	endless := *c
	endless.ExpiresAt = time.Time{}
	return &endless
}

// watch has the context of a new identity end with its token.
func (a *Authenticator) watch(id *identity, known bool) error {
	if a.watches == nil || known {
		return nil // the context is made of one that is watched
	}
	ctx, err := a.watches.WatchContext(id.Context, id.claims)
	if err != nil {
		return refusalOf(id.claims, err)
	}
	id.Context = ctx
	return nil
}

// serveWatched is the handler of Require with Config.CancelWithToken.
func (a *Authenticator) serveWatched(guard *Guard, next http.Handler, w http.ResponseWriter, r *http.Request) {
	// The watch must end with the request, also if the server is one that
	// doesn't end its context.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	authenticated, refusal := guard.Do(w.Header(), r.WithContext(ctx))
	if refusal != nil {
		refusal.ServeHTTP(w, r)
		return
	}
	known := identityFrom(r.Context()).isBy(a) // a Guard in front reports it
	next.ServeHTTP(w, authenticated)
	var ended *validator.Error
	if !known && ctx.Err() == nil && errors.As(context.Cause(authenticated.Context()), &ended) {
		_, _ = guard.Reject(make(http.Header), authenticated, ended)
	}
}
