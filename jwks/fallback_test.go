package jwks_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// The Fallback is served while there is nothing else, until FallbackUntil.
func TestCache_fallback(t *testing.T) {
	t.Parallel()
	fallback := parsed(t, set(jwk("1"), jwk("built in")))
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		end := time.Now().Add(48 * time.Hour)
		iss := newIssuer(set(jwk("1"), jwk("2")))
		iss.set(func() { iss.down = true })
		c := iss.cache(t, func(cfg *jwks.Config) {
			cfg.Fallback, cfg.FallbackUntil, cfg.Logger = fallback, end, log.logger()
		})
		if got := c.Status(); got.Fallback {
			t.Errorf("Status() before the first fetch = %+v, want no Fallback", got)
		}
		mustFind(t, c, "built in")
		if got := c.Status(); !got.Fallback || got.State != jwks.Empty || got.Failures == 0 {
			t.Errorf("Status() = %+v, want EMPTY with the Fallback", got)
		}
		if keys, err := c.Keys(t.Context(), ""); len(keys) != 2 || err != nil {
			t.Errorf("Keys() = %d keys, %v, want both", len(keys), err)
		}
		synctest.Wait() // until the line is written
		if lines := log.lines("fallback_until"); len(lines) != 1 || !strings.HasPrefix(lines[0], "level=WARN") {
			t.Errorf("the log has %q, want one warning with fallback_until", lines)
		}
		// A key that it does not have may be the issuer's.
		mustBeUnavailable(t, c, "2")

		// With the issuer back, its keys alone count.
		iss.set(func() { iss.down = false })
		pass(10 * time.Minute)
		mustFind(t, c, "2")
		if got := c.Status(); got.Fallback {
			t.Errorf("Status() with the issuer back = %+v, want no Fallback", got)
		}
		mustMiss(t, c, "built in")

		// What was fetched comes first for as long as it may be served.
		iss.set(func() { iss.down = true })
		pass(24 * time.Hour)
		mustFind(t, c, "2")
		pass(2 * time.Hour)
		mustFind(t, c, "built in")
		mustBeUnavailable(t, c, "2")
		pass(time.Until(end) - 1)
		mustFind(t, c, "built in")
		pass(1)
		mustBeUnavailable(t, c, "built in")
		mustBeUnavailable(t, c, "1")
	})
}

// While the issuer is silent, one lookup waits for it, and the others get the
// Fallback at once.
func TestCache_fallbackOfASilentIssuer(t *testing.T) {
	t.Parallel()
	fallback := parsed(t, set(jwk("1")))
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer("")
		iss.script(func(*http.Request) string {
			pass(time.Hour)
			return response(http.StatusOK, "")
		})
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Fallback, cfg.FallbackUntil = fallback, time.Now().Add(time.Hour) })
		if got := mustFind(t, c, "1"); got.took > 5*time.Second {
			t.Errorf("the first Keys(1) took %v, want 5 s", got.took)
		}
		every(time.Second, 10*time.Minute, func(time.Duration) {
			if got := mustFind(t, c, "1"); got.took > 0 {
				t.Errorf("Keys(1) took %v, want it at once", got.took)
			}
		})
		if got := iss.requests(); got < 2 {
			t.Errorf("%d requests in ten minutes, want more: the issuer may be back", got)
		}
		pass(2 * time.Hour) // until all requests have ended
	})
}
