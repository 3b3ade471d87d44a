package jwks_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/observe"
)

// The wall clock is set while the issuer's own address is down and another
// answers. Good tokens are accepted, the addresses are not flooded, a withdrawn
// key does not come back, and the issuer's return is noticed.
func TestCache_clockIsSetInFailover(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{
		time.Minute, -time.Minute, time.Hour, -time.Hour, 30 * 24 * time.Hour, -30 * 24 * time.Hour, 100 * 365 * 24 * time.Hour,
	} {
		for _, panics := range []bool{false, true} {
			t.Run(fmt.Sprint(step, " panics:", panics), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var jump atomic.Int64
					old, one, two := jwk("old"), jwk("1"), jwk("2")
					c, first, second, third := failover(t, set(old, one), func(cfg *jwks.Config) {
						cfg.Now = func() time.Time { return time.Now().Add(time.Duration(jump.Load())) }
						if panics {
							cfg.Logger = slog.New(panicking{})
							cfg.Observe = func(context.Context, observe.Event) { panic("a fault of the observer") }
						}
					})
					mustFind(t, c, "old")
					first.serve(set(one))
					for range 2 { // the issuer withdraws a key
						if err := c.Refresh(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					mustMiss(t, c, "old")

					setDown(first, true)
					second.serve(set(old, one, two)) // a copy that is not updated, with a key of its own
					every(time.Minute, 20*time.Minute, func(time.Duration) { find(t, c, "1") })
					find(t, c, "2")
					mustBeAt(t, c, secondURL)

					for _, d := range []time.Duration{step, -step, step} {
						jump.Add(int64(d))
						before := first.requests() + second.requests() + third.requests()
						every(time.Second, 10*time.Minute, func(time.Duration) {
							find(t, c, "1")
							find(t, c, "2")
							if keys, err := c.Keys(t.Context(), "old"); len(keys) > 0 {
								t.Errorf("after a step of %v: Keys(old) = %v, %v, want none: it is withdrawn", d, keys, err)
							}
						})
						// Two addresses, each at most once in 30 s.
						if got := first.requests() + second.requests() + third.requests() - before; got > 2*20 {
							t.Errorf("after a step of %v: %d requests in ten minutes, want ≤ 40", d, got)
						}
					}

					setDown(first, false)
					var back stopwatch
					start := time.Now()
					every(time.Second, 15*time.Minute, func(time.Duration) {
						find(t, c, "1")
						if c.Status().FallbackURL == "" {
							back.stop(start)
						}
					})
					if got := back.read(); got == 0 || got > 11*time.Minute {
						t.Errorf("the issuer's own address is used again after %v, want ≤ 11 min", got)
					}
				})
			})
		}
	}
}
