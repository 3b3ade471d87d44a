package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/jwks"
)

// The state at each border between two, for every way in which an issuer can
// tell a lifetime.
func TestCache_lifetime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		header     string // lines
		ttl, stale time.Duration
	}{
		{"X-Nothing: 1", 10 * time.Minute, day},
		{"Cache-Control: max-age=600", 10 * time.Minute, day},
		{"Cache-Control: public, max-age=900, must-revalidate", 15 * time.Minute, day},
		{`Cache-Control: MAX-AGE="900"`, 15 * time.Minute, day},
		{`Cache-Control: private="a, max-age=900"`, 10 * time.Minute, day},
		{`Cache-Control: x="no-store, no-cache", max-age=900`, 15 * time.Minute, day},
		{`Cache-Control: x="\", no-store, \\", max-age=900`, 15 * time.Minute, day},
		{`Cache-Control: x=\, max-age=900`, 15 * time.Minute, day},
		{"Cache-Control: x=\"unfinished, max-age=1200\nCache-Control: max-age=900", 15 * time.Minute, day},
		{"Cache-Control: max-age=1200\nCache-Control: max-age=900", 15 * time.Minute, day},
		{"Cache-Control: max-age=900, max-age=1200", 15 * time.Minute, day},

		{"Cache-Control: max-age=299", 5 * time.Minute, day},
		{"Cache-Control: max-age=301", 301 * time.Second, day},
		{"Cache-Control: max-age=0", 5 * time.Minute, day},
		{"Cache-Control: max-age=3599", 3599 * time.Second, day},
		{"Cache-Control: max-age=3601", time.Hour, day},
		{"Cache-Control: max-age=99999999999999999999999", time.Hour, day},
		{"Cache-Control: max-age=9223372036854775807", time.Hour, day},
		{"Cache-Control: max-age=9223372037, stale-if-error=9223372037", time.Hour, day},

		{"Cache-Control: max-age=900\nAge: 300", 10 * time.Minute, day},
		{"Cache-Control: max-age=900\nAge: 901", 5 * time.Minute, day},
		{"Cache-Control: max-age=900\nAge: 99999999999999999999999", 5 * time.Minute, day},
		{"Cache-Control: max-age=900\nAge: -300", 15 * time.Minute, day},
		{"Cache-Control: max-age=900\nAge: soon", 15 * time.Minute, day},
		{"Cache-Control: max-age=1500\nAge: 300\nAge: 600", 15 * time.Minute, day},
		{"Cache-Control: max-age=1500\nAge: 600\nAge: 300", 15 * time.Minute, day},
		{"Cache-Control: max-age=1500\nAge: soon\nAge: 600", 15 * time.Minute, day},
		{"Cache-Control: max-age=1500\nAge: 300, 600", 15 * time.Minute, day},
		{"Age: 300", 10 * time.Minute, day},

		{"Cache-Control: max-age=-1", 10 * time.Minute, day},
		{"Cache-Control: max-age=", 10 * time.Minute, day},
		{"Cache-Control: max-age", 10 * time.Minute, day},
		{"Cache-Control: max-age=1e3", 10 * time.Minute, day},
		{"Cache-Control: s-maxage=900, x-max-age=1000", 10 * time.Minute, day},
		{"Expires: Thu, 01 Jan 1970 00:00:00 GMT", 10 * time.Minute, day},
		{"Cache-Control: no-store", 5 * time.Minute, day},
		{"Cache-Control: no-cache, max-age=900", 5 * time.Minute, day},

		{"Cache-Control: stale-if-error=7200", 10 * time.Minute, 2 * time.Hour},
		{"Cache-Control: stale-if-error=60", 10 * time.Minute, time.Hour},
		{"Cache-Control: stale-if-error=0", 10 * time.Minute, time.Hour},
		{"Cache-Control: stale-if-error=864000", 10 * time.Minute, day},
		{"Cache-Control: max-age=15, stale-if-error=86400", 5 * time.Minute, day},
	} {
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer("")
			iss.serve(set(jwk("1")), strings.Split(tt.header, "\n")...)
			c := iss.cache(t)
			mustFind(t, c, "1")
			start := time.Now()
			for _, moment := range []struct {
				age  time.Duration
				want jwks.State
			}{
				{0, jwks.Fresh},
				{tt.ttl * 2 / 10, jwks.Fresh}, // then at a random time
				{tt.ttl * 8 / 10, jwks.Revalidate},
				{tt.ttl - 1, jwks.Revalidate},
				{tt.ttl, jwks.Expired},
				{tt.ttl + tt.stale - 1, jwks.Expired},
				{tt.ttl + tt.stale, jwks.Dead},
			} {
				pass(moment.age - time.Since(start))
				if got := c.Status(); got.State != moment.want || got.Age != moment.age {
					t.Errorf("%q: Status() at age %v = %s, age %v, want %s", tt.header, moment.age, got.State, got.Age, moment.want)
				}
			}
		})
	}
}

func TestCache_configuredLifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.TTL, cfg.MaxStale = 10*time.Second, -1 })
		mustFind(t, c, "1")
		pass(10 * time.Second)
		if got := c.Status().State; got != jwks.Dead {
			t.Errorf("Status() at the TTL, with no MaxStale = %s, want DEAD", got)
		}
		iss.set(func() { iss.down = true })
		mustBeUnavailable(t, c, "1")

		// Keys that take longer to come than they are to live are served to
		// those who waited for them.
		iss.set(func() { iss.down, iss.latency = false, 4*time.Second })
		c = iss.cache(t, func(cfg *jwks.Config) { cfg.TTL, cfg.MaxStale = time.Second, -1 })
		mustFind(t, c, "1")
	})
}

// After a pause the keys are old, and the issuer is asked first.
func TestCache_afterIdleTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		idle time.Duration
		want jwks.State
	}{{time.Hour, jwks.Expired}, {72 * time.Hour, jwks.Dead}} {
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer(set(jwk("1"), jwk("2")))
			c := iss.cache(t)
			mustFind(t, c, "2")
			pass(tt.idle)
			if got := c.Status().State; got != tt.want {
				t.Errorf("Status() after %v = %s, want %s", tt.idle, got, tt.want)
			}

			// Down: EXPIRED keys are served by and by, DEAD ones are not.
			iss.set(func() { iss.silent = true })
			if tt.want == jwks.Expired {
				if got := mustFind(t, c, "2"); got.took != 5*time.Second {
					t.Errorf("the first lookup took %v, want 5 s", got.took)
				}
				if got := mustFind(t, c, "2"); got.took != 0 {
					t.Errorf("the second lookup took %v, want none", got.took)
				}
			} else if got := mustBeUnavailable(t, c, "2"); got.took != 5*time.Second {
				t.Errorf("the first lookup took %v, want 5 s", got.took)
			}
			pass(tt.idle)

			// Up, with one key withdrawn. The failure of hours ago is no reason
			// to serve it once more.
			iss.set(func() { iss.silent = false })
			iss.serve(set(jwk("1")))
			mustMiss(t, c, "2")
			mustFind(t, c, "1")
		})
	}
}

// In an outage keys are served at once for as long as lookups come, and after a
// pause the issuer is asked first.
func TestCache_pauseInOutage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		pause time.Duration
		waits bool
	}{
		{"within the backoff", -time.Second, false},
		{"within two minutes after it", 2*time.Minute - 1, false},
		{"after two minutes", 2 * time.Minute, true},
		{"after a night", 20 * time.Hour, true},
	} {
		for _, retryAfter := range []time.Duration{0, 5 * time.Minute} {
			t.Run(fmt.Sprintf("%s, Retry-After %v", tt.name, retryAfter), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					iss := newIssuer(set(jwk("1")))
					c := iss.cache(t)
					c.SetJitter(none)
					mustFind(t, c, "1")
					pass(time.Hour)
					var header []string
					if retryAfter > 0 {
						header = append(header, fmt.Sprintf("Retry-After: %.0f", retryAfter.Seconds()))
					}
					iss.say(response(503, "", header...))
					mustFind(t, c, "1")
					iss.set(func() { iss.latency = time.Second })
					pass(max(4*time.Minute, retryAfter) + tt.pause)
					want := time.Duration(0)
					if tt.waits {
						want = time.Second
					}
					if got := mustFind(t, c, "1"); got.took != want {
						t.Errorf("Keys(1) took %v, want %v", got.took, want)
					}
					// And the next one has this failure to go by.
					pass(2 * time.Second)
					if got := mustFind(t, c, "1"); got.took != 0 {
						t.Errorf("Keys(1) took %v, want it at once", got.took)
					}
					pass(2 * time.Second)
				})
			})
		}
	}
}

// A failure in the future of a clock that was set back may have been at any
// time.
func TestCache_failureAfterTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var jump time.Duration
		iss := newIssuer(set(jwk("1"), jwk("2")))
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Now = func() time.Time { return time.Now().Round(0).Add(jump) } })
		mustFind(t, c, "2")
		pass(2 * time.Hour)
		iss.set(func() { iss.down = true })
		mustFind(t, c, "2")
		jump = -time.Hour
		iss.set(func() { iss.down = false })
		iss.serve(set(jwk("1")))
		if got := c.Status().State; got != jwks.Expired {
			t.Errorf("Status() = %s, want EXPIRED", got)
		}
		mustMiss(t, c, "2")
	})
}

// timeOf moves a reading's wall clock and leaves its monotonic clock alone.
func timeOf(t *testing.T, reading time.Time, jump time.Duration) time.Time {
	moved := reading
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(jump/time.Second) << 30 // time.Time.wall: seconds above 30 bits
	if moved.Sub(reading) != 0 || moved.Round(0).Sub(reading.Round(0)) != jump {
		t.Fatalf("time.Time is not as it was: %v moved by %v is %v", reading, jump, moved)
	}
	return moved
}

func TestCache_laptopSleep(t *testing.T) {
	t.Parallel()
	var jump atomic.Int64
	iss := newIssuer(set(jwk("1"), jwk("2")))
	c := iss.cache(t, func(cfg *jwks.Config) {
		cfg.Now = func() time.Time { return timeOf(t, time.Now(), time.Duration(jump.Load())) }
	})
	mustFind(t, c, "2")
	jump.Store(int64(8 * time.Hour)) // the lid was closed: the monotonic clock stood still
	if got := c.Status(); got.State != jwks.Expired || got.Age < 8*time.Hour {
		t.Errorf("Status() after 8 h of sleep = %s, age %v, want EXPIRED", got.State, got.Age)
	}
	iss.serve(set(jwk("1")))
	mustMiss(t, c, "2")
	if got := iss.requests(); got != 2 {
		t.Errorf("%d fetches, want 2", got)
	}
	jump.Store(0) // the wall clock is corrected, and by the monotonic one no time has passed
	if got := c.Status(); got.State != jwks.Fresh || got.Age < 0 || got.Age > time.Minute {
		t.Errorf("Status() after the clock was set back = %s, age %v, want FRESH", got.State, got.Age)
	}
	mustFind(t, c, "1")
	if got := iss.requests(); got != 2 {
		t.Errorf("%d fetches, want 2", got)
	}
}

// A clock of one's own may have no monotonic reading, and be set back.
func TestCache_wallClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var jump time.Duration
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Now = func() time.Time { return time.Now().Add(jump) } })
		mustFind(t, c, "1")
		jump = -8 * time.Hour
		if got := c.Status(); got.State != jwks.Revalidate || got.Age != 0 || !got.NextRefresh.Equal(time.Now().Add(jump)) {
			t.Errorf("Status() with a fetch in the future = %+v, want REVALIDATE, no age, and the next refresh now", got)
		}
		iss.set(func() { iss.down = true })
		mustFind(t, c, "1")
		synctest.Wait()
		jump = -16 * time.Hour // and back again, past the last failure
		iss.set(func() { iss.down = false })
		iss.serve(set(jwk("2")))
		mustFind(t, c, "1")
		synctest.Wait()
		mustFind(t, c, "2")
		if got := c.Status().State; got != jwks.Fresh {
			t.Errorf("Status() after a fetch = %s, want FRESH", got)
		}
	})
}

func TestCache_conditionalRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		etag string
		sent string
	}{
		{`"v1"`, `"v1"`},
		{`W/"v1"`, `W/"v1"`},
		{`""`, `""`},
		{`v1`, ``},
		{`"v"1"`, ``},
		{`"v 1"`, ``},
		{"\"v\x80\"", ``},
		{`"` + strings.Repeat("v", 300) + `"`, ``},
	} {
		synctest.Test(t, func(t *testing.T) {
			one := set(jwk("1"))
			iss := newIssuer("")
			iss.serve(one, "ETag: "+tt.etag, "Cache-Control: max-age=900")
			c := iss.cache(t)
			mustFind(t, c, "1")
			before, _ := c.Keys(t.Context(), "1")

			var got []string
			iss.script(func(r *http.Request) string {
				got = append(got, r.Header.Get("If-None-Match"))
				if r.Header.Get("If-None-Match") == "" {
					return response(200, one, "ETag: "+tt.etag)
				}
				return response(304, "", "ETag: "+tt.etag)
			})
			pass(14 * time.Minute)
			mustFind(t, c, "1")
			synctest.Wait()
			if !slices.Equal(got, []string{tt.sent}) {
				t.Errorf("ETag %s: If-None-Match = %q, want %q", tt.etag, got, tt.sent)
			}
			status := c.Status()
			if status.State != jwks.Fresh || status.Generation != 1 || status.Failures != 0 {
				t.Errorf("ETag %s: Status() = %+v, want FRESH, in the first generation", tt.etag, status)
			}
			if after, _ := c.Keys(t.Context(), "1"); after[0].Public != before[0].Public {
				t.Errorf("ETag %s: the same set anew has another key in memory", tt.etag)
			}
			// A 304 that says nothing about it leaves the lifetime as it was.
			ttl := 10 * time.Minute
			if tt.sent != "" {
				ttl = 15 * time.Minute
			}
			pass(ttl - 1)
			if got := c.Status().State; got != jwks.Revalidate {
				t.Errorf("ETag %s: Status() before the end of its TTL = %s, want REVALIDATE", tt.etag, got)
			}
			pass(1)
			if got := c.Status().State; got != jwks.Expired {
				t.Errorf("ETag %s: Status() at the end of its TTL = %s, want EXPIRED", tt.etag, got)
			}
		})
	}
}

func TestCache_retryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		header string
		asked  time.Duration // and as much again at random
		empty  time.Duration // the same while there are no keys
	}{
		{503, "", 0, 0},
		{503, "20", 20 * time.Second, 20 * time.Second},
		{503, "120", 2 * time.Minute, 30 * time.Second},
		{429, "120", 2 * time.Minute, 30 * time.Second},
		{503, "86400", 5 * time.Minute, 30 * time.Second},
		{503, "99999999999999999999", 5 * time.Minute, 30 * time.Second},
		{503, "9223372037", 5 * time.Minute, 30 * time.Second},
		{503, "Sat, 01 Jan 2000 00:03:00 GMT", 3 * time.Minute, 30 * time.Second}, // the bubble begins at midnight
		{503, "Fri, 31 Dec 1999 00:00:00 GMT", 0, 0},
		{503, "soon", 0, 0},
		{503, "-5", 0, 0},
	} {
		for _, mode := range []struct {
			name   string
			jitter func(int64) int64
			empty  bool
		}{{"least", none, false}, {"most", all, false}, {"least, EMPTY", none, true}, {"most, EMPTY", all, true}} {
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(set(jwk("1")))
				c := iss.cache(t)
				c.SetJitter(mode.jitter)
				want := tt.asked
				if mode.empty {
					want = tt.empty
				} else {
					mustFind(t, c, "1")
				}
				before := iss.requests()
				iss.say(response(tt.status, "", "Retry-After: "+tt.header))
				if err := c.Refresh(t.Context()); !errors.Is(err, jwks.ErrUnavailable) {
					t.Fatalf("Refresh() = %v, want ErrUnavailable", err)
				}
				if mode.jitter(2) > 0 {
					want *= 2
				}
				if want == 0 {
					want = time.Second // by the backoff, of which half is random
					if mode.jitter(2) > 0 {
						want /= 2
					}
				}
				var next time.Duration
				every(50*time.Millisecond, 11*time.Minute, func(passed time.Duration) {
					if next == 0 {
						c.Keys(t.Context(), "2")
						if iss.requests() > before+1 {
							next = passed
						}
					}
				})
				if next < want || next > want+50*time.Millisecond {
					t.Errorf("%d with Retry-After %q, %s: the next request came after %v, want %v",
						tt.status, tt.header, mode.name, next, want)
				}
			})
		}
	}
}

// The pauses between the fetches of an outage, from the least to the most that
// they may be.
func TestCache_backoff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		kid   string // of the lookups
		empty bool
		pause func(failures int, passed time.Duration) time.Duration // the most
	}{
		{"keys are held", "1", false, func(failures int, _ time.Duration) time.Duration {
			return min(4*time.Minute<<min(failures-1, 10), 5*time.Minute)
		}},
		{"a kid is not held", "2", false, func(failures int, _ time.Duration) time.Duration {
			return min(time.Second<<min(failures-1, 10), time.Minute)
		}},
		{"EMPTY", "1", true, func(failures int, passed time.Duration) time.Duration {
			if passed >= 2*time.Minute {
				return 30 * time.Second
			}
			return min(time.Second<<min(failures-1, 10), 5*time.Second)
		}},
	} {
		for _, spread := range []struct {
			name   string
			jitter func(int64) int64
			part   time.Duration // one nth
		}{{"most", none, 1}, {"least", all, 2}} {
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(set(jwk("1")))
				c := iss.cache(t)
				c.SetJitter(spread.jitter)
				if !tt.empty {
					mustFind(t, c, "1")
					pass(11 * time.Minute)
				}
				iss.set(func() { iss.down, iss.log = true, nil })
				step := 500 * time.Millisecond / time.Duration(racing.Fewer(50))
				every(step, 20*time.Minute, func(time.Duration) { c.Keys(t.Context(), tt.kid) })
				iss.mu.Lock()
				defer iss.mu.Unlock()
				for i := 1; i < len(iss.log); i++ {
					got := iss.log[i].at.Sub(iss.log[i-1].at)
					want := tt.pause(i, iss.log[i-1].at.Sub(iss.log[0].at)) / spread.part
					if got < want || got > want+step {
						t.Errorf("%s, %s: from failure %d to the next request %v, want %v", tt.name, spread.name, i, got, want)
					}
				}
				if len(iss.log) < 4 {
					t.Errorf("%s, %s: %d requests in 20 min of outage, want more", tt.name, spread.name, len(iss.log))
				}
			})
		}
	}
}

func TestCache_Refresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.latency = time.Second
		c := iss.cache(t)
		var done atomic.Int32
		for range 10 {
			go func() {
				if err := c.Refresh(t.Context()); err == nil {
					done.Add(1)
				}
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Refresh(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, jwks.ErrUnavailable) {
			t.Errorf("Refresh(cancelled) = %v, want context.Canceled", err)
		}
		pass(time.Second)
		synctest.Wait()
		if done.Load() != 10 || iss.requests() != 1 {
			t.Errorf("%d of 10 refreshed with %d fetches, want all with one", done.Load(), iss.requests())
		}

		// However fresh the keys are, and however recent the last failure.
		iss.set(func() { iss.down = true })
		for n := range 3 {
			err := c.Refresh(t.Context())
			if !errors.Is(err, jwks.ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("Refresh() in an outage = %v, want ErrUnavailable and why", err)
			}
			if got := iss.requests(); got != n+2 {
				t.Errorf("%d fetches, want %d", got, n+2)
			}
		}
		mustFind(t, c, "1")
		// The transport's own errors are not the caller's.
		iss.set(func() { iss.silent, iss.down = true, false })
		if err := c.Refresh(t.Context()); err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("Refresh() from a silent issuer = %v, want an error of no context of the caller's", err)
		}
	})
}

func TestCache_Status(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1"), jwk("2"), `{"kty":"oct","kid":"3"}`))
		c := iss.cache(t)
		if got, want := c.Status(), (jwks.Status{State: jwks.Empty, NextRefresh: time.Now()}); !reflect.DeepEqual(got, want) {
			t.Errorf("Status() = %+v, want %+v", got, want)
		}
		mustFind(t, c, "1")
		pass(time.Minute)
		got := c.Status()
		if next := time.Until(got.NextRefresh); next < time.Minute || next > 7*time.Minute {
			t.Errorf("Status().NextRefresh is in %v, want 0.2 to 0.8 of 10 min from the fetch", next)
		}
		got.NextRefresh = time.Time{}
		want := jwks.Status{
			State: jwks.Fresh, Age: time.Minute, KeyIDs: []string{"1", "2"}, Fetches: 1, Generation: 1, URL: keysURL,
			LeftOut: []string{`key 2 (kid "3"): "kty" is "\"oct\""`},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Status() = %+v, want %+v", got, want)
		}
		iss.set(func() { iss.silent = true })
		pass(8 * time.Minute)
		mustFind(t, c, "1")
		synctest.Wait()
		if got := c.Status(); !got.Fetching || got.Fetches != 2 || got.State != jwks.Revalidate {
			t.Errorf("Status() = %+v, want the second fetch in progress", got)
		}
		pass(5 * time.Second)
		synctest.Wait()
		got = c.Status()
		if next := time.Until(got.NextRefresh); got.Fetching || got.Failures != 1 || got.LastError == nil ||
			next < 2*time.Minute-5*time.Second || next > 4*time.Minute-5*time.Second {
			t.Errorf("Status() = %+v, want a failure, and the next fetch 2 to 4 min after it began", got)
		}
		iss.set(func() { iss.silent = false })
		pass(time.Until(got.NextRefresh))
		mustFind(t, c, "1")
		synctest.Wait()
		if got := c.Status(); got.State != jwks.Fresh || got.Failures != 0 || got.LastError != nil || got.Generation != 1 {
			t.Errorf("Status() = %+v, want FRESH, and the failure forgotten", got)
		}
	})
}

func TestCache_seed(t *testing.T) {
	t.Parallel()
	file := set(jwk("1"), jwk("withdrawn"))
	seed, err := jwks.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	seeded := func(cfg *jwks.Config) { cfg.Seed = seed }
	t.Run("issuer answers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer(set(jwk("1")))
			iss.latency = time.Second
			c := iss.cache(t, seeded)
			mustMiss(t, c, "withdrawn")
			mustFind(t, c, "1")
			if got := c.Status(); got.State != jwks.Fresh || got.Generation != 2 || iss.requests() != 1 {
				t.Errorf("Status() = %+v after %d fetches, want FRESH, the second generation, one fetch", got, iss.requests())
			}
		})
	})
	t.Run("issuer is silent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iss := &issuer{silent: true}
			c := iss.cache(t, seeded)
			start := time.Now()
			if got := c.Status(); got.State != jwks.Expired || len(got.KeyIDs) != 2 {
				t.Errorf("Status() = %+v, want EXPIRED", got)
			}
			if got := mustFind(t, c, "withdrawn"); got.took != 5*time.Second {
				t.Errorf("the first lookup took %v, want 5 s", got.took)
			}
			every(time.Minute, 24*time.Hour-time.Minute, func(time.Duration) {
				if got := mustFind(t, c, "1"); got.took != 0 {
					t.Errorf("a lookup took %v, want none", got.took)
				}
			})
			pass(24*time.Hour - time.Since(start))
			mustBeUnavailable(t, c, "1")
		})
	})
	t.Run("issuer says 304", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer("")
			iss.say(response(304, ""))
			c := iss.cache(t, seeded)
			mustFind(t, c, "1")
			if got := c.Status(); got.Failures != 1 {
				t.Errorf("Status() = %+v, want a failure: nothing was known that a 304 could confirm", got)
			}
		})
	})
	t.Run("changed by its owner", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			mine := slices.Clone(seed)
			iss := &issuer{down: true}
			c := iss.cache(t, func(cfg *jwks.Config) { cfg.Seed = mine })
			mine[0] = jwks.Key{ID: "evil"}
			mustFind(t, c, "1")
			mustBeUnavailable(t, c, "evil")
		})
	})
}

func TestCache_sameKidRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t)
		first, _ := c.Keys(t.Context(), "1")
		iss.serve(set(jwk("1")))
		pass(9 * time.Minute)
		c.Keys(t.Context(), "1")
		synctest.Wait()
		second, _ := c.Keys(t.Context(), "1")
		if len(first) != 1 || len(second) != 1 || first[0].Public == second[0].Public || c.Status().Generation != 2 {
			t.Errorf("Keys(1) = %v, then %v, generation %d, want another key in generation 2", first, second, c.Status().Generation)
		}
	})
}

// Processes that began together refresh at random times, from the first refresh
// on. Then each keeps its own time.
func TestCache_jitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const ttl = 10 * time.Minute
		iss := newIssuer(set(jwk("1")))
		for _, tt := range []struct {
			name           string
			jitter         func(int64) int64
			first, regular time.Duration
		}{{"least", all, ttl * 2 / 10, ttl * 7 / 10}, {"most", none, ttl * 8 / 10, ttl * 8 / 10}} {
			c := iss.cache(t)
			c.SetJitter(tt.jitter)
			mustFind(t, c, "1")
			for n, want := range []time.Duration{tt.first, tt.regular, tt.regular} {
				next := time.Until(c.Status().NextRefresh)
				if next < want || next > want+1 {
					t.Errorf("%s: refresh %d is in %v, want %v", tt.name, n+1, next, want)
				}
				pass(next)
				mustFind(t, c, "1")
				synctest.Wait()
			}
			// After a failure, a process is in step with all others again.
			pass(ttl * 8 / 10)
			iss.set(func() { iss.down = true })
			mustFind(t, c, "1")
			synctest.Wait()
			iss.set(func() { iss.down = false })
			pass(5 * time.Minute)
			mustFind(t, c, "1")
			synctest.Wait()
			if next := time.Until(c.Status().NextRefresh); next < tt.first || next > tt.first+1 {
				t.Errorf("%s: after an outage, the next refresh is in %v, want %v", tt.name, next, tt.first)
			}
		}
		spread := make(map[time.Time]bool)
		for range 20 {
			c := iss.cache(t)
			mustFind(t, c, "1")
			spread[c.Status().NextRefresh] = true
		}
		if len(spread) < 15 {
			t.Errorf("20 caches have %d moments of refresh, want them spread", len(spread))
		}
	})
}

// Callers that leave make room for others behind a slow issuer.
func TestCache_waitersThatLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t)
		mustFind(t, c, "1")
		iss.serve(set(jwk("1"), jwk("2")))
		iss.set(func() { iss.latency = 4 * time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for n := range 64 {
			go c.Keys(ctx, fmt.Sprint("random-", n))
		}
		synctest.Wait()
		if got := mustBeUnavailable(t, c, "2"); got.took != 0 {
			t.Errorf("the 65th unknown kid waited %v, want none", got.took)
		}
		pass(2 * time.Second)
		if got := mustFind(t, c, "2"); got.took != 2*time.Second {
			t.Errorf("an unknown kid waited %v when the others had left, want 2 s", got.took)
		}
	})
}

// Discovery answers late and the key set not at all. Who asks for a key that
// isn't held waits for one of the two, and with nothing held for both.
func TestCache_unknownKidBehindSlowDiscovery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		idle time.Duration
	}{{"REVALIDATE", 9 * time.Minute}, {"EXPIRED", 11 * time.Hour}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(set(jwk("1")))
				var slow atomic.Bool
				client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if !slow.Load() {
						return iss.RoundTrip(r)
					}
					if strings.Contains(r.URL.Path, ".well-known") {
						pass(4900 * time.Millisecond)
						return iss.RoundTrip(r)
					}
					<-r.Context().Done()
					return nil, r.Context().Err()
				})}
				keys := response(200, set(jwk("1")))
				iss.script(metadata(document, func(*http.Request) string { return keys }))
				c := iss.cache(t, byDiscovery, func(cfg *jwks.Config) { cfg.Client = client })
				mustFind(t, c, "1")
				slow.Store(true)
				pass(tt.idle)
				c.Refresh(t.Context()) // the URL is silent, so that discovery is due again
				pass(tt.idle)
				var longest time.Duration
				n := 0
				every(500*time.Millisecond, 20*time.Minute, func(time.Duration) {
					n++
					longest = max(longest, mustBeUnavailable(t, c, fmt.Sprint("random-", n)).took)
				})
				if longest != 5*time.Second {
					t.Errorf("the longest wait for an unknown kid was %v, want 5 s", longest)
				}
			})
		})
	}
	t.Run("EMPTY", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iss := &issuer{latency: 4 * time.Second}
			keys := response(200, set(jwk("1")))
			iss.script(metadata(document, func(*http.Request) string { return keys }))
			if got := mustFind(t, iss.cache(t, byDiscovery), "1"); got.took != 8*time.Second {
				t.Errorf("Keys(1) took %v, want 8 s", got.took)
			}
		})
	})
}

// What begins a fetch for one kid doesn't keep the next from it where
// UnknownKeyInterval is short.
func TestCache_unknownKidIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.UnknownKeyInterval = time.Nanosecond })
		mustFind(t, c, "1")
		for range 10 {
			mustMiss(t, c, "bad")
			pass(time.Second)
		}
		if got := iss.requests(); got != 2 {
			t.Errorf("%d fetches after 10 lookups of one unknown kid, want 2", got)
		}
		mustMiss(t, c, "worse")
		if got := iss.requests(); got != 3 {
			t.Errorf("%d fetches after another unknown kid, want 3", got)
		}
		pass(20 * time.Second) // 30 s since it was asked for
		mustMiss(t, c, "bad")
		if got := iss.requests(); got != 4 {
			t.Errorf("%d fetches after 30 s, want 4", got)
		}
		// A new generation forgets.
		pass(1)
		iss.serve(set(jwk("1"), jwk("2")))
		mustFind(t, c, "2")
		pass(1)
		mustMiss(t, c, "bad")
		if got := iss.requests(); got != 6 {
			t.Errorf("%d fetches in a new generation, want 6", got)
		}
		// More than are remembered: the others cost a fetch each time, as
		// UnknownKeyInterval allows.
		for n := range 1200 {
			pass(time.Millisecond)
			mustMiss(t, c, fmt.Sprint("random-", n))
		}
		if got := iss.requests(); got != 1206 {
			t.Errorf("%d fetches after 1,200 more unknown kids, want 1,206", got)
		}
	})
}

func TestCache_unknownKidsOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.UnknownKeyInterval = -1 })
		mustFind(t, c, "1")
		iss.serve(set(jwk("1"), jwk("2")))
		pass(time.Minute)
		mustMiss(t, c, "2")
		pass(8 * time.Minute)
		mustFind(t, c, "1")
		synctest.Wait()
		mustFind(t, c, "2")
		if got := iss.requests(); got != 2 {
			t.Errorf("%d fetches, want 2", got)
		}
	})
}

func TestCache_withoutKid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("2"), jwk("1"), jwk("2"), jwk("2"), jwk("")))
		c := iss.cache(t)
		for kid, want := range map[string]int{"": 5, "1": 1, "2": 3, "3": 0} {
			keys, err := c.Keys(t.Context(), kid)
			if len(keys) != want || err != nil {
				t.Errorf("Keys(%q) = %d keys, %v, want %d", kid, len(keys), err, want)
			}
			if cap(keys) != len(keys) {
				t.Errorf("Keys(%q) has room for %d more keys, which two callers could write to", kid, cap(keys)-len(keys))
			}
			for _, key := range keys {
				if kid != "" && key.ID != kid {
					t.Errorf("Keys(%q) holds the key %q", kid, key.ID)
				}
			}
		}
		before := iss.requests()
		for range 100 {
			c.Keys(t.Context(), "")
		}
		if got := iss.requests() - before; got != 0 {
			t.Errorf("%d fetches for tokens without kid, want none", got)
		}
	})
}

func TestCache_leftOutKeys(t *testing.T) {
	t.Parallel()
	good := jwk("good")
	for _, tt := range []struct{ name, key, reason string }{
		{"unknown kty", `{"kty":"AKP","kid":"bad","pub":"SECRET"}`, `"kty" is`},
		{"RSA 1024", `{"kty":"RSA","kid":"bad","e":"AQAB","n":"` + strings.Repeat("_", 170) + `w"}`, `1024 bits`},
		{"use enc", jwk("bad", `"use":"enc"`), `"use" is`},
		{"key_ops", jwk("bad", `"key_ops":["sign"]`), `"key_ops" is without`},
		{"alg of encryption", jwk("bad", `"alg":"ECDH-ES"`), `"alg" is`},
		{"wrong point", strings.Replace(jwk("bad"), `"y":"`, `"y":"AAAA`, 1), `"y" has 47 characters`},
		{"private", jwk("bad", `"d":"SECRET"`), `it has "d"`},
		{"symmetric", `{"kty":"oct","kid":"bad","k":"SECRET"}`, `it has "k"`},
		{"not an object", `"SECRET"`, `not an object`},
		{"a member twice", jwk("bad", `"alg":"ES256","alg":"ES256"`), `two members`},
		{"kid is a number", strings.Replace(jwk("bad"), `"kid":"bad"`, `"kid":7`, 1), `"kid" is a number, want a string`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				book := &logbook{}
				iss := newIssuer(set(tt.key, good))
				c := iss.cache(t, func(cfg *jwks.Config) { cfg.Logger = book.logger() })
				mustFind(t, c, "good")
				mustMiss(t, c, "bad")
				for range 10 {
					if err := c.Refresh(t.Context()); err != nil {
						t.Errorf("Refresh() = %v", err)
					}
				}
				synctest.Wait()
				lines := book.lines("left out")
				level := "level=WARN"
				if tt.name == "use enc" || tt.name == "alg of encryption" {
					level = "level=DEBUG"
				}
				if len(lines) != 1 || !strings.Contains(strings.ReplaceAll(lines[0], `\`, ""), tt.reason) || !strings.Contains(lines[0], level) {
					t.Errorf("log has %q after 12 fetches, want one line with %s and %s", lines, level, tt.reason)
				}
				more := jwk("more")
				iss.serve(set(tt.key, good, more))
				mustMiss(t, c, "bad")
				c.Refresh(t.Context())
				synctest.Wait()
				if lines := book.lines("left out"); len(lines) != 2 {
					t.Errorf("log has %q after another set, want two lines", lines)
				}
				// The same keys, but others left out.
				iss.serve(strings.Replace(set(tt.key, good, more), `{"keys":[`, `{"keys":[null,`, 1))
				c.Refresh(t.Context())
				iss.serve(set(good))
				c.Refresh(t.Context())
				synctest.Wait()
				if lines := book.lines("left out"); len(lines) != 3 {
					t.Errorf("log has %q after two more sets, one of them clean, want three lines", lines)
				}
				if lines := book.lines("SECRET"); len(lines) > 0 {
					t.Errorf("log has %q, want no key material", lines)
				}
			})
		})
	}
}

// One reason for a warning makes it one, be it told or be it one of those that
// are only counted.
func TestCache_leftOutKeyAmongEncryptionKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := &logbook{}
		keys := []string{jwk("good")}
		for range 12 {
			keys = append(keys, jwk("enc", `"use":"enc"`))
		}
		iss := newIssuer(set(keys...))
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Logger = book.logger() })
		mustFind(t, c, "good")
		pass(time.Minute)
		iss.serve(set(append(keys, jwk("bad", `"use":"tls"`))...))
		mustMiss(t, c, "bad")
		synctest.Wait()
		lines := book.lines("left out")
		if len(lines) != 2 || !strings.Contains(lines[0], "level=DEBUG") || !strings.Contains(lines[1], "level=WARN") {
			t.Errorf("log has %q, want one line at DEBUG and one at WARN", lines)
		}
	})
}

// Thousands of bad keys are told of in one line that can be read.
func TestCache_manyLeftOutKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := &logbook{}
		iss := newIssuer(set(jwk("1"), strings.Repeat("null,", 4999)+"null"))
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Logger = book.logger() })
		mustFind(t, c, "1")
		synctest.Wait()
		lines := book.lines("left out")
		if len(lines) != 1 || len(lines[0]) > 1000 || !strings.Contains(lines[0], "and 4990 more") {
			t.Errorf("log has %.2000q, want one short line", lines)
		}
	})
}

// What a server says of itself is not repeated, or not at length.
func TestCache_talkativeServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer("")
		c := iss.cache(t)
		for _, answer := range []string{
			"HTTP/1.1 503 " + strings.Repeat("chatter ", 10_000) + "\r\nContent-Length: 0\r\n\r\n",
			strings.Repeat("chatter ", 10_000) + "\r\n\r\n",
		} {
			iss.say(answer)
			err := c.Refresh(t.Context())
			if !errors.Is(err, jwks.ErrUnavailable) || len(err.Error()) > 2000 {
				t.Errorf("Refresh() = %.200v…, %d bytes, want ErrUnavailable, and brief", err, len(err.Error()))
			}
			if got := c.Status().LastError; got == nil || len(got.Error()) > 2000 {
				t.Errorf("Status().LastError = %.200v…, want a brief one", got)
			}
		}
	})
}

// The HTTP client is the user's. Whatever it does, the Cache goes on.
func TestCache_brokenClient(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		does   func(*http.Request) (*http.Response, error)
		reason string
	}{
		{"panics", func(*http.Request) (*http.Response, error) { panic("SECRET") }, "panicked with a string"},
		{"panics with an error", func(*http.Request) (*http.Response, error) { panic(errors.New("SECRET")) }, "panicked with a *errors.errorString"},
		{"ends its goroutine", func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil }, "ended from within"},
		{"returns nothing", func(*http.Request) (*http.Response, error) { return nil, nil }, "nil"},
		{"was cancelled", func(*http.Request) (*http.Response, error) { return nil, context.Canceled }, "canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(set(jwk("1")))
				var broken atomic.Bool
				broken.Store(true)
				client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if broken.Load() {
						return tt.does(r)
					}
					return iss.RoundTrip(r)
				})}
				c := iss.cache(t, func(cfg *jwks.Config) { cfg.Client = client })
				got := mustBeUnavailable(t, c, "1")
				if !strings.Contains(got.err.Error(), tt.reason) || strings.Contains(got.err.Error(), "SECRET") {
					t.Errorf("Keys(1) error = %v, want one with %q", got.err, tt.reason)
				}
				if errors.Is(got.err, context.Canceled) {
					t.Errorf("Keys(1) error = %v, which looks like the caller's context", got.err)
				}
				broken.Store(false)
				pass(2 * time.Second)
				mustFind(t, c, "1")
			})
		})
	}
}

// blocked is a body of which nothing ever comes, until it is let go.
type blocked struct{ released chan struct{} }

func (b blocked) Read([]byte) (int, error) { <-b.released; return 0, io.EOF }
func (b blocked) Close() error             { return nil }

// A client that doesn't end its requests in time keeps two goroutines, and no
// more.
func TestCache_clientIgnoresContext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		hang   func(released chan struct{}) (*http.Response, error)
		change func(*jwks.Config)
	}{
		{"in the request", func(released chan struct{}) (*http.Response, error) {
			<-released
			return nil, errors.New("released")
		}, func(*jwks.Config) {}},
		{"in the body", func(released chan struct{}) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: blocked{released}}, nil
		}, func(*jwks.Config) {}},
		{"by discovery", func(released chan struct{}) (*http.Response, error) {
			<-released
			return nil, errors.New("released")
		}, byDiscovery},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				one := jwk("1")
				iss := &issuer{}
				serve := func(keys string) {
					iss.script(metadata(document, func(*http.Request) string { return response(200, keys) }))
				}
				serve(set(one))
				var stuck atomic.Bool
				var hanging, most atomic.Int32
				released := make(chan struct{})
				client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if !stuck.Load() {
						return iss.RoundTrip(r)
					}
					most.Store(max(most.Load(), hanging.Add(1)))
					return tt.hang(released)
				})}
				change := func(cfg *jwks.Config) { cfg.Client = client }
				c := iss.cache(t, tt.change, change)
				mustFind(t, c, "1")
				pass(5 * time.Minute)
				stuck.Store(true)

				// Nothing is held: no key, after the time that the issuer has.
				if got := mustBeUnavailable(t, iss.cache(t, tt.change, change), "1"); got.took != 5*time.Second {
					t.Errorf("Keys(1) of a new cache took %v, want 5 s", got.took)
				}
				hanging.Store(0)

				// Keys are held: served at once, for as long as an outage may
				// last.
				every(time.Second, 2*time.Hour, func(time.Duration) {
					if got := mustFind(t, c, "1"); got.took > 0 {
						t.Errorf("Keys(1) took %v, want it at once", got.took)
					}
					if got := mustBeUnavailable(t, c, "2"); got.took > 5*time.Second {
						t.Errorf("Keys(2) took %v, want ≤ 5 s", got.took)
					}
				})
				if got := c.Status(); got.Failures < 60 || most.Load() != 2 {
					t.Errorf("%d fetches failed, %d requests hung, want one failure a minute, and two", got.Failures, most.Load())
				}
				if got := c.Status().LastError; got == nil || !strings.Contains(got.Error(), "earlier requests have not ended") {
					t.Errorf("Status().LastError = %v, want it to tell of the requests that hang", got)
				}

				// A fetch may be waiting for the requests that hang, and asks
				// as soon as they are released.
				serve(set(one, jwk("2")))
				stuck.Store(false)
				close(released)
				var accepted stopwatch
				back := time.Now()
				every(time.Second, 2*time.Minute, func(time.Duration) {
					if lookup(t.Context(), c, "2").found == 1 {
						accepted.stop(back)
					}
				})
				if accepted.read() == 0 || accepted.read() > 66*time.Second {
					t.Errorf("a new key was accepted after %v, want ≤ 66 s", accepted.read())
				}
			})
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Readers, a flood, rotations, outages and callers that leave, all at once: for
// the race detector.
func TestCache_everythingAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		always := jwk("always")
		iss := newIssuer(set(always))
		iss.latency = 50 * time.Millisecond
		book := &logbook{}
		c := iss.cache(t, func(cfg *jwks.Config) { cfg.Logger = book.logger() })
		mustFind(t, c, "always")
		for worker := range 8 {
			go every(time.Duration(worker+1)*37*time.Millisecond, 4*time.Minute, func(passed time.Duration) {
				find(t, c, "always")
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(worker)*10*time.Millisecond)
				defer cancel()
				c.Keys(ctx, fmt.Sprint(passed))
				c.Status()
				if worker == 7 {
					c.Refresh(ctx)
				}
			})
		}
		every(13*time.Second, 4*time.Minute, func(passed time.Duration) {
			iss.serve(set(always, jwk(fmt.Sprint(passed))))
			iss.set(func() { iss.down = int(passed/time.Second)%2 == 1 })
		})
		pass(time.Minute)
		t.Logf("%d fetches, %d log lines, generation %d", iss.requests(), len(book.lines("")), c.Status().Generation)
	})
}

// The time that a caller brings along saves a look at the clock. If keys would
// not be fresh by it, the clock decides.
func TestCache_KeysAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t)
		before := time.Now()
		pass(time.Second)
		for _, step := range []struct {
			name     string
			wait     time.Duration
			kid      string
			now      func() time.Time
			found    int
			requests int // since NewCache
		}{
			{"no keys yet", 0, "1", time.Now, 1, 1},
			{"fresh", time.Second, "1", time.Now, 1, 1},
			{"a time before the fetch", 0, "1", func() time.Time { return before }, 1, 1},
			{"the same without a monotonic reading", 0, "1", func() time.Time { return before.Round(0) }, 1, 1},
			{"a time of next week", 0, "1", func() time.Time { return time.Now().Add(7 * 24 * time.Hour) }, 1, 1},
			{"no time", 0, "1", func() time.Time { return time.Time{} }, 1, 1},
			{"an unknown kid", 0, "2", time.Now, 0, 2},
			{"the same again", 0, "2", time.Now, 0, 2},
			{"all keys", 0, "", time.Now, 1, 2},
			{"to be revalidated", 9 * time.Minute, "1", time.Now, 1, 3},
			{"expired", 11 * time.Minute, "1", time.Now, 1, 4},
		} {
			pass(step.wait)
			keys, err := c.KeysAt(t.Context(), step.kid, step.now())
			synctest.Wait()
			if len(keys) != step.found || err != nil {
				t.Errorf("KeysAt(%s) = %v, %v, want %d keys", step.name, keys, err, step.found)
			}
			if got := iss.requests(); got != step.requests {
				t.Errorf("KeysAt(%s): %d requests, want %d", step.name, got, step.requests)
			}
		}

		if keys, err := new(jwks.Cache).KeysAt(t.Context(), "1", time.Now()); len(keys) > 0 || !errors.Is(err, jwks.ErrUnavailable) {
			t.Errorf("Cache{}.KeysAt() = %v, %v, want %v", keys, err, jwks.ErrUnavailable)
		}

		// A Cache with a clock of its own goes by that.
		iss = newIssuer(set(jwk("1")))
		own := time.Now()
		c = iss.cache(t, func(cfg *jwks.Config) { cfg.Now = func() time.Time { return own } })
		for want := range 3 {
			if keys, err := c.KeysAt(t.Context(), "1", time.Now()); len(keys) != 1 || err != nil || iss.requests() != want+1 {
				t.Errorf("KeysAt() = %v, %v after %d requests, want one key after %d", keys, err, iss.requests(), want+1)
			}
			own = own.Add(time.Hour)
		}
	})
}
