package jwks_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// With Run, the first lookup after a silence finds fresh keys, through an outage
// as well, and Run costs the issuer no more than lookups do.
func TestCache_Run(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.latency = time.Second
		c := iss.cache(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			c.Run(ctx)
			close(ended)
		}()
		pass(10 * time.Second)
		for hour := range 24 {
			pass(time.Hour)
			if got := mustFind(t, c, "1"); got.took != 0 {
				t.Errorf("Keys(1) after %d h of silence took %v, want none", hour+1, got.took)
			}
			if got := c.Status().State; got == jwks.Expired || got == jwks.Dead {
				t.Errorf("Status() after %d h of silence = %s, want FRESH or REVALIDATE", hour+1, got)
			}
		}
		if got := iss.requests(); got < 150 || got > 220 {
			t.Errorf("%d requests in a day, want one each 7 to 8 min", got)
		}

		before := iss.requests()
		iss.set(func() { iss.down = true })
		pass(2 * time.Hour)
		if got := iss.requests() - before; got < 20 || got > 60 {
			t.Errorf("%d requests in an outage of 2 h, want one each 2 to 5 min", got)
		}
		iss.set(func() { iss.down = false })
		pass(6 * time.Minute)
		if got := c.Status(); got.State != jwks.Fresh || got.Failures != 0 {
			t.Errorf("Status() after the outage = %+v, want FRESH", got)
		}

		cancel()
		<-ended
		before = iss.requests()
		pass(24 * time.Hour)
		if got := iss.requests() - before; got != 0 {
			t.Errorf("%d requests after Run has ended, want none", got)
		}
	})
	new(jwks.Cache).Run(t.Context()) // returns
}

// Run ends at once, even while it waits for a silent issuer.
func TestCache_Run_endsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := &issuer{silent: true}
		c := iss.cache(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		c.Run(ctx)
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("Run() returned after %v, want 2 s", got)
		}
		pass(10 * time.Second) // the fetch ends by itself
	})
}
