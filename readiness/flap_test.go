package readiness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/readiness"
)

// A part that comes and goes is asked, and written about, no more often than
// Interval allows, and is seen when it has come to rest. An issuer that does so
// takes no instance with keys out of service.
func TestHandler_flaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		iss := &issuer{status: 200, body: keySet}
		var up atomic.Bool
		up.Store(true)
		calls := 0
		h := newHandler(t, readiness.Config{
			Caches: []*jwks.Cache{iss.cache(t)},
			Checks: map[string]func(context.Context) error{"store": func(context.Context) error {
				calls++
				if !up.Load() {
					return errors.New("down")
				}
				return nil
			}},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		probe(t, h, 200, "ready")
		const times = 600
		for i := range times { // up and down each second, and ten probes between
			up.Store(i%2 == 1)
			iss.set(200 + 300*(i%2))
			for range 10 {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
				if strings.Contains(w.Body.String(), "keys") {
					t.Fatalf("%d %q after %d s, want keys that are held to count", w.Code, w.Body, i)
				}
				pass(100 * time.Millisecond)
			}
		}
		most := times/int(readiness.DefaultInterval/time.Second) + 2
		if lines := strings.Count(log.String(), "\n"); calls > most || lines > most {
			t.Errorf("%d calls of the check and %d records in %d s, want %d at most", calls, lines, times, most)
		}
		for _, want := range []bool{false, true} {
			up.Store(want)
			pass(readiness.DefaultInterval)
			if want {
				probe(t, h, 200, "ready")
			} else {
				probe(t, h, 503, "not ready: store")
			}
		}
	})
}

// After a step of the clock by less than the keys' MaxStale, what is down is
// noticed and what is up again is noticed. After a step back, a result may be used
// for Interval once more.
func TestHandler_clockSteps(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{0, -12 * time.Hour, -time.Minute, time.Minute, 20 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var stepped atomic.Int64
			// Round removes the monotonic reading, which has no steps.
			now := func() time.Time { return time.Now().Round(0).Add(time.Duration(stepped.Load())) }
			keys, server := &issuer{status: 200, body: keySet}, &issuer{status: 500}
			cache, err := jwks.NewCache(jwks.Config{
				URL: "https://issuer.example/keys", Client: &http.Client{Transport: keys}, Logger: slog.New(slog.DiscardHandler), Now: now,
			})
			if err != nil {
				t.Fatal(err)
			}
			in, err := introspection.New(introspection.Config{
				Issuer: "https://sso.example", Endpoint: "https://sso.example/i", Audiences: []string{"api"}, ClientID: "api", Now: now,
				Auth: introspection.ClientSecretBasic("secret"), Client: &http.Client{Transport: server}, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			var down atomic.Bool
			h := newHandler(t, readiness.Config{
				Caches: []*jwks.Cache{cache}, Introspectors: []*introspection.Introspector{in}, Now: now,
				Checks: map[string]func(context.Context) error{"store": func(context.Context) error {
					if down.Load() {
						return errors.New("down")
					}
					return nil
				}},
			})
			probe(t, h, 200, "ready")
			for i := range 10 { // calls are suspended
				_, _ = in.Validate(t.Context(), fmt.Sprint("token", i))
			}
			probe(t, h, 503, "not ready: introspection")

			stepped.Store(int64(step))
			down.Store(true)
			pass(2 * time.Minute) // of which a step back can hide one
			probe(t, h, 503, "not ready: store")
			down.Store(false)
			pass(readiness.DefaultInterval)
			probe(t, h, 200, "ready")

			// And back again, while the issuer is down.
			keys.set(500)
			stepped.Store(0)
			pass(readiness.DefaultInterval)
			probe(t, h, 200, "ready")
		})
	}
}
