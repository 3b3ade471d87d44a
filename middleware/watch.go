package middleware

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
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
	id.Context, id.watched = ctx, new(watched)
	return nil
}

// watched is what is kept of a request whose context ends with its token.
type watched struct {
	request  *http.Request // that Do has returned
	reported atomic.Bool
}

// Done is for adapters. Call it when the handler has returned, with the context
// of the request that [Guard.Do] has returned. If the handler has outlived its
// token, by Config.CancelWithToken, Done logs and observes one more rejection,
// by the reason of the end. Otherwise it does nothing. Of several Guards of one
// Authenticator, the first that is done tells it.
func (g *Guard) Done(ctx context.Context) {
	id := identityFrom(ctx)
	if !id.isBy(g.auth) || id.watched == nil {
		return
	}
	var ended *validator.Error
	if errors.As(context.Cause(id.Context), &ended) && !id.watched.reported.Swap(true) {
		_, _ = g.Reject(make(http.Header), id.watched.request, ended)
	}
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
	next.ServeHTTP(w, authenticated)
	guard.Done(authenticated.Context())
}
