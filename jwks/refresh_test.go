package jwks_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// Refresh drops a key that was withdrawn before the call, although a fetch is in
// progress whose response is from before.
func TestCache_Refresh_fetchInProgress(t *testing.T) {
	t.Parallel()
	one, two := jwk("1"), jwk("2")
	for _, tt := range []struct {
		name  string
		begin func(*testing.T, *jwks.Cache)
	}{
		{"for an unknown kid", func(t *testing.T, c *jwks.Cache) { go c.Keys(t.Context(), "3") }},
		{"in the background", func(t *testing.T, c *jwks.Cache) {
			pass(9 * time.Minute)
			go c.Keys(t.Context(), "1")
		}},
		{"another Refresh", func(t *testing.T, c *jwks.Cache) { go c.Refresh(t.Context()) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(set(one, two))
				onTheWay := time.Duration(0) // a response
				c := iss.cache(t, func(cfg *jwks.Config) {
					cfg.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						res, err := iss.RoundTrip(r)
						<-time.After(onTheWay)
						return res, err
					})}
				})
				mustFind(t, c, "2")
				onTheWay = time.Second
				tt.begin(t, c)
				pass(time.Millisecond)
				iss.serve(set(one))
				before := iss.requests()
				for range 10 {
					go func() {
						if err := c.Refresh(t.Context()); err != nil {
							t.Errorf("Refresh() = %v, want nil", err)
						}
					}()
				}
				if err := c.Refresh(t.Context()); err != nil {
					t.Errorf("Refresh() = %v, want nil", err)
				}
				if got := iss.requests() - before; got != 1 {
					t.Errorf("11 calls of Refresh caused %d requests, want 1", got)
				}
				if keys, err := c.Keys(t.Context(), "2"); len(keys) != 0 || err != nil {
					t.Errorf("Keys(2) after Refresh = %d keys, %v, want none", len(keys), err)
				}
				pass(10 * time.Second)
			})
		})
	}
}

// The longest times that a Config can have mean "never", and not "at once".
func TestCache_longestTimes(t *testing.T) {
	t.Parallel()
	const longest = math.MaxInt64
	for _, jitter := range []func(int64) int64{none, all} {
		synctest.Test(t, func(t *testing.T) {
			var requests int
			down := false
			further := "https://further.example/keys"
			keys, others := set(jwk("1")), set(jwk("1"), jwk("2"))
			client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				requests++
				answer := keys
				if r.URL.String() == further {
					answer = others
				} else if down {
					return nil, errors.New("connection refused")
				}
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
			})}
			c, err := jwks.NewCache(jwks.Config{
				URL: keysURL, FallbackURLs: []string{further}, Client: client, Logger: slog.New(slog.DiscardHandler),
				TTL: longest, MinTTL: longest, MaxTTL: longest, UnknownKeyInterval: longest, MaxStale: longest, Timeout: longest,
			})
			if err != nil {
				t.Fatal(err)
			}
			alone, err := jwks.NewCache(jwks.Config{URL: keysURL, Client: client, Logger: slog.New(slog.DiscardHandler), Timeout: longest})
			if err != nil {
				t.Fatal(err)
			}
			mustFind(t, alone, "1")
			requests = 0
			c.SetJitter(jitter)
			mustFind(t, c, "1")
			for n := range 100 {
				mustMiss(t, c, fmt.Sprint("random-", n))
				pass(time.Minute)
			}
			if requests != 2 {
				t.Errorf("%d requests for a known kid and 100 unknown ones, want 2", requests)
			}
			down = true
			c.Refresh(t.Context())
			mustFind(t, c, "2")
			pass(1000 * time.Hour)
			mustFind(t, c, "1")
			mustFind(t, c, "2")
		})
	}
}

// A clock that is set back during Refresh does not make it fetch again and again.
func TestCache_Refresh_clockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		asked, back := false, time.Duration(0)
		c := iss.cache(t, func(cfg *jwks.Config) {
			cfg.Now = func() time.Time {
				now := time.Now().Add(-back)
				if asked { // and has the time that it is asked at
					asked, back = false, time.Hour
				}
				return now
			}
			cfg.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if iss.requests() > 10 {
					back = 0 // or the test would not end
				}
				return iss.RoundTrip(r)
			})}
		})
		asked = true
		if err := c.Refresh(t.Context()); err != nil {
			t.Errorf("Refresh() = %v, want nil", err)
		}
		if got := iss.requests(); got != 1 {
			t.Errorf("Refresh() with a clock that is set back: %d requests, want 1", got)
		}
	})
}
