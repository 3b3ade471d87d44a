package jwks_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// An issuer that comes and goes takes no service with keys out, although the
// clock steps by less than MaxStale, and causes no more fetches than its failures
// allow.
func TestReady_flaps(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{0, -12 * time.Hour, -time.Minute, time.Minute, 12 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var stepped atomic.Int64
			iss := newIssuer(set(jwk("1")))
			c := iss.cache(t, func(cfg *jwks.Config) {
				// Round removes the monotonic reading, which has no steps.
				cfg.Now = func() time.Time { return time.Now().Round(0).Add(time.Duration(stepped.Load())) }
			})
			ready := jwks.Ready(c)
			mustProbe(t, ready, 200)
			n := 0
			every(10*time.Second, 12*time.Hour, func(time.Duration) {
				n++
				down := n%4 < 2
				iss.script(func(*http.Request) string {
					if down {
						return response(500, "")
					}
					return response(200, set(jwk("1")))
				})
				stepped.Store(int64(step) * int64(n/100%2)) // there and back, every 16 minutes
				mustProbe(t, ready, 200)
			})
			if got, most := iss.requests(), 12*60; got > most {
				t.Errorf("a step of %v: %d fetches in 12 hours, want %d at most", step, got, most)
			}
		})
	}
}
