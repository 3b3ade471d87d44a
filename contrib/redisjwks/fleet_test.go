package redisjwks_test

import (
	"cmp"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/contrib/redisjwks"
	"github.com/rsguard/rsguard/jwks"
)

var fleetSize = flag.Int("fleet", 500, "how many processes the tests of a fleet simulate")

// A world is a fleet of processes, each with its cache and its Transport, one
// store, and one issuer that takes 100 ms. Each process gets one token a second,
// of which those are left out that can have no effect.
type world struct {
	mu       sync.Mutex
	times    []time.Time // of the requests to the issuer
	status   int
	latency  time.Duration // zero means 100 ms
	silent   bool          // no response at all
	header   func(h http.Header)
	capacity int // requests a second; the others get busy, if this is not zero
	busy     func(h http.Header) int
	version  int
	overlaps bool // the keys before the last one are still there
	store    *redisjwks.MemoryStore
	caches   []*jwks.Cache
	kid      string
	due      map[int64][]int
	denied   int           // lookups without a key and without an error
	failed   int           // lookups with an error
	slowest  time.Duration // of the lookups that found their key
	served   map[int]bool
	last     time.Duration // when the last process was served, after want
	wantedAt time.Time
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.times = append(w.times, time.Now())
	status, header, first, version := w.status, w.header, 1, w.version
	if !w.overlaps {
		first = version
	}
	if lately := w.countSince(time.Now().Add(-time.Second)); w.capacity > 0 && lately > w.capacity {
		header = func(h http.Header) { status = w.busy(h) }
		status = http.StatusTooManyRequests
	}
	latency, silent := cmp.Or(w.latency, 100*time.Millisecond), w.silent
	w.mu.Unlock()
	if silent {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	select {
	case <-time.After(latency):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	h := http.Header{"Etag": {strconv.Quote(strconv.Itoa(version))}}
	var keys []string
	for kid := first; kid <= version; kid++ {
		keys = append(keys, `{"kty":"OKP","crv":"Ed25519","kid":"`+strconv.Itoa(kid)+`","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	}
	body := `{"keys":[` + strings.Join(keys, ",") + `]}`
	switch {
	case status != 0:
		header(h)
		body = ""
	case r.Header.Get("If-None-Match") == h.Get("ETag"):
		status, body = http.StatusNotModified, ""
	default:
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// countSince returns how many requests there were. w.mu is held.
func (w *world) countSince(then time.Time) int {
	n := 0
	for n < len(w.times) && w.times[len(w.times)-1-n].After(then) {
		n++
	}
	return n
}

func (w *world) process(t *testing.T) *jwks.Cache {
	quiet := slog.New(slog.DiscardHandler)
	shared, err := redisjwks.WithStore(redisjwks.Config{Key: secret, Transport: w, Logger: quiet}, w.store)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jwks.NewCache(jwks.Config{URL: url, Client: &http.Client{Transport: shared}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWorld(t *testing.T, n int) *world {
	w := &world{version: 1, overlaps: true, store: &redisjwks.MemoryStore{}, header: func(http.Header) {}}
	for range n {
		w.caches = append(w.caches, w.process(t))
	}
	w.want("1")
	return w
}

// want makes all processes get tokens with another kid, from now on.
func (w *world) want(kid string) {
	w.kid, w.due = kid, map[int64][]int{}
	w.denied, w.failed, w.slowest, w.served, w.last, w.wantedAt = 0, 0, 0, map[int]bool{}, 0, time.Now()
	for i := range w.caches {
		w.due[time.Now().Unix()] = append(w.due[time.Now().Unix()], i)
	}
}

// run lets time pass.
func (w *world) run(t *testing.T, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); <-time.After(time.Second) {
		var due []int
		w.set(func() {
			due = w.due[time.Now().Unix()]
			delete(w.due, time.Now().Unix())
		})
		for _, i := range due {
			go w.lookup(t, i)
		}
		synctest.Wait()
	}
}

func (w *world) lookup(t *testing.T, i int) {
	start := time.Now()
	keys, err := w.caches[i].Keys(t.Context(), w.kid)
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	next := now.Add(time.Second)
	var retry interface{ RetryAfter() time.Duration }
	switch {
	case errors.As(err, &retry):
		w.failed++
		next = now.Add(max(time.Second, retry.RetryAfter()) + time.Second - 1)
	case len(keys) == 0:
		w.denied++
	default:
		w.slowest = max(w.slowest, now.Sub(start))
		if !w.served[i] {
			w.served[i], w.last = true, now.Sub(w.wantedAt)
		}
		if at := w.caches[i].Status().NextRefresh; at.After(next) {
			next = at.Add(time.Second - 1)
		}
	}
	w.due[next.Unix()] = append(w.due[next.Unix()], i)
}

// check holds the bounds of a scenario.
func (w *world) check(t *testing.T, row string, mostFailed int, mostLast, mostSlow time.Duration) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	least := time.Hour
	for i := 1; i < len(w.times); i++ {
		least = min(least, w.times[i].Sub(w.times[i-1]))
	}
	t.Logf("%-24s %d requests by %d processes, the closest %v apart; the last process is served after %v, the slowest token takes %v; %d lookups failed, %d denied",
		row, len(w.times), len(w.caches), least, w.last, w.slowest, w.failed, w.denied)
	if least < time.Second-time.Millisecond {
		t.Errorf("%s: two requests %v apart, want one a second at most", row, least)
	}
	if len(w.served) != len(w.caches) || w.last > mostLast || w.slowest > mostSlow {
		t.Errorf("%s: %d of %d processes are served, the last after %v, the slowest token took %v, want all, %v and %v", row, len(w.served), len(w.caches), w.last, w.slowest, mostLast, mostSlow)
	}
	if w.failed > mostFailed || w.denied > 0 {
		t.Errorf("%s: %d lookups failed and %d were denied, want at most %d and none", row, w.failed, w.denied, mostFailed)
	}
}

// However many processes there are, they send one request a second at most, and
// no good token is denied.
func TestFleet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		test func(t *testing.T, w *world)
	}{
		{"deploy", func(t *testing.T, w *world) {
			w.run(t, 3*time.Hour)
			w.check(t, "deploy, three hours", 0, time.Second, time.Second)
			if got := len(w.times); got > 3*60+1 {
				t.Errorf("%d requests in three hours, want one a minute at most", got)
			}
		}},
		{"rotation", func(t *testing.T, w *world) {
			w.run(t, 20*time.Minute)
			w.set(func() { w.version++ })
			w.want("2")
			w.run(t, 20*time.Minute)
			w.check(t, "rotation at once", 0, time.Second, time.Second)
		}},
		{"rotation after a fetch", func(t *testing.T, w *world) {
			// The keys are published, and all tokens renewed, a moment after a
			// fetch has begun. It does not bring the key, and Interval must pass.
			w.run(t, 20*time.Minute)
			go func() { _ = w.caches[0].Refresh(t.Context()) }()
			<-time.After(time.Millisecond)
			w.set(func() { w.version++ })
			w.want("2")
			w.run(t, 20*time.Minute)
			w.check(t, "rotation after a fetch", 0, 1400*time.Millisecond, 1400*time.Millisecond)
		}},
		{"rotation without overlap", func(t *testing.T, w *world) {
			w.run(t, 20*time.Minute)
			w.set(func() { w.version, w.overlaps = w.version+1, false })
			w.want("2")
			w.run(t, 20*time.Minute)
			w.check(t, "rotation without overlap", 0, time.Second, time.Second)
		}},
		{"rotation against 429", func(t *testing.T, w *world) {
			w.set(func() {
				w.capacity, w.busy = 500, func(h http.Header) int {
					h.Set("Retry-After", "60")
					return http.StatusTooManyRequests
				}
			})
			w.run(t, 20*time.Minute)
			w.set(func() { w.version++ })
			w.want("2")
			w.run(t, 20*time.Minute)
			w.check(t, "rotation against 429", 0, time.Second, time.Second)
		}},
		{"rotation in a 429", func(t *testing.T, w *world) {
			// The fetch for the new key is the one that gets it.
			w.run(t, 20*time.Minute)
			w.set(func() {
				w.version++
				w.status, w.header = http.StatusTooManyRequests, func(h http.Header) { h.Set("Retry-After", "60") }
			})
			w.want("2")
			w.run(t, 5*time.Second)
			w.set(func() { w.status = 0 })
			w.run(t, 20*time.Minute)
			w.check(t, "rotation in a 429", 2*len(w.caches), 2*time.Minute, time.Second)
		}},
		{"outage", func(t *testing.T, w *world) {
			w.run(t, 20*time.Minute)
			w.set(func() { w.status = http.StatusServiceUnavailable })
			w.run(t, 20*time.Minute)
			for range 20 { // new ones in the outage
				w.caches = append(w.caches, w.process(t))
			}
			w.want("1")
			w.run(t, 40*time.Minute)
			w.set(func() { w.status = 0 })
			w.run(t, 20*time.Minute)
			w.check(t, "outage of an hour", 0, time.Second, time.Second)
		}},
		{"silence", func(t *testing.T, w *world) {
			// Requests end by their Timeout, and all tokens are renewed meanwhile.
			w.run(t, 20*time.Minute)
			w.set(func() { w.version, w.silent = w.version+1, true })
			w.want("2")
			w.run(t, 10*time.Minute)
			w.set(func() { w.silent = false })
			w.run(t, 5*time.Minute)
			w.check(t, "silence", 1<<20, 12*time.Minute, 5*time.Second)
		}},
		{"deploy in silence", func(t *testing.T, w *world) {
			w.set(func() { w.silent = true })
			w.run(t, 10*time.Minute)
			w.set(func() { w.silent = false })
			w.want("1")
			w.run(t, 5*time.Minute)
			w.check(t, "deploy in silence", 1<<20, 2*time.Minute, 5*time.Second)
		}},
		{"slow issuer", func(t *testing.T, w *world) {
			w.set(func() { w.latency = 4 * time.Second })
			w.run(t, 20*time.Minute)
			w.set(func() { w.version++ })
			w.want("2")
			w.run(t, 5*time.Minute)
			w.check(t, "slow issuer", 1<<20, 12*time.Second, 5*time.Second)
		}},
		{"429", func(t *testing.T, w *world) {
			w.set(func() {
				w.status, w.header = http.StatusTooManyRequests, func(h http.Header) { h.Set("Retry-After", "300") }
			})
			w.run(t, time.Minute)
			w.set(func() { w.status = 0 })
			w.want("1")
			w.run(t, 10*time.Minute)
			w.check(t, "deploy against 429", 2*len(w.caches), 2*time.Minute, time.Second)
		}},
		{"dated Retry-After", func(t *testing.T, w *world) {
			w.run(t, 20*time.Minute)
			back := time.Now().Add(30 * time.Minute)
			w.set(func() {
				w.status, w.header = http.StatusServiceUnavailable, func(h http.Header) { h.Set("Retry-After", back.UTC().Format(http.TimeFormat)) }
			})
			w.run(t, 30*time.Minute)
			w.set(func() { w.status = 0 })
			w.run(t, 30*time.Minute)
			w.check(t, "dated Retry-After", 0, time.Second, time.Second)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.test(t, newWorld(t, *fleetSize))
				<-time.After(10 * time.Second) // until the last lookup has ended
			})
		})
	}
}

// New processes that end after three tokens, as functions in a cloud do.
func TestColdStarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const perSecond, seconds = 20, 1200
		w := newWorld(t, 0)
		for range seconds {
			for range perSecond {
				c := w.process(t)
				go func() {
					for range 3 {
						if keys, err := c.Keys(t.Context(), "1"); len(keys) != 1 || err != nil {
							t.Errorf("Keys(1) = %v, %v, want the key", keys, err)
						}
						<-time.After(time.Second)
					}
				}()
			}
			<-time.After(time.Second)
		}
		<-time.After(5 * time.Second)
		t.Logf("200 new processes a second: %d fetches a day", len(w.times)*86400/seconds)
		if got := len(w.times); got > seconds/60 {
			t.Errorf("%d fetches in %d s, want one a minute", got, seconds)
		}
	})
}
