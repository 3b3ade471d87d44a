package jwks_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// A process that is frozen during a fetch, as AWS Lambda does between two
// requests, and a laptop that sleeps. Their timers stand still, and the fetch's
// connection is dead. Lookups don't wait for it.
func TestCache_frozenFetch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		frozen time.Duration
		kid    string
		wait   time.Duration
	}{
		{"known key", time.Hour, "1", 0},
		{"new key", time.Hour, "2", 0},
		{"no keys yet", time.Hour, "", 0},
		{"just over the limit", 10*time.Second + 1, "1", 0},
		{"at the limit", 10 * time.Second, "1", 5 * time.Second}, // until the fetch is over
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var jump time.Duration
				iss := newIssuer(set(jwk("1")))
				c := iss.cache(t, func(cfg *jwks.Config) { cfg.Now = func() time.Time { return time.Now().Round(0).Add(jump) } })
				kid := "1"
				if tt.kid != "" {
					mustFind(t, c, "1")
					pass(time.Hour)
					kid = tt.kid
				}
				iss.set(func() { iss.silent = true })
				first := make(chan result, 1)
				go func() { first <- lookup(t.Context(), c, kid) }()
				synctest.Wait()
				if !c.Status().Fetching {
					t.Fatal("Status().Fetching = false, want the fetch in progress")
				}
				jump = tt.frozen
				iss.set(func() { iss.silent = false })
				iss.serve(set(jwk("1"), jwk("2")))
				if got := mustFind(t, c, kid); got.took != tt.wait {
					t.Errorf("Keys(%s) after the freeze took %v, want %v", kid, got.took, tt.wait)
				}
				pass(20 * time.Second)
				<-first
				if got := c.Status(); tt.wait == 0 && (got.Failures != 0 || got.Fetching || len(got.KeyIDs) != 2) {
					t.Errorf("Status() after the frozen fetch has ended = %+v, want it without effect", got)
				}
			})
		})
	}
}

// The lookup that began a fetch which was frozen wakes while the fetch in its
// place goes on, and there is nothing that may be served.
func TestCache_frozenFetchWithoutKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		frozen time.Duration
		kid    string
	}{{"no keys yet", time.Hour, ""}, {"dead keys", 48 * time.Hour, "1"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var jump atomic.Int64
				iss := newIssuer(set(jwk("1")))
				c := iss.cache(t, func(cfg *jwks.Config) {
					cfg.Now = func() time.Time { return time.Now().Round(0).Add(time.Duration(jump.Load())) }
				})
				if tt.kid != "" {
					mustFind(t, c, tt.kid)
					pass(time.Hour)
				}
				iss.set(func() { iss.silent = true })
				for range 2 {
					go func() {
						if got := lookup(t.Context(), c, "1"); got.found != 0 || !errors.Is(got.err, jwks.ErrUnavailable) {
							t.Errorf("Keys(1) = %d keys, %v, want ErrUnavailable", got.found, got.err)
						}
					}()
					synctest.Wait()
					pass(time.Second)
					jump.Add(int64(tt.frozen))
				}
				pass(20 * time.Second)
			})
		})
	}
}

// A key set that moves while the old address goes on answering.
func TestCache_keySetMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const next = "https://issuer.example/next.json"
		one, two := jwk("1"), jwk("2")
		responses := map[string]string{oidcURL: response(200, document), keysURL: response(200, set(one), `ETag: "1"`)}
		iss := &issuer{}
		iss.script(byURL(responses))
		c := iss.cache(t, byDiscovery)
		mustFind(t, c, "1")
		asked := func(url string) (n int) {
			for _, path := range iss.urls() {
				if "https://issuer.example"+path == url {
					n++
				}
			}
			return n
		}

		// A flood of made-up kids asks for the metadata each 15 min at most.
		every(time.Second, time.Hour, func(time.Duration) { c.Keys(t.Context(), "made up") })
		if got := asked(oidcURL); got < 4 || got > 5 {
			t.Errorf("metadata asked for %d times in an hour of made-up kids, want at most each 15 min", got)
		}

		// A new address that doesn't answer isn't used.
		iss.script(byURL(map[string]string{
			oidcURL: response(200, strings.Replace(document, keysURL, next, 1)),
			keysURL: response(200, set(one), `ETag: "1"`),
		}))
		idle := func(d time.Duration) { every(time.Minute, d, func(time.Duration) { mustFind(t, c, "1") }) }
		idle(16 * time.Minute)
		c.Keys(t.Context(), "2")
		pass(time.Minute)
		c.Keys(t.Context(), "2")
		before := asked(next)
		if before == 0 {
			t.Error("the new address was not asked")
		}
		pass(time.Minute)
		c.Keys(t.Context(), "2")
		if got := asked(next); got != before || c.Status().Failures > 0 {
			t.Errorf("the new address, which did not answer, was asked %d times, want %d; Status() = %+v", got, before, c.Status())
		}

		// One that does is found by the first token of its key.
		iss.script(byURL(map[string]string{
			oidcURL: response(200, strings.Replace(document, keysURL, next, 1)),
			keysURL: response(200, set(one), `ETag: "1"`),
			next:    response(200, set(two), `ETag: "1"`),
		}))
		idle(16 * time.Minute)
		c.Keys(t.Context(), "2") // may have waited for a refresh
		pass(time.Second)
		mustFind(t, c, "2")
		before = asked(keysURL)
		every(time.Second, time.Hour, func(time.Duration) { mustFind(t, c, "2") })
		if got := asked(keysURL); got != before {
			t.Errorf("the old address was asked %d times after the move, want none", got-before)
		}
	})
}

// Metadata that is gone for weeks, while the keys are fine, is one warning.
func TestCache_discoveryFailsForWeeks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := &logbook{}
		keys := response(200, set(jwk("1")), "Cache-Control: max-age=3600")
		iss := &issuer{}
		iss.script(metadata(document, func(*http.Request) string { return keys }))
		c := iss.cache(t, byDiscovery, func(cfg *jwks.Config) { cfg.Logger = book.logger() })
		mustFind(t, c, "1")
		iss.script(byURL(map[string]string{keysURL: keys}))
		every(time.Minute, 21*24*time.Hour, func(time.Duration) { mustFind(t, c, "1") })
		if got := c.Status(); got.DiscoveryError == nil || got.LastError != nil || got.State == jwks.Expired {
			t.Errorf("Status() = %+v, want a DiscoveryError alone", got)
		}
		if lines := book.lines("metadata"); len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "404") {
			t.Errorf("log has %q after three weeks, want one warning with the cause", lines)
		}
		iss.script(metadata(document, func(*http.Request) string { return keys }))
		every(time.Minute, 2*time.Hour, func(time.Duration) { mustFind(t, c, "1") })
		synctest.Wait()
		if got := c.Status(); got.DiscoveryError != nil {
			t.Errorf("Status().DiscoveryError = %v after it was found again, want nil", got.DiscoveryError)
		}
		if lines := book.lines("metadata"); len(lines) != 2 || !strings.Contains(lines[1], "level=INFO") {
			t.Errorf("log has %q, want one more line at INFO", lines)
		}
	})
}

// The metadata is at the address of RFC 8414 alone, behind a gateway that
// answers in its own way for the other one.
func TestCache_metadataBehindGateway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		first string // empty: silence
	}{
		{"429", response(429, "")},
		{"503", response(503, "")},
		{"429 with Retry-After", response(429, "", "Retry-After: 5")},
		{"silence", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := &issuer{}
				iss.script(byURL(map[string]string{
					oidcURL: tt.first, oauthURL: response(200, document), keysURL: response(200, set(jwk("1"))),
				}))
				client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if tt.first == "" && r.URL.String() == oidcURL {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					return iss.RoundTrip(r)
				})}
				c := iss.cache(t, byDiscovery, func(cfg *jwks.Config) { cfg.Client = client })
				var found stopwatch
				start := time.Now()
				every(time.Second, 2*time.Minute, func(time.Duration) {
					if lookup(t.Context(), c, "1").found == 1 {
						found.stop(start)
					}
				})
				if found.read() == 0 || found.read() > 40*time.Second {
					t.Errorf("keys after %v, want ≤ 40 s", found.read())
				}
			})
		})
	}
}

// A client of the caller's own keeps an HTTP/2 connection that is dead, without
// either end knowing. Requests get no answer until it is closed.
func TestCache_deadConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		pool := &deadPool{next: iss}
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Client = &http.Client{Transport: pool} })
		mustFind(t, c, "1")
		pool.dead.Store(true)
		iss.serve(set(jwk("1"), jwk("2")))
		mustBeUnavailable(t, c, "2")
		synctest.Wait()
		pass(time.Second)
		mustFind(t, c, "2")
		if got := pool.closed.Load(); got != 1 {
			t.Errorf("connections were closed %d times, want once", got)
		}
	})
}

// A client keeps its connections after a response.
func TestCache_keepsConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		pool := &deadPool{next: iss}
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Client = &http.Client{Transport: pool} })
		for range 5000 {
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := pool.closed.Load(); got != 0 {
			t.Errorf("connections were closed %d times after 5000 good responses, want never", got)
		}
	})
}

type deadPool struct {
	next   http.RoundTripper
	dead   atomic.Bool
	closed atomic.Int32
}

func (p *deadPool) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.dead.Load() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return p.next.RoundTrip(r)
}

func (p *deadPool) CloseIdleConnections() {
	p.dead.Store(false)
	p.closed.Add(1)
}
