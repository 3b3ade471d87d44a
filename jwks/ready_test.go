package jwks_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// probe asks whether a service is ready.
func probe(ctx context.Context, h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
	return w
}

func mustProbe(t *testing.T, h http.Handler, want int) *httptest.ResponseRecorder {
	t.Helper()
	w := probe(t.Context(), h)
	if w.Code != want {
		t.Errorf("GET /readyz = %d %q, want %d", w.Code, w.Body, want)
	}
	return w
}

// A service that no token has come to becomes ready by the probe itself.
func TestReady_atStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.latency = 300 * time.Millisecond
		c := iss.cache(t)
		w := mustProbe(t, jwks.Ready(c), 200)
		if got := w.Body.String(); got != "ready\n" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("GET /readyz = %q with %v, want \"ready\\n\" with no-store", got, w.Header())
		}
		if c.Status().State != jwks.Fresh || iss.requests() != 1 {
			t.Errorf("state = %s after %d fetches, want FRESH after one", c.Status().State, iss.requests())
		}
	})
}

// A service stays ready while no token comes, however long, and at the price of
// one fetch for each time that a key set is fresh.
func TestReady_idle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.latency = 300 * time.Millisecond
		ready := jwks.Ready(iss.cache(t))
		every(10*time.Second, 24*time.Hour, func(time.Duration) { mustProbe(t, ready, 200) })
		// 10 minutes are the lifetime without max-age, of which at least seven
		// tenths are fresh.
		if got := iss.requests(); got < 24*6 || got > 24*60/7 {
			t.Errorf("%d fetches in a day of probes, want one in 7 to 10 minutes", got)
		}
		pass(20 * time.Hour) // EXPIRED now
		mustProbe(t, ready, 200)
	})
}

// In an outage, a service without keys is not ready, and one that has them is,
// as long as they may be served.
func TestReady_outage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := func(*http.Request) string { return response(500, "") }
		up := func(*http.Request) string { return response(200, set(jwk("1"))) }
		iss := newIssuer(set(jwk("1")))
		iss.script(down)
		c := iss.cache(t)
		ready := jwks.Ready(c)
		w := mustProbe(t, ready, 503)
		if got := w.Body.String(); got != "no keys\n" || w.Header().Get("Retry-After") != "1" {
			t.Errorf("GET /readyz = %q with Retry-After %q, want \"no keys\\n\" with 1", got, w.Header().Get("Retry-After"))
		}
		iss.script(up)
		mustProbe(t, ready, 503) // a second has not passed
		if iss.requests() != 1 {
			t.Errorf("%d fetches before Retry-After has passed, want 1", iss.requests())
		}
		pass(time.Second)
		mustProbe(t, ready, 200)

		iss.script(down)
		every(10*time.Second, 24*time.Hour, func(time.Duration) { mustProbe(t, ready, 200) })
		pass(2 * time.Hour)
		mustProbe(t, ready, 503)
		if c.Status().State != jwks.Dead {
			t.Errorf("state = %s, want DEAD", c.Status().State)
		}
	})
}

// However many probes come, there are no more fetches than those of one caller
// that asks at once again.
func TestReady_flood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.script(func(*http.Request) string { return response(500, "") })
		iss.latency = 300 * time.Millisecond
		ready := jwks.Ready(iss.cache(t))
		every(20*time.Millisecond, time.Minute, func(time.Duration) {
			go probe(t.Context(), ready)
			go probe(t.Context(), ready)
		})
		pass(time.Minute)
		// After 1, 2 and 4 seconds, then every 5 at most, less a quarter.
		if got := iss.requests(); got > 20 {
			t.Errorf("%d fetches by 6000 probes in a minute, want 20 at most", got)
		}
	})
}

// The caches are asked at the same time, and each of them counts.
func TestReady_several(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := newIssuer(set(jwk("1"))), newIssuer(set(jwk("2")))
		one.latency, two.latency = 2*time.Second, 2*time.Second
		ready := jwks.Ready(one.cache(t), two.cache(t))
		start := time.Now()
		mustProbe(t, ready, 200)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("GET /readyz of two issuers took %v, want 2s", took)
		}
		two.script(func(*http.Request) string { return response(500, "") })
		mustProbe(t, jwks.Ready(one.cache(t), two.cache(t)), 503)
		mustProbe(t, jwks.Ready(two.cache(t), one.cache(t)), 503)
	})
}

// A probe that gives up ends, and its fetch goes on for the next one.
func TestReady_impatient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.latency = 3 * time.Second
		ready := jwks.Ready(iss.cache(t))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if w := probe(ctx, ready); w.Code != 503 {
			t.Errorf("GET /readyz = %d after a second, want 503", w.Code)
		}
		pass(3 * time.Second)
		mustProbe(t, ready, 200)
		if iss.requests() != 1 {
			t.Errorf("%d fetches, want 1", iss.requests())
		}
	})
}

func TestReady_mistakes(t *testing.T) {
	t.Parallel()
	for name, caches := range map[string][]*jwks.Cache{
		"no caches":    nil,
		"a nil cache":  {new(jwks.Cache), nil},
		"only nothing": {nil},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("Ready did not panic")
				}
			}()
			jwks.Ready(caches...)
		})
	}
	mustProbe(t, jwks.Ready(new(jwks.Cache)), 503) // not made by NewCache
}
