package jwks_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/jwks"
)

var fleetFlag = flag.Int("fleet", 0, "how many caches the tests of a fleet simulate; if zero, 2,000, or 400 with the race detector")

// fleetSize returns how many caches a test of a fleet simulates. With the race
// detector each of them takes ten times as long.
func fleetSize() int {
	switch {
	case *fleetFlag > 0:
		return *fleetFlag
	case racing.Enabled:
		return 400
	}
	return 2000
}

// A fleet is many caches of one issuer. Each gets one lookup a second, of which
// those that can have no effect are left out.
type fleet struct {
	caches []*jwks.Cache
	kid    []string        // of the token that each is sent
	due    map[int64][]int // by second: the caches whose lookup matters
	up     map[int]bool    // has found its kid since the last call of want
	last   time.Duration   // when the last of them did
	began  time.Time       // when want was called
	denied int             // lookups without a key and without an error
	failed int             // lookups that failed
	issuer *fleetIssuer
}

// A fleetIssuer counts the requests of each second.
type fleetIssuer struct {
	mu       sync.Mutex
	start    time.Time
	perSec   []int
	capacity int                     // requests per second; the others get busy
	busy     func(h http.Header) int // the status; nil if all are served
	down     bool                    // busy for everything,
	host     string                  // or, if this is not empty, only here
	version  int
	body     string
}

func (i *fleetIssuer) rotate(kids ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var keys []string
	for _, kid := range kids {
		keys = append(keys, jwk(kid))
	}
	i.version++
	i.body = set(keys...)
}

func (i *fleetIssuer) change(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

func (i *fleetIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	second := int(time.Since(i.start) / time.Second)
	for len(i.perSec) <= second {
		i.perSec = append(i.perSec, 0)
	}
	i.perSec[second]++
	h, status, body := http.Header{}, http.StatusOK, i.body
	etag := strconv.Quote(strconv.Itoa(i.version))
	switch {
	case i.down && (i.host == "" || i.host == r.URL.Hostname()) || i.busy != nil && i.perSec[second] > i.capacity:
		status, body = i.busy(h), ""
	case r.Header.Get("If-None-Match") == etag:
		status, body = http.StatusNotModified, ""
	}
	h.Set("ETag", etag)
	return &http.Response{
		StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// peak returns the busiest ten seconds of a span, and its mean, as multiples of
// what a fleet of n asks for on average when nothing happens. For a smaller
// fleet it looks at a longer time, in which as much happens, because chance
// would decide otherwise.
func (i *fleetIssuer) peak(n int, from, to time.Duration) (peak, mean float64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	normal := float64(n) / 450
	window := max(10, 10*2000/n)
	at := func(s int) int {
		if s < len(i.perSec) {
			return i.perSec[s]
		}
		return 0
	}
	sum, most, all := 0, 0, 0
	first, end := int(from/time.Second), int(to/time.Second)
	for s := first; s < end; s++ {
		sum += at(s)
		all += at(s)
		if s-window >= first {
			sum -= at(s - window)
		}
		most = max(most, sum)
	}
	return float64(most) / float64(window) / normal, float64(all) / float64(end-first) / normal
}

func newFleet(t *testing.T, change ...func(*jwks.Config)) *fleet {
	f := &fleet{issuer: &fleetIssuer{start: time.Now(), capacity: fleetSize() / 20}, due: map[int64][]int{}}
	f.issuer.rotate("1")
	for n := range fleetSize() {
		cfg := jwks.Config{URL: keysURL, Client: &http.Client{Transport: f.issuer}, Logger: slog.New(slog.DiscardHandler)}
		for _, change := range change {
			change(&cfg)
		}
		c, err := jwks.NewCache(cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.SetJitter(rand.New(rand.NewPCG(1, uint64(n))).Int64N) // the same in each run
		f.caches = append(f.caches, c)
	}
	f.kid = make([]string, len(f.caches))
	f.want("1")
	return f
}

// want makes all processes get tokens with another kid, from now on.
func (f *fleet) want(kid string) {
	f.up, f.last, f.began, f.denied, f.failed = map[int]bool{}, 0, time.Now(), 0, 0
	clear(f.due)
	now := time.Now().Unix()
	for i := range f.caches {
		f.kid[i] = kid
		f.due[now] = append(f.due[now], i)
	}
}

// run lets time pass.
func (f *fleet) run(t *testing.T, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); pass(time.Second) {
		now := time.Now()
		due := f.due[now.Unix()]
		delete(f.due, now.Unix())
		wait := make([]time.Duration, len(due))
		for n, i := range due {
			go func() {
				keys, err := f.caches[i].Keys(t.Context(), f.kid[i])
				var retry interface{ RetryAfter() time.Duration }
				switch {
				case errors.As(err, &retry):
					wait[n] = retry.RetryAfter()
				case len(keys) == 0:
					wait[n] = -1
				}
			}()
		}
		synctest.Wait()
		for n, i := range due {
			next := now.Add(time.Second)
			switch {
			case wait[n] < 0:
				f.denied++
			case wait[n] > 0:
				f.failed++
				next = now.Add(max(wait[n], time.Second) + time.Second - 1)
			default:
				if !f.up[i] {
					f.up[i], f.last = true, now.Sub(f.began)
				}
				if at := f.caches[i].Status().NextRefresh; at.After(next) {
					next = at.Add(time.Second - 1)
				}
			}
			f.due[next.Unix()] = append(f.due[next.Unix()], i)
		}
	}
}

func (f *fleet) now() time.Duration { return time.Since(f.issuer.start) }

// atMost reports a row of the table, and holds its bound.
func (f *fleet) atMost(t *testing.T, row string, from, to time.Duration, most float64) {
	t.Helper()
	peak, mean := f.issuer.peak(len(f.caches), from, to)
	t.Logf("%-40s peak %5.1f, mean %4.1f", row, peak, mean)
	if peak > most {
		t.Errorf("%s: the busiest 10 s had %.1f times the normal requests, want ≤ %.1f", row, peak, most)
	}
}

// allUp reports how long it took until each process had found its key, with no
// good token rejected.
func (f *fleet) allUp(t *testing.T, row string, most time.Duration) {
	t.Helper()
	t.Logf("%-40s last process served after %v; %d lookups failed, %d found nothing", row, f.last, f.failed, f.denied)
	if len(f.up) != len(f.caches) || f.last > most {
		t.Errorf("%s: %d of %d processes served, the last after %v, want all within %v", row, len(f.up), len(f.caches), f.last, most)
	}
	if f.denied > 0 {
		t.Errorf("%s: %d lookups of a key that exists found nothing and had no error", row, f.denied)
	}
}

func TestFleet(t *testing.T) {
	t.Parallel()
	unavailable := func(http.Header) int { return http.StatusServiceUnavailable }
	askedFor := func(seconds int) func(http.Header) int {
		return func(h http.Header) int {
			h.Set("Retry-After", fmt.Sprint(seconds))
			return http.StatusTooManyRequests
		}
	}
	for _, tt := range []struct {
		name string
		test func(*testing.T, *fleet)
	}{
		{"deploy", func(t *testing.T, f *fleet) {
			f.run(t, 6*time.Hour)
			for _, hour := range []int{1, 2, 6} {
				to := time.Duration(hour) * time.Hour
				f.atMost(t, fmt.Sprintf("hour %d after a deploy", hour), max(to-time.Hour, 10*time.Second), to, 3)
			}
		}},
		{"outage", func(t *testing.T, f *fleet) {
			f.run(t, time.Hour)
			f.issuer.change(func() { f.issuer.down, f.issuer.busy = true, unavailable })
			from := f.now()
			f.run(t, 2*time.Hour)
			f.atMost(t, "outage of 2 h", from, f.now(), 4)
			if _, mean := f.issuer.peak(len(f.caches), from, f.now()); mean > 3 {
				t.Errorf("outage: %.1f times the normal requests, want ≤ 3", mean)
			}
			f.issuer.change(func() { f.issuer.down = false })
			f.run(t, time.Hour)
			f.atMost(t, "after it", from+2*time.Hour, f.now(), 3)
			f.allUp(t, "and before", 0)
		}},
		{"dated Retry-After", func(t *testing.T, f *fleet) {
			f.run(t, time.Hour)
			back := time.Now().Add(30 * time.Minute)
			f.issuer.change(func() {
				f.issuer.down = true
				f.issuer.busy = func(h http.Header) int {
					h.Set("Retry-After", back.UTC().Format(http.TimeFormat))
					return http.StatusServiceUnavailable
				}
			})
			from := f.now()
			f.run(t, 30*time.Minute)
			f.issuer.change(func() { f.issuer.down = false })
			f.run(t, time.Hour)
			f.atMost(t, "503 with a dated Retry-After", from, f.now(), 3)
		}},
		{"rotation", func(t *testing.T, f *fleet) {
			f.run(t, time.Hour)
			f.issuer.rotate("1", "2")
			from := f.now()
			f.want("2") // each process fetches once, in this second
			f.run(t, 3*time.Hour)
			f.atMost(t, "echo of a rotation", from+10*time.Second, f.now(), 3)
			f.allUp(t, "rotation", time.Second)
		}},
		{"rotation without overlap", func(t *testing.T, f *fleet) {
			f.run(t, time.Hour)
			f.issuer.rotate("2")
			from := f.now()
			f.want("2")
			f.run(t, 2*time.Hour)
			f.atMost(t, "echo of a rotation without overlap", from+10*time.Second, f.now(), 3)
			f.allUp(t, "rotation without overlap", time.Second)
		}},
		{"deploy against 429", func(t *testing.T, f *fleet) {
			f.issuer.busy = askedFor(300)
			f.run(t, 10*time.Minute)
			f.allUp(t, "deploy against 429", 2*time.Minute)
		}},
		{"rotation against 429", func(t *testing.T, f *fleet) {
			f.run(t, time.Hour)
			f.issuer.change(func() { f.issuer.busy = askedFor(60) })
			f.issuer.rotate("1", "2")
			f.want("2")
			f.run(t, 10*time.Minute)
			f.allUp(t, "rotation against 429", 2*time.Minute)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { tt.test(t, newFleet(t)) })
		})
	}
}
