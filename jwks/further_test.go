package jwks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

const (
	secondURL = "https://second.example/jwks.json"
	thirdURL  = "https://third.example/jwks.json"
)

// hosts are several issuers of which each has a host.
type hosts map[string]*issuer

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	return h[r.URL.Hostname()].RoundTrip(r)
}

// failover makes a Cache of three addresses and the issuers at them. The first
// has the set, and so have the others.
func failover(t *testing.T, set string, change ...func(*jwks.Config)) (c *jwks.Cache, first, second, third *issuer) {
	t.Helper()
	first, second, third = newIssuer(set), newIssuer(set), newIssuer(set)
	all := hosts{"issuer.example": first, "second.example": second, "third.example": third}
	return first.cache(t, append([]func(*jwks.Config){func(cfg *jwks.Config) {
		cfg.Client = &http.Client{Transport: all}
		cfg.FallbackURLs = []string{secondURL, thirdURL}
	}}, change...)...), first, second, third
}

func setDown(i *issuer, down bool) { i.set(func() { i.down = down }) }

func mustBeAt(t *testing.T, c *jwks.Cache, want string) {
	t.Helper()
	if got := c.Status().FallbackURL; got != want {
		t.Fatalf("Status().FallbackURL = %q, want %q", got, want)
	}
}

// Whatever is wrong at the first address, the second is asked by the same
// lookup, and the first is returned to.
func TestCache_firstAddressFails(t *testing.T) {
	t.Parallel()
	one, odd := jwk("1"), `{"kty":"oct","k":"AAAA","kid":"1"}`
	for _, tt := range []struct {
		name  string
		fails func(*issuer)
		took  time.Duration
	}{
		{"no connection", func(i *issuer) { setDown(i, true) }, 0},
		{"silence", func(i *issuer) { i.set(func() { i.silent = true }) }, 5 * time.Second},
		{"HTML", func(i *issuer) { i.serve("<html>maintenance</html>") }, 0},
		{"an empty set", func(i *issuer) { i.serve(set()) }, 0},
		{"a set of odd keys", func(i *issuer) { i.serve(set(odd)) }, 0},
		{"404", func(i *issuer) { i.say(response(http.StatusNotFound, "")) }, 0},
		{"429", func(i *issuer) { i.say(response(http.StatusTooManyRequests, "", "Retry-After: 300")) }, 0},
		{"503", func(i *issuer) { i.say(response(http.StatusServiceUnavailable, "")) }, 0},
		{"a redirect", func(i *issuer) { i.say(response(http.StatusFound, "", "Location: https://evil.example/")) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &logbook{}
				c, first, second, third := failover(t, set(one), func(cfg *jwks.Config) { cfg.Logger = log.logger() })
				tt.fails(first)
				if got := mustFind(t, c, "1"); got.took != tt.took {
					t.Errorf("Keys(1) took %v, want %v", got.took, tt.took)
				}
				mustBeAt(t, c, secondURL)
				if got := c.Status(); got.State != jwks.Empty || got.URL != "" || !slices.Equal(got.KeyIDs, []string{"1"}) || got.LastError == nil {
					t.Errorf("Status() = %+v, want EMPTY with the second's keys and the first's error", got)
				}
				synctest.Wait() // until the line is written
				if lines := log.lines("fallback_url=" + secondURL); len(lines) != 1 {
					t.Errorf("the log has %q, want one line with fallback_url", lines)
				}
				// While the second serves, nothing is urgent, and no lookup
				// waits.
				every(time.Second, 30*time.Minute, func(time.Duration) {
					if got := find(t, c, "1"); got.took > 0 {
						t.Errorf("Keys(1) took %v, want it at once", got.took)
					}
				})
				if got := first.requests(); got < 3 || got > 15 {
					t.Errorf("%d requests to the first in 30 minutes, want 3 to 15", got)
				}
				// It is asked when the first is and its own keys are old, which
				// random delays can put off until after the half-hour.
				if got := second.requests(); got < 2 || got > 15 {
					t.Errorf("%d requests to the second in 30 minutes, want 2 to 15", got)
				}
				if got := third.requests(); got != 0 {
					t.Errorf("%d requests to the third, want none", got)
				}
				// Back.
				first.set(func() { first.down, first.silent = false, false })
				first.serve(set(one))
				every(time.Second, 11*time.Minute, func(time.Duration) { find(t, c, "1") })
				mustBeAt(t, c, "")
				if got := c.Status(); got.Failures != 0 || got.URL != keysURL {
					t.Errorf("Status() = %+v, want the first's keys", got)
				}
				before := second.requests()
				every(time.Second, time.Hour, func(time.Duration) { find(t, c, "1") })
				if got := second.requests(); got != before {
					t.Errorf("%d requests to the second with the first back, want none", got-before)
				}
			})
		})
	}
}

// The addresses are asked in their order.
func TestCache_thirdAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, first, second, third := failover(t, set(jwk("1")), byDiscovery)
		first.set(func() { first.silent = true })
		second.set(func() { second.silent = true })
		// Discovery, and the second.
		if got := mustFind(t, c, "1"); got.took != 10*time.Second {
			t.Errorf("Keys(1) took %v, want 10 s", got.took)
		}
		mustBeAt(t, c, thirdURL)
		if got, want := first.requests()+second.requests()+third.requests(), 3; got != want {
			t.Errorf("%d requests, want %d", got, want)
		}
		if err := c.Refresh(t.Context()); err != nil {
			t.Errorf("Refresh() with keys of the third = %v, want nil", err)
		}
	})
}

// All are down, and each has a delay of its own.
func TestCache_allAddressesDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, first, second, third := failover(t, set(jwk("1")))
		for _, i := range []*issuer{first, second, third} {
			setDown(i, true)
		}
		got := mustBeUnavailable(t, c, "1")
		for _, text := range []string{keysURL, secondURL, thirdURL} {
			if !strings.Contains(got.err.Error(), text) {
				t.Errorf("Keys(1) error = %v, want %s in it", got.err, text)
			}
		}
		if err := c.Refresh(t.Context()); err == nil {
			t.Error("Refresh() = nil, want an error")
		}
		every(time.Second, 10*time.Minute, func(time.Duration) { lookup(t.Context(), c, "1") })
		// One address alone gets up to 60 of them.
		if got := first.requests() + second.requests() + third.requests(); got > 70 {
			t.Errorf("%d requests in ten minutes, want ≤ 70", got)
		}
		setDown(third, false)
		var up stopwatch
		start := time.Now()
		every(time.Second, 2*time.Minute, func(time.Duration) {
			if got := lookup(t.Context(), c, "1"); got.found == 1 {
				up.stop(start)
			}
		})
		if got := up.read(); got == 0 || got > 91*time.Second {
			t.Errorf("served %v after the third is back, want ≤ 91 s", got)
		}
		mustBeAt(t, c, thirdURL)
	})
}

// An address that asks to be left alone silences none of the others.
func TestCache_retryAfterOfOneAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := jwk("1"), jwk("2")
		c, first, second, third := failover(t, set(one))
		mustFind(t, c, "1")
		first.say(response(http.StatusTooManyRequests, "", "Retry-After: 300"))
		pass(9 * time.Minute)
		mustFind(t, c, "1") // REVALIDATE
		pass(time.Minute)
		asked := first.requests()
		mustBeAt(t, c, secondURL)
		second.serve(set(one, two))
		mustFind(t, c, "2")
		// The second as well: the third is asked.
		second.say(response(http.StatusTooManyRequests, "", "Retry-After: 300"))
		three := jwk("3")
		third.serve(set(one, three))
		mustFind(t, c, "3")
		mustBeAt(t, c, thirdURL)
		if got := first.requests(); got != asked {
			t.Errorf("%d requests to the first within its Retry-After, want none", got-asked)
		}
		// And the other way round: the first is back.
		pass(11 * time.Minute)
		first.serve(set(one))
		mustFind(t, c, "1")
		pass(time.Second)
		mustBeAt(t, c, "")
		mustMiss(t, c, "3")
	})
}

// A set with other keys adds to the keys that the issuer has confirmed, and
// takes none away.
func TestCache_otherKeysElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, first, second, third := failover(t, set(jwk("1")))
		mustFind(t, c, "1")
		snapshot, _ := c.Snapshot()
		second.serve(set(jwk("2"), jwk("1"))) // another key by the same ID
		setDown(first, true)
		mine, _ := c.Keys(t.Context(), "1")
		mustFind(t, c, "2")
		if keys, err := c.Keys(t.Context(), "1"); len(keys) != 1 || err != nil || keys[0].Public != mine[0].Public {
			t.Errorf("Keys(1) = %v, %v, want the issuer's own", keys, err)
		}
		if got := c.Status(); got.URL != keysURL || got.FallbackURL != secondURL || !slices.Equal(got.KeyIDs, []string{"1", "2"}) {
			t.Errorf("Status() = %+v, want both addresses and keys", got)
		}
		if got, ok := c.Snapshot(); !ok || !got.Time.Equal(snapshot.Time) || len(got.Keys) != 1 || got.URL != keysURL {
			t.Errorf("Snapshot() = %+v, want what the issuer has confirmed", got)
		}
		if err := c.Refresh(t.Context()); err == nil {
			t.Error("Refresh() = nil, want an error: a key that the issuer has withdrawn would still be held")
		}
		// A key that none has may be the issuer's. A flood of such costs the
		// addresses no more than it costs the issuer otherwise.
		pass(5 * time.Minute)
		before := second.requests()
		every(time.Second, 10*time.Minute, func(passed time.Duration) { mustBeUnavailable(t, c, fmt.Sprint("made up ", passed)) })
		if got := second.requests() - before; got < 5 || got > 25 {
			t.Errorf("%d requests to the second in ten minutes of unknown keys, want 5 to 25", got)
		}
		if got := third.requests(); got != 0 {
			t.Errorf("%d requests to the third, want none", got)
		}

		// The keys of the issuer end with MaxStale, and those of the second do
		// not.
		every(time.Minute, 26*time.Hour, func(time.Duration) { find(t, c, "2") })
		if got := c.Status(); got.State != jwks.Dead || !slices.Equal(got.KeyIDs, []string{"2", "1"}) {
			t.Errorf("Status() = %+v, want DEAD with the second's keys", got)
		}
		if keys, err := c.Keys(t.Context(), "1"); len(keys) != 1 || err != nil || keys[0].Public == mine[0].Public {
			t.Errorf("Keys(1) = %v, %v, want the second's", keys, err)
		}
		if got, ok := c.Snapshot(); !ok || got.URL != secondURL || len(got.Keys) != 2 {
			t.Errorf("Snapshot() = %+v, want what the second has", got)
		}
		// A key is rotated there.
		synctest.Wait() // until the fetch in the background has ended
		second.serve(set(jwk("new")))
		mustFind(t, c, "new")
		if err := c.Refresh(t.Context()); err != nil {
			t.Errorf("Refresh() = %v, want nil: only the second's keys may be served", err)
		}
		// Then the second dies, too.
		setDown(second, true)
		setDown(third, true)
		every(time.Minute, 24*time.Hour, func(time.Duration) { find(t, c, "new") })
		pass(2 * time.Hour)
		mustBeUnavailable(t, c, "new")
		mustBeAt(t, c, "")
	})
}

// A copy of the key set that is not updated brings back no key that the issuer
// has withdrawn.
func TestCache_withdrawnKeysElsewhere(t *testing.T) {
	t.Parallel()
	one, two := jwk("1"), jwk("2")
	sameTwo := strings.Replace(two, `"kid":"2"`, `"kid":"other"`, 1)
	for _, tt := range []struct {
		name     string
		withdraw func(t *testing.T, c *jwks.Cache)
	}{
		{"with a Refresh", func(t *testing.T, c *jwks.Cache) {
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		{"by two responses", func(t *testing.T, c *jwks.Cache) {
			every(time.Second, 20*time.Minute, func(time.Duration) { find(t, c, "1") })
		}},
		{"after a silence", func(t *testing.T, c *jwks.Cache) {
			pass(10 * time.Hour)
			mustFind(t, c, "1")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, first, second, third := failover(t, set(one, two))
				second.serve(set(one, sameTwo, two))
				mustFind(t, c, "2")
				first.serve(set(one))
				tt.withdraw(t, c)
				mustMiss(t, c, "2")
				setDown(first, true)
				unavailable := func(hours int) {
					t.Helper()
					every(time.Minute, time.Duration(hours)*time.Hour, func(time.Duration) { find(t, c, "1") })
					mustBeAt(t, c, secondURL)
					mustBeUnavailable(t, c, "2")
					mustBeUnavailable(t, c, "other")
				}
				unavailable(1)
				unavailable(30) // DEAD
				// A set of nothing but withdrawn keys is none: the third is
				// asked.
				second.serve(set(two))
				pass(10 * time.Hour)
				mustFind(t, c, "1")
				mustBeAt(t, c, thirdURL)
				third.serve(set(two))
				// The issuer publishes it again.
				setDown(first, false)
				first.serve(set(one, two))
				pass(time.Hour)
				mustFind(t, c, "2")
				setDown(first, true)
				pass(48 * time.Hour)
				mustFind(t, c, "2")
				mustBeAt(t, c, secondURL)
			})
		})
	}
}

// A key that has vanished from the issuer's last response is held as without
// other addresses, and not confirmed by them.
func TestCache_vanishedKeyElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := jwk("1"), jwk("2")
		c, first, second, _ := failover(t, set(one, two))
		mustFind(t, c, "2")
		pass(9 * time.Minute)
		first.serve(set(one))
		mustFind(t, c, "1") // and the first response without 2
		synctest.Wait()
		setDown(first, true)
		every(time.Second, 30*time.Minute, func(time.Duration) { find(t, c, "1") })
		mustFind(t, c, "2")
		if second.requests() == 0 {
			t.Fatal("the second was not asked")
		}
		setDown(first, false)
		every(time.Second, 11*time.Minute, func(time.Duration) { find(t, c, "1") })
		mustMiss(t, c, "2")
	})
}

// A bad signature causes no request to another address.
func TestCache_againElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, first, second, _ := failover(t, set(jwk("1")))
		keys, _ := c.Keys(t.Context(), "1")
		setDown(first, true)
		pass(2 * time.Minute)
		for range 10 {
			if got := c.KeysAgain(t.Context(), "1", keys); got != nil {
				t.Errorf("keysAgain() = %v, want none", got)
			}
		}
		if got := second.requests(); got != 0 {
			t.Errorf("%d requests to the second, want none", got)
		}
	})
}

func TestConfig_FallbackURLs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		urls []string
		want string
	}{
		{"four", []string{"https://a.example/", "https://b.example/", "https://c.example/", "https://d.example/"}, ""},
		{"five", []string{"https://a.example/", "https://b.example/", "https://c.example/", "https://d.example/", "https://e.example/"}, "5 URLs"},
		{"loopback", []string{"http://127.0.0.1/"}, ""},
		{"http", []string{"http://a.example/"}, "FallbackURLs[0]"},
		{"credentials", []string{secondURL, "https://a:b@c.example/"}, "FallbackURLs[1]"},
		{"empty", []string{""}, "FallbackURLs[0]"},
		{"the URL", []string{keysURL}, "twice"},
		{"one twice", []string{secondURL, secondURL}, "FallbackURLs[1] is there twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := jwks.NewCache(jwks.Config{URL: keysURL, FallbackURLs: tt.urls})
			if got := fmt.Sprint(err); err != nil && (tt.want == "" || !strings.Contains(got, tt.want)) || err == nil && tt.want != "" {
				t.Errorf("NewCache(%q) error = %v, want %q", tt.urls, err, tt.want)
			}
		})
	}
}

// Two addresses of one issuer get no more requests in an outage than one.
func TestFleet_fallbackURLs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, func(cfg *jwks.Config) { cfg.FallbackURLs = []string{secondURL} })
		f.run(t, time.Hour)
		f.issuer.change(func() {
			f.issuer.down, f.issuer.busy = true, func(http.Header) int { return http.StatusServiceUnavailable }
		})
		from := f.now()
		f.run(t, 2*time.Hour)
		f.atMost(t, "outage of both addresses for 2 h", from, f.now(), 4)
		if _, mean := f.issuer.peak(len(f.caches), from, f.now()); mean > 3 {
			t.Errorf("outage: %.1f times the normal requests, want ≤ 3", mean)
		}
		f.issuer.change(func() { f.issuer.down = false })
		f.run(t, time.Hour)
		f.atMost(t, "after it", from+2*time.Hour, f.now(), 3)

		f.issuer.change(func() { f.issuer.host = "issuer.example"; f.issuer.down = true })
		from = f.now()
		f.run(t, 2*time.Hour)
		f.atMost(t, "outage of one of two, both counted", from, f.now(), 5)
		if _, mean := f.issuer.peak(len(f.caches), from, f.now()); mean > 3 {
			t.Errorf("outage of one of two: %.1f times the normal requests, want ≤ 3", mean)
		}
		f.issuer.change(func() { f.issuer.down = false })
		f.run(t, time.Hour)
		f.atMost(t, "after it", from+2*time.Hour, f.now(), 3)
		f.allUp(t, "and before", 0)
	})
}
