package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// A kid that isn't held is unknown only if the issuer was asked for it. If it
// could not be asked, its token may be good.
func TestCache_couldNotLook(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		broken func(*testing.T, *issuer, *jwks.Cache)
		within time.Duration // of the issuer's return, the kid is found
	}{
		{"connection reset", func(_ *testing.T, iss *issuer, _ *jwks.Cache) {
			iss.set(func() { iss.down = true })
		}, time.Second},
		{"429", func(_ *testing.T, iss *issuer, _ *jwks.Cache) {
			iss.say(response(429, "", "Retry-After: 300"))
		}, 10 * time.Minute},
		{"longer than Timeout", func(_ *testing.T, iss *issuer, _ *jwks.Cache) {
			iss.set(func() { iss.silent = true })
		}, time.Second},
		{"too many wait", func(t *testing.T, iss *issuer, c *jwks.Cache) {
			iss.set(func() { iss.latency = 4 * time.Second })
			for n := range 64 {
				go c.Keys(t.Context(), fmt.Sprint("random-", n))
			}
			synctest.Wait()
		}, time.Minute},
		{"unusable answer", func(_ *testing.T, iss *issuer, _ *jwks.Cache) {
			iss.say(response(200, `{"keys":[]}`))
		}, time.Second},
	} {
		for _, age := range []time.Duration{time.Minute, 9 * time.Minute, time.Hour} { // FRESH, REVALIDATE, EXPIRED
			if tt.name == "too many wait" && age == time.Hour {
				continue // they all wait for the keys, which say that there is none
			}
			t.Run(fmt.Sprint(tt.name, " ", age), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					iss := newIssuer(set(jwk("1")))
					c := iss.cache(t)
					mustFind(t, c, "1")
					pass(age)
					tt.broken(t, iss, c)
					for range 3 {
						mustBeUnavailable(t, c, "2")
					}
					iss.set(func() { iss.down, iss.silent, iss.latency = false, false, 0 })
					iss.serve(set(jwk("1"), jwk("2")))
					var found stopwatch
					back := time.Now()
					every(100*time.Millisecond, 11*time.Minute, func(time.Duration) {
						if found.read() > 0 {
							return
						}
						got := lookup(t.Context(), c, "2")
						switch {
						case got.found == 1:
							found.stop(back)
						case got.err == nil && tt.name != "too many wait": // the first of those made up gets an answer
							t.Errorf("Keys(2) found nothing %v after the issuer was back, want it or ErrUnavailable", time.Since(back))
						}
					})
					if found.read() == 0 || found.read() > tt.within+100*time.Millisecond {
						t.Errorf("Keys(2) succeeded %v after the issuer was back, want ≤ %v", found.read(), tt.within)
					}
				})
			})
		}
	}
}

// A cache on the way must not answer a fetch for a kid that it doesn't know.
func TestCache_forcedFetchesPassCaches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := &issuer{}
		keys := set(jwk("1"))
		var got []string
		iss.script(func(r *http.Request) string {
			got = append(got, r.Header.Get("Cache-Control"))
			return response(200, keys)
		})
		c := iss.cache(t)
		mustFind(t, c, "1")
		pass(9 * time.Minute)
		mustFind(t, c, "1")
		synctest.Wait()
		mustMiss(t, c, "2")
		if want := []string{"", "", "no-cache"}; !slices.Equal(got, want) {
			t.Errorf("Cache-Control of the first fetch, a refresh and one for an unknown kid = %q, want %q", got, want)
		}
	})
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("a fault of the handler") }

// A log handler that panics ends nothing: not the program, not a lookup, and
// not the cache.
func TestCache_logHandlerPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1"), `{"kty":"oct"}`))
		c := iss.cache(t, func(cfg *jwks.Config) {
			cfg.Logger = slog.New(panicking{})
			cfg.InsecureHTTP = true
		})
		mustFind(t, c, "1")
		iss.set(func() { iss.down = true })
		pass(time.Hour)
		mustFind(t, c, "1")
		pass(48 * time.Hour)
		if got := lookup(t.Context(), c, "1"); !errors.Is(got.err, jwks.ErrUnavailable) {
			t.Errorf("Keys(1) = %v, want ErrUnavailable", got.err)
		}
		iss.set(func() { iss.down = false })
		pass(time.Minute)
		mustFind(t, c, "1")
	})
}
