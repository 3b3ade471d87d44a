package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/internal/wantedkid"
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

// A key that is missing from one response may be on its way to a half-updated
// CDN. It is dropped when a second response, 10 s later or more, agrees.
func TestCache_vanishedKey(t *testing.T) {
	t.Parallel()
	one, two := jwk("1"), jwk("2")
	both := func(t *testing.T) (*issuer, *jwks.Cache) {
		t.Helper()
		iss := newIssuer(set(one, two))
		c := iss.cache(t)
		c.SetJitter(none)
		mustFind(t, c, "2")
		iss.serve(set(one))
		return iss, c
	}
	force := func(t *testing.T, c *jwks.Cache, kid string) { // a fetch, within the intervals
		t.Helper()
		mustMiss(t, c, kid)
	}
	for _, tt := range []struct {
		name string
		test func(*testing.T, *issuer, *jwks.Cache)
	}{
		{"one response", func(t *testing.T, _ *issuer, c *jwks.Cache) {
			force(t, c, "3")
			mustFind(t, c, "2")
		}},
		{"two, and 30 s between them", func(t *testing.T, _ *issuer, c *jwks.Cache) {
			force(t, c, "3")
			pass(30 * time.Second)
			force(t, c, "4")
			mustMiss(t, c, "2")
		}},
		{"a refresh by itself, after 10 s", func(t *testing.T, _ *issuer, c *jwks.Cache) {
			force(t, c, "3")
			pass(10*time.Second - 1)
			mustFind(t, c, "2")
			pass(1)
			mustFind(t, c, "2") // in the background
			synctest.Wait()
			mustMiss(t, c, "2")
		}},
		{"it is back", func(t *testing.T, iss *issuer, c *jwks.Cache) {
			force(t, c, "3")
			iss.serve(set(two, one))
			pass(10 * time.Second)
			mustFind(t, c, "2")
			synctest.Wait()
			iss.serve(set(one))
			pass(30 * time.Second)
			force(t, c, "4")
			mustFind(t, c, "2")
		}},
		{"a failure says nothing", func(t *testing.T, iss *issuer, c *jwks.Cache) {
			force(t, c, "3")
			iss.set(func() { iss.down = true })
			pass(time.Minute)
			mustFind(t, c, "2")
			synctest.Wait()
			mustFind(t, c, "2")
		}},
		{"Refresh", func(t *testing.T, _ *issuer, c *jwks.Cache) {
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustMiss(t, c, "2")
		}},
		{"Refresh, while a fetch is in progress", func(t *testing.T, iss *issuer, c *jwks.Cache) {
			iss.set(func() { iss.latency = time.Second })
			go c.Keys(t.Context(), "3")
			synctest.Wait()
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustMiss(t, c, "2")
		}},
		{"EXPIRED, asked first", func(t *testing.T, _ *issuer, c *jwks.Cache) {
			pass(10 * time.Minute)
			mustMiss(t, c, "2")
		}},
		{"another key of the same kid", func(t *testing.T, iss *issuer, c *jwks.Cache) {
			before, _ := c.Keys(t.Context(), "2")
			iss.serve(set(one, jwk("2")))
			force(t, c, "3")
			if after, err := c.Keys(t.Context(), "2"); len(after) != 1 || after[0].Public == before[0].Public {
				t.Errorf("Keys(2) = %v, %v, want the new key alone", after, err)
			}
		}},
		{"304 agrees", func(t *testing.T, iss *issuer, c *jwks.Cache) {
			iss.serve(set(one), `ETag: "2"`)
			force(t, c, "3")
			iss.script(func(r *http.Request) string {
				if got := r.Header.Get("Cache-Control"); got != "no-cache" {
					t.Errorf("Cache-Control of the second fetch = %q, want no-cache", got)
				}
				return response(304, "")
			})
			pass(10 * time.Second)
			mustFind(t, c, "2")
			synctest.Wait()
			mustMiss(t, c, "2")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss, c := both(t)
				tt.test(t, iss, c)
				mustFind(t, c, "1")
			})
		})
	}

	// An issuer that replaces its whole set each time doesn't fill the memory.
	t.Run("bounded", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iss, c := both(t)
			large := func(n int) string {
				keys := make([]string, 300)
				for i := range keys {
					keys[i] = fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"%d-%d"}`, n, i)
				}
				return set(append(keys, one)...)
			}
			for n := range 3 {
				iss.serve(large(n))
				pass(time.Nanosecond)
				c.Keys(t.Context(), "unknown")
				pass(9 * time.Minute)
				c.Keys(t.Context(), "1")
				synctest.Wait()
			}
			if got := len(c.Status().KeyIDs); got > 401 {
				t.Errorf("%d keys are held, want ≤ 301 and 100 that have vanished", got)
			}
		})
	})
}

// The servers of a CDN are updated one after the other, and one of them answers,
// chosen at random. For six hours a part of them does not have the new key yet.
func TestCache_halfUpdatedCDN(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		old, of int // servers
		most    float64
	}{{1, 2, 0.04}, {1, 4, 0.005}} {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 1))
			one, two := jwk("1"), jwk("2")
			iss := newIssuer("")
			iss.script(func(*http.Request) string {
				if random.IntN(tt.of) < tt.old {
					return response(200, set(one))
				}
				return response(200, set(one, two))
			})
			refused, lookups := 0, 0
			for range racing.Fewer(20) {
				c := iss.cache(t)
				c.SetJitter(random.Int64N)
				every(10*time.Second, 6*time.Hour, func(time.Duration) {
					mustFind(t, c, "1")
					lookups++
					if lookup(t.Context(), c, "2").found == 0 {
						refused++
					}
				})
			}
			part := float64(refused) / float64(lookups)
			t.Logf("%d of %d servers are old: %.2f %% of the good tokens are rejected", tt.old, tt.of, 100*part)
			if part > tt.most {
				t.Errorf("%d of %d servers are old: %.2f %% of the good tokens are rejected, want ≤ %.2f %%", tt.old, tt.of, 100*part, 100*tt.most)
			}
		})
	}
}

// A key that is published while a fetch is in progress is found by the first
// token that it signed, although that fetch does not bring it.
func TestCache_publishedDuringAFetch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fetch func(*testing.T, *jwks.Cache) // one that does not bring the key
	}{
		{"Refresh", func(t *testing.T, c *jwks.Cache) { go c.Refresh(t.Context()) }},
		{"refresh in the background", func(t *testing.T, c *jwks.Cache) {
			pass(9 * time.Minute)
			mustFind(t, c, "1")
		}},
		{"keys that are too old", func(t *testing.T, c *jwks.Cache) {
			pass(time.Hour)
			go find(t, c, "1")
		}},
		{"none are held any more", func(t *testing.T, c *jwks.Cache) {
			pass(48 * time.Hour)
			go find(t, c, "1")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				old, new := jwk("1"), jwk("2")
				iss := newIssuer(set(old))
				c := iss.cache(t)
				mustFind(t, c, "1")

				iss.set(func() { iss.latency = 100 * time.Millisecond })
				tt.fetch(t, c) // it is answered with the keys of this moment
				pass(time.Millisecond)
				before := iss.requests()
				iss.serve(set(old, new))
				if got := mustFind(t, c, "2"); got.took > 200*time.Millisecond || iss.requests() != before+1 {
					t.Errorf("Keys(2) took %v and %d more fetches, want 200 ms and one", got.took, iss.requests()-before)
				}
				// One fetch is enough for each lookup that began before it.
				mustMiss(t, c, "3")
				if got := iss.requests() - before; got != 2 {
					t.Errorf("%d fetches after a lookup of a kid that does not exist, want 2", got)
				}
			})
		})
	}
}

// A transport that shares responses learns for which key a fetch is, unless a
// response of before would not do.
func TestCache_wantedKID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := jwk("1"), jwk("2")
		keys := set(one)
		var got []string
		iss := &issuer{}
		iss.script(func(r *http.Request) string {
			got = append(got, r.URL.Path+" "+wantedkid.From(r.Context()))
			return response(200, keys)
		})
		c := iss.cache(t, func(cfg *jwks.Config) {
			cfg.FallbackURLs, cfg.UnknownKeyInterval = []string{"https://issuer.example/other"}, 5*time.Second
		})
		c.SetJitter(none)
		want := func(what string, urls ...string) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(got, urls) {
				t.Errorf("%s: requests and the key IDs they are for = %q, want %q", what, got, urls)
			}
			got = nil
		}
		mustFind(t, c, "1")
		want("first fetch", "/jwks.json ")
		pass(9 * time.Minute)
		mustFind(t, c, "1")
		want("refresh", "/jwks.json ")
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("Refresh", "/jwks.json ")
		keys = set(one, two)
		mustFind(t, c, "2")
		want("unknown kid", "/jwks.json 2")

		keys = set(two)
		mustMiss(t, c, "3")
		want("another", "/jwks.json 3")
		pass(6 * time.Second)
		mustMiss(t, c, "4") // its response confirms that key 1 is gone
		want("one that confirms", "/jwks.json ")

		if err := c.Refresh(t.Context()); err != nil { // and this one, too
			t.Fatal(err)
		}
		want("Refresh again", "/jwks.json ")
		pass(6 * time.Second)
		iss.script(func(r *http.Request) string {
			got = append(got, r.URL.Path+" "+wantedkid.From(r.Context()))
			return response(503, "")
		})
		mustBeUnavailable(t, c, "5")
		want("with further addresses", "/jwks.json 5", "/other 5")
	})
}
