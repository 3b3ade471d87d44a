package jwks_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// A response that a cache gave may be from before a key was published, so it
// does not prove that there is no such key.
func TestCache_responseOfACache(t *testing.T) {
	t.Parallel()
	old, current := set(jwk("1")), set(jwk("1"), jwk("2"))
	for _, tt := range []struct {
		name     string
		age      []string // in responses of the cache
		through  bool     // the cache lets requests with no-cache through
		found    bool
		requests int // for the lookup
	}{
		{"a cache", []string{"Age: 5"}, true, true, 2},
		{"a cache, a moment later", []string{"Age: 0"}, true, true, 2},
		{"no cache", nil, true, false, 1},
		{"a cache that lets nothing through", []string{"Age: 5"}, false, false, 2},
	} {
		for _, state := range []struct {
			name string
			age  time.Duration // of the keys
		}{
			{"EMPTY", -1}, {"EXPIRED", time.Hour}, {"REVALIDATE", 9 * time.Minute},
		} {
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(old)
				c := iss.cache(t, func(cfg *jwks.Config) { cfg.MaxTTL = 10 * time.Minute })
				if state.age >= 0 {
					mustFind(t, c, "1")
					pass(state.age)
				}
				before := iss.requests()
				iss.script(func(r *http.Request) string {
					pass(time.Second)
					if tt.through && r.Header.Get("Cache-Control") == "no-cache" {
						return response(http.StatusOK, current)
					}
					return response(http.StatusOK, old, tt.age...)
				})
				got := lookup(t.Context(), c, "2")
				if (got.found == 1) != tt.found || got.err != nil || iss.requests()-before != tt.requests {
					t.Errorf("%s, %s: Keys(2) = %d keys, %v after %d requests, want found %t after %d", tt.name, state.name, got.found, got.err, iss.requests()-before, tt.found, tt.requests)
				}
				if got.took > 2*time.Second {
					t.Errorf("%s, %s: Keys(2) took %v, want 2 s at most", tt.name, state.name, got.took)
				}
				// However often it is looked up, there is no more than one of
				// these in an interval.
				for range 20 {
					lookup(t.Context(), c, "made up")
				}
				if more := iss.requests() - before - tt.requests; more > 1 {
					t.Errorf("%s, %s: %d more requests for made-up kids, want one at most", tt.name, state.name, more)
				}
			})
		}
	}
}

// Both fetches together take no longer than Timeout if keys are held.
func TestCache_responseOfASlowCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t)
		mustFind(t, c, "1")
		pass(9 * time.Minute)
		iss.script(func(*http.Request) string {
			pass(4 * time.Second)
			return response(http.StatusOK, set(jwk("1")), "Age: 5")
		})
		got := mustBeUnavailable(t, c, "2")
		if got.took > 5*time.Second {
			t.Errorf("Keys(2) took %v, want 5 s at most", got.took)
		}
		pass(10 * time.Second) // until the second fetch has ended
	})
}
