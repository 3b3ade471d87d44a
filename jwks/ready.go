package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/internal/seconds"
)

// Ready returns a handler for a readiness probe. It responds with 200 if all of
// the caches have keys that may be served, and otherwise with 503 and
// Retry-After. List only the caches that the service can't do without.
//
// Each request looks up all keys in each Cache. A cache without keys therefore
// fetches them, and the request waits for them as that of a token would. A
// cache without tokens stays as fresh as one in use. However many requests
// come, the caches fetch no more often than with lookups of tokens. EXPIRED
// keys are served while the issuer fails, so an outage of the issuer takes no
// instance with keys out of service.
//
// The response names no issuer and no key. The log of the [Cache] has the
// cause. Ready panics if there are no caches, or if one is nil.
func Ready(caches ...*Cache) http.Handler {
	if len(caches) == 0 {
		panic("jwks: Ready: no caches")
	}
	all := make([]*Cache, len(caches))
	for i, c := range caches {
		if c == nil {
			panic(fmt.Sprintf("jwks: Ready: cache %d is nil", i))
		}
		all[i] = c
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if ok, wait := ready(r.Context(), all); !ok {
			if wait > 0 {
				w.Header().Set("Retry-After", seconds.RoundUp(wait))
			}
			http.Error(w, "no keys", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ready\n"))
	})
}

// ready reports whether all caches have keys that may be served. If not, it
// returns the time until they may have, if known.
func ready(ctx context.Context, caches []*Cache) (ok bool, wait time.Duration) {
	for _, c := range caches {
		if c.current.Load() != nil {
			c.flight() // all at once, so that the waits below overlap
		}
	}
	ok = true
	for _, c := range caches {
		if _, err := c.Keys(ctx, ""); err != nil {
			ok = false
			var u *unavailable
			if errors.As(err, &u) {
				wait = max(wait, u.RetryAfter())
			}
		}
	}
	return ok, wait
}
