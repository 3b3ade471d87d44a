package redisjwks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisjwks"
	"github.com/rsguard/rsguard/internal/redisserver"
	"github.com/rsguard/rsguard/jwks"
)

var secret = bytes.Repeat([]byte("secret"), 6)

const url = "https://issuer.example/keys"

// An issuer responds after a while, and counts.
type issuer struct {
	mu       sync.Mutex
	requests []*http.Request
	status   int
	header   http.Header
	body     string
	err      error
	takes    time.Duration
}

func (i *issuer) set(change func(i *issuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.requests)
}

func (i *issuer) last() http.Header {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests[len(i.requests)-1].Header
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.requests = append(i.requests, r)
	status, header, body, err, takes := i.status, i.header.Clone(), i.body, i.err, i.takes
	i.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = http.Header{}
	}
	if etag := header.Get("ETag"); etag != "" && r.Header.Get("If-None-Match") == etag {
		status, body = http.StatusNotModified, ""
	}
	return &http.Response{StatusCode: max(status, 200), Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// A fleet of Transports shares a store.
type fleet struct {
	t     *testing.T
	iss   *issuer
	store *redisjwks.MemoryStore
	log   *bytes.Buffer
	cfg   redisjwks.Config
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, iss: &issuer{body: "one"}, store: &redisjwks.MemoryStore{}, log: &bytes.Buffer{}}
	f.cfg = redisjwks.Config{Key: secret, Transport: f.iss, Logger: slog.New(slog.NewTextHandler(f.log, nil))}
	return f
}

func (f *fleet) process(change ...func(*redisjwks.Config)) *redisjwks.Transport {
	f.t.Helper()
	cfg := f.cfg
	for _, c := range change {
		c(&cfg)
	}
	process, err := redisjwks.WithStore(cfg, f.store)
	if err != nil {
		f.t.Fatal(err)
	}
	return process
}

// get returns the status and the body, or the error, and the header.
func get(t *testing.T, rt http.RoundTripper, header ...string) (string, http.Header) {
	t.Helper()
	return getIn(t.Context(), rt, header...)
}

func getIn(ctx context.Context, rt http.RoundTripper, header ...string) (string, http.Header) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // as a jwks.Cache does
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err) // also in other goroutines
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := rt.RoundTrip(r)
	if err != nil {
		return err.Error(), nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err) // also in other goroutines
	}
	return fmt.Sprint(res.StatusCode, " ", string(body)), res.Header
}

func (f *fleet) want(what, got, want string, requests int) {
	f.t.Helper()
	if got != want || f.iss.count() != requests {
		f.t.Errorf("%s: RoundTrip() = %q after %d requests to the issuer, want %q after %d", what, got, f.iss.count(), want, requests)
	}
}

var forced = []string{"Cache-Control", "no-cache"}

func bubble(t *testing.T, test func(t *testing.T, f *fleet)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newFleet(t)) })
}

func TestTransport_shares(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		f.iss.header = http.Header{"Etag": {`"v1"`}, "Cache-Control": {"max-age=600"}, "Age": {"7", "x, 5"}, "Set-Cookie": {"a=b"}}
		got, h := get(t, f.process())
		f.want("the first process", got, "200 one", 1)
		if h.Get("Age") != "7, x, 5" {
			t.Errorf("its Age = %q, want the issuer's", h.Get("Age"))
		}
		time.Sleep(59*time.Second + 999*time.Millisecond)
		got, h = get(t, f.process())
		f.want("another", got, "200 one", 1)
		if h.Get("Age") != "66" || h.Get("ETag") != `"v1"` || h.Get("Cache-Control") != "max-age=600" || h.Get("Set-Cookie") != "" {
			t.Errorf("its header = %v, want Age 66 (7 and 59), and the others as they were, without a cookie", h)
		}
		got, _ = get(t, f.process(), "If-None-Match", `"v0", W/"v1"`)
		f.want("one that has it", got, "304 ", 1)
		got, _ = get(t, f.process(), "If-None-Match", `"v0"`)
		f.want("one that has another", got, "200 one", 1)

		// At MaxAge it is fetched again, and is confirmed.
		time.Sleep(time.Millisecond)
		got, h = get(t, f.process(), "If-None-Match", `"v0"`)
		f.want("after MaxAge", got, "200 one", 2)
		if h.Get("Age") != "7, x, 5" || f.iss.last().Get("If-None-Match") != `"v1"` {
			t.Errorf("after a 304: Age %q, the issuer was sent %v, want the issuer's, and If-None-Match of what is stored", h.Get("Age"), f.iss.last())
		}
		got, _ = get(t, f.process())
		f.want("and another again", got, "200 one", 2)

		// Processes with another Key, prefix or URL share nothing with these.
		got, _ = get(t, f.process(func(cfg *redisjwks.Config) { cfg.Key = bytes.Repeat([]byte("x"), 32) }))
		f.want("another Key", got, "200 one", 3)
		got, _ = get(t, f.process(func(cfg *redisjwks.Config) { cfg.Prefix = "other:" }))
		f.want("another prefix", got, "200 one", 4)
		if f.log.Len() > 0 {
			t.Errorf("the log has %s, want nothing", f.log)
		}
	})
}

func TestTransport_together(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		f.iss.takes = 800 * time.Millisecond
		var wg sync.WaitGroup
		for range 100 {
			p := f.process()
			wg.Go(func() {
				start := time.Now()
				if got, _ := get(t, p); got != "200 one" || time.Since(start) > 1100*time.Millisecond {
					t.Errorf("RoundTrip() = %q after %v, want it at most 0.3 s after the issuer's response", got, time.Since(start))
				}
			})
		}
		wg.Wait()
		if got := f.iss.count(); got != 1 {
			t.Errorf("%d requests of 100 processes that start together, want 1", got)
		}
	})
}

// A forced fetch gets a response that was requested after it.
func TestTransport_forced(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		get(t, f.process())
		time.Sleep(30 * time.Second)
		f.iss.set(func(i *issuer) { i.takes, i.body = 400*time.Millisecond, "two" })

		// The first one causes a fetch, in which the others are too late to
		// take part.
		var wg sync.WaitGroup
		start := time.Now()
		ask := func(want string, most time.Duration) {
			p := f.process()
			wg.Go(func() {
				began := time.Now()
				if got, _ := get(t, p, forced...); got != want || time.Since(began) > most {
					t.Errorf("forced RoundTrip() at %v = %q after %v, want %q after %v at most", began.Sub(start), got, time.Since(began), want, most)
				}
			})
		}
		ask("200 two", 400*time.Millisecond)
		time.Sleep(100 * time.Millisecond)
		f.iss.set(func(i *issuer) { i.body = "three" })
		for range 50 {
			time.Sleep(time.Millisecond)
			ask("200 three", 1900*time.Millisecond) // the rest of Interval, the fetch, and what is random
		}
		wg.Wait()
		if got := f.iss.count(); got != 3 {
			t.Errorf("%d requests, want 3: the first, one that is forced, and one for 50 that are forced after it", got)
		}
		if got := f.iss.last().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("the issuer was sent Cache-Control %q, want no-cache", got)
		}
	})
}

func TestTransport_failures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fail   func(*issuer)
		want   string // for the process that fetched
		others string // contained in what others get
		lasts  time.Duration
		retry  string
	}{
		{"503", func(i *issuer) { i.status = 503 }, "503 ", "503 ", time.Second, ""},
		{"404", func(i *issuer) { i.status = 404 }, "404 ", "404 ", time.Second, ""},
		{"429 for 5 s", func(i *issuer) { i.status, i.header = 429, http.Header{"Retry-After": {"5"}} }, "429 ", "429 ", 5 * time.Second, "5"},
		{"429 for an hour", func(i *issuer) { i.status, i.header = 429, http.Header{"Retry-After": {"3600"}} }, "429 ", "429 ", 30 * time.Second, "30"},
		{"429 for longer than a number", func(i *issuer) {
			i.status, i.header = 429, http.Header{"Retry-After": {strings.Repeat("9", 40)}}
		}, "429 ", "429 ", 30 * time.Second, "30"},
		{"a reset", func(i *issuer) { i.err = errors.New("connection reset") }, "connection reset", "could not fetch: connection reset", time.Second, ""},
		{"too much", func(i *issuer) { i.body = strings.Repeat("x", 1<<20+1) }, "redisjwks: the body is over 1 MiB", "over 1 MiB", time.Second, ""},
		{"a redirect", func(i *issuer) { i.status, i.header = 302, http.Header{"Location": {"https://evil.example/"}} }, "302 ", "302 ", time.Second, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, f *fleet) {
				f.iss.set(tt.fail)
				got, h := get(t, f.process())
				f.want("the first", got, tt.want, 1)
				if h.Get("Retry-After") != tt.retry {
					t.Errorf("Retry-After = %q, want %q", h.Get("Retry-After"), tt.retry)
				}
				time.Sleep(tt.lasts - time.Millisecond)
				for _, header := range [][]string{nil, forced} {
					if got, _ := get(t, f.process(), header...); !strings.Contains(got, tt.others) || f.iss.count() != 1 {
						t.Errorf("RoundTrip(%v) of another = %q after %d requests, want %q after 1", header, got, f.iss.count(), tt.others)
					}
				}
				f.iss.set(func(i *issuer) { i.status, i.header, i.err, i.body = 0, nil, nil, "one" })
				time.Sleep(time.Millisecond)
				got, _ = get(t, f.process())
				f.want("when it is over", got, "200 one", 2)
				got, _ = get(t, f.process())
				f.want("and after it", got, "200 one", 2)
			})
		})
	}
}

// A process that has the response already fetches for those that have not.
func TestTransport_fetchesForAll(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		f.iss.header = http.Header{"Etag": {`"v1"`}}
		got, _ := get(t, f.process(), "If-None-Match", `"v1"`)
		f.want("one that has it", got, "304 ", 1)
		got, _ = get(t, f.process())
		f.want("one that has not", got, "200 one", 1)
	})
}

// A fetch that has taken too long is a failure for all.
func TestTransport_timeout(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		f.iss.takes = time.Hour
		got, _ := get(t, f.process())
		f.want("the first", got, context.DeadlineExceeded.Error(), 1)
		got, _ = get(t, f.process())
		f.want("another", got, "redisjwks: another process could not fetch: "+context.DeadlineExceeded.Error(), 1)
	})
}

// One that was given up is not.
func TestTransport_cancelled(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		f.iss.takes = time.Second
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(500 * time.Millisecond)
			cancel()
		}()
		if _, err := f.process().RoundTrip(r); !errors.Is(err, context.Canceled) {
			t.Errorf("RoundTrip() error = %v, want that of the context", err)
		}
		got, _ := get(t, f.process())
		f.want("another", got, "200 one", 2)
	})
}

// In an outage, new processes get what was there before, up to MaxStale.
func TestTransport_outage(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		get(t, f.process())
		f.iss.set(func(i *issuer) { i.status = 503 })
		time.Sleep(12 * time.Hour)
		got, _ := get(t, f.process())
		f.want("the process that asks the issuer", got, "200 one", 2)
		if !strings.Contains(f.log.String(), "level=WARN") || !strings.Contains(f.log.String(), "the issuer fails") {
			t.Errorf("the log has %q, want a warning", f.log)
		}
		got, h := get(t, f.process())
		f.want("another", got, "200 one", 2)
		if h.Get("Age") != "43200" {
			t.Errorf("Age = %q, want 43200", h.Get("Age"))
		}
		got, _ = get(t, f.process(), forced...)
		f.want("one that is forced", got, "503 ", 2)
		time.Sleep(time.Second)
		got, _ = get(t, f.process(), forced...)
		f.want("one that is forced, and asks the issuer", got, "503 ", 3)
		time.Sleep(12 * time.Hour)
		got, _ = get(t, f.process())
		f.want("after MaxStale", got, "503 ", 4)
		got, _ = get(t, f.process())
		f.want("another, after MaxStale", got, "503 ", 4)
		f.iss.set(func(i *issuer) { i.status = 0 })
		time.Sleep(time.Second)
		got, _ = get(t, f.process())
		f.want("when the issuer is back", got, "200 one", 5)
	})
}

// What an attacker stores is not used, and neither is what is no longer used.
func TestTransport_attacker(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(good, fail *[]byte, goodSeq, goodAt *int64)
		later  time.Duration
		used   bool
		logged bool
	}{
		{"nothing", func(_, _ *[]byte, _, _ *int64) {}, 0, true, false},
		{"another byte", func(good, _ *[]byte, _, _ *int64) { (*good)[len(*good)/2] ^= 1 }, 0, false, true},
		{"another byte of the seal", func(good, _ *[]byte, _, _ *int64) { (*good)[0] ^= 1 }, 0, false, true},
		{"a shorter one", func(good, _ *[]byte, _, _ *int64) { *good = (*good)[:31] }, 0, false, true},
		{"nothing but a seal", func(good, _ *[]byte, _, _ *int64) { *good = (*good)[:32] }, 0, false, true},
		{"another number", func(_, _ *[]byte, goodSeq, _ *int64) { *goodSeq = 7 }, 0, false, true},
		{"the failure's place", func(good, fail *[]byte, _, _ *int64) { *fail = *good }, 0, true, false},
		{"another time, of one that is a little old", func(_, _ *[]byte, _, goodAt *int64) { *goodAt = time.Now().UnixMilli() }, 3*time.Minute - 1, true, false},
		{"another time, of one that is too old", func(_, _ *[]byte, _, goodAt *int64) { *goodAt = time.Now().UnixMilli() }, 3 * time.Minute, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, f *fleet) {
				get(t, f.process())
				f.iss.set(func(i *issuer) { i.body = "two" })
				time.Sleep(max(tt.later, time.Second))
				f.store.Change(tt.change)
				want := map[bool]string{true: "200 one", false: "200 two"}[tt.used]
				if got, _ := get(t, f.process()); got != want {
					t.Errorf("RoundTrip() = %q, want %q", got, want)
				}
				if got := strings.Contains(f.log.String(), "no valid seal"); got != tt.logged {
					t.Errorf("the log has %q, want a line about the seal: %t", f.log, tt.logged)
				}
			})
		})
	}
}

// A response for one URL is none for another.
func TestTransport_otherURL(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		var blob []byte
		get(t, f.process())
		f.store.Change(func(good, _ *[]byte, _, _ *int64) { blob = *good })
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://other.example/keys", nil)
		if err != nil {
			t.Fatal(err)
		}
		f.iss.set(func(i *issuer) { i.body = "other's" })
		if _, err := f.process().RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		f.store.Change(func(good, _ *[]byte, _, _ *int64) { *good = blob })
		time.Sleep(time.Second)
		res, err := f.process().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, _ := io.ReadAll(res.Body); string(body) != "other's" {
			t.Errorf("RoundTrip(another URL) = %q, want its own response", body)
		}
	})
}

// Without Redis each process fetches, and the log has one line at each change.
func TestTransport_withoutRedis(t *testing.T) {
	for _, frozen := range []bool{false, true} {
		t.Run(fmt.Sprint("frozen=", frozen), func(t *testing.T) {
			bubble(t, func(t *testing.T, f *fleet) {
				f.store.SetDown(errors.New("connection refused"), frozen)
				p := f.process()
				for n := range 3 {
					start := time.Now()
					got, _ := get(t, p, forced...)
					f.want("without Redis", got, "200 one", n+1)
					if took := time.Since(start); took > 250*time.Millisecond {
						t.Errorf("it took %v, want Timeout at most", took)
					}
				}
				f.store.SetDown(nil, false)
				get(t, p)
				got, _ := get(t, f.process())
				f.want("with Redis again", got, "200 one", 4)
				if lines := strings.Split(strings.TrimSpace(f.log.String()), "\n"); len(lines) != 2 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[1], "Redis is back") {
					t.Errorf("the log has %q, want a warning, and that Redis is back", lines)
				}
			})
		})
	}
}

// A process that ends in the middle of a fetch delays the others for a while.
func TestTransport_deadLeader(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f.iss.set(func(i *issuer) { i.takes = time.Hour })
		dead := f.process()
		go func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err == nil {
				_, _ = dead.RoundTrip(r)
			}
		}()
		synctest.Wait()
		f.iss.set(func(i *issuer) { i.takes = 0 })
		start := time.Now()
		got, _ := get(t, f.process())
		f.want("another", got, "200 one", 2)
		if took := time.Since(start); took > 2200*time.Millisecond {
			t.Errorf("it took %v, want 2.2 s at most", took)
		}
	})
}

// A store that always says to wait can't keep a process from the issuer for
// ever. It fails until the others would have had the time for two fetches, and
// then asks by itself.
func TestTransport_waitsForSoLong(t *testing.T) {
	for _, header := range [][]string{nil, forced} {
		t.Run(fmt.Sprint(header), func(t *testing.T) {
			bubble(t, func(t *testing.T, f *fleet) {
				p := f.process()
				start := time.Now()
				try := func(what, want string, requests int, took time.Duration) {
					t.Helper()
					start := time.Now()
					got, _ := get(t, p, header...)
					f.want(what, got, want, requests)
					if d := time.Since(start); d > took+200*time.Millisecond {
						t.Errorf("%s: it took %v, want %v", what, d, took)
					}
				}
				const waited = "redisjwks: other processes are fetching, and have no response yet"
				f.store.Hold(true)
				for time.Since(start) <= 11*time.Second {
					try("others are fetching", waited, 0, 4500*time.Millisecond)
				}
				for n := range 3 {
					try("still, after 11 s", "200 one", n+1, 3*time.Second)
					time.Sleep(time.Hour)
				}
				f.store.Hold(false)
				try("no longer", "200 one", 4, 0)
				got, _ := get(t, f.process())
				f.want("another process", got, "200 one", 4)

				time.Sleep(time.Hour)
				f.store.Hold(true)
				try("once more", waited, 4, 4500*time.Millisecond)
			})
		})
	}
}

// If the next fetch may not begin in the time of a request, it fails at once.
func TestTransport_longInterval(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		p := f.process(func(cfg *redisjwks.Config) { cfg.Interval = 20 * time.Second })
		got, _ := get(t, p)
		f.want("the first", got, "200 one", 1)
		start := time.Now()
		got, _ = get(t, p, forced...)
		f.want("a forced one", got, "redisjwks: other processes are fetching, and have no response yet", 1)
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v, want none", took)
		}
		time.Sleep(20*time.Second - time.Millisecond)
		got, _ = get(t, p, forced...)
		f.want("a forced one after Interval", got, "200 one", 2)
	})
}

// A 304 that was not asked for confirms nothing.
func TestTransport_unasked304(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		got, _ := get(t, f.process())
		f.want("the first", got, "200 one", 1)
		time.Sleep(2 * time.Minute)
		f.iss.set(func(i *issuer) { i.status = http.StatusNotModified })
		got, _ = get(t, f.process(), forced...)
		f.want("a 304 for a response without ETag", got, "304 ", 2)
	})
}

// A pool counts how often its connections are closed.
type pool struct {
	http.RoundTripper
	closed int
}

func (p *pool) CloseIdleConnections() { p.closed++ }

// A jwks.Cache closes the connections after a silence, which may be dead.
func TestTransport_CloseIdleConnections(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		own := &pool{RoundTripper: f.iss}
		client := &http.Client{Transport: f.process(func(cfg *redisjwks.Config) { cfg.Transport = own })}
		client.CloseIdleConnections()
		if own.closed != 1 {
			t.Errorf("the connections of Config.Transport were closed %d times, want once", own.closed)
		}
		(&http.Client{Transport: f.process()}).CloseIdleConnections() // it has none to close
	})
}

// Requests that are not for all are sent as they are.
func TestTransport_notShared(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		p := f.process()
		get(t, p)
		for n, header := range [][]string{{"Authorization", "Basic YTpi"}, {"Cookie", "a=b"}, {"Range", "bytes=0-1"}, {"Cache-Control", "max-age=0, No-Store"}} {
			if got, _ := get(t, p, header...); got != "200 one" || f.iss.count() != n+2 {
				t.Errorf("RoundTrip(%v) = %q after %d requests, want a request of its own", header, got, f.iss.count())
			}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if res, err := p.RoundTrip(r); err != nil || f.iss.count() != 6 {
			t.Errorf("RoundTrip(POST) = %v, %v after %d requests, want a request of its own", res, err, f.iss.count())
		} else {
			res.Body.Close()
		}
		if _, err := (&redisjwks.Transport{}).RoundTrip(r); err == nil {
			t.Error("RoundTrip() of the zero Transport: no error")
		}
	})
}

func TestNew_wrong(t *testing.T) {
	t.Parallel()
	deaf := options("127.0.0.1:1")
	deaf.ContextTimeoutEnabled = false
	client := newClient(t, "127.0.0.1:1")
	quiet := slog.New(slog.DiscardHandler)
	for _, tt := range []struct {
		name string
		cfg  redisjwks.Config
		want []string // nothing: it is right
	}{
		{"a client and a Key", redisjwks.Config{Client: client, Key: secret}, nil},
		{"no Key, said", redisjwks.Config{Client: client, InsecureUnsealed: true, Logger: quiet}, nil},
		{"the shortest Key", redisjwks.Config{Client: client, Key: secret[:32]}, nil},
		{"a cluster", redisjwks.Config{Client: redis.NewClusterClient(&redis.ClusterOptions{ContextTimeoutEnabled: true}), Key: secret}, nil},
		{"all at most", redisjwks.Config{Client: client, Key: secret, Interval: time.Minute, MaxAge: time.Minute, Timeout: 10 * time.Second}, nil},
		{"nothing", redisjwks.Config{}, []string{"Client is nil", "Key has 0 bytes"}},
		{"a nil client", redisjwks.Config{Client: (*redis.Client)(nil), Key: secret}, []string{"Client is nil"}},
		{"a client without deadlines", redisjwks.Config{Client: redis.NewClient(deaf), Key: secret}, []string{"ContextTimeoutEnabled"}},
		{"a short Key", redisjwks.Config{Client: client, Key: secret[:31]}, []string{"Key has 31 bytes"}},
		{"a Key that is not used", redisjwks.Config{Client: client, Key: secret, InsecureUnsealed: true}, []string{"exclude each other"}},
		{"all wrong", redisjwks.Config{Interval: -1, MaxAge: -2, Timeout: -3}, []string{"Client is nil", "Key has 0", "Interval is -1ns", "MaxAge, -2ns", "Timeout is -3ns"}},
		{"all too long", redisjwks.Config{Client: client, Key: secret, Interval: time.Minute + 1, Timeout: 10*time.Second + 1}, []string{"Interval is 1m", "MaxAge, 1m0s, is less", "Timeout is 10.0"}},
	} {
		_, err := redisjwks.New(tt.cfg)
		if (err == nil) != (tt.want == nil) {
			t.Errorf("New(%s) error = %v, want one: %t", tt.name, err, tt.want != nil)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("New(%s) error = %v, want %q in it", tt.name, err, want)
			}
		}
	}
}

// Two processes, a real Redis, a real issuer and real caches, until Redis is
// frozen and killed.
func TestTransport_realRedis(t *testing.T) {
	t.Parallel()
	server := redisserver.New(t)
	var requests atomic.Int64
	var body atomic.Value
	keySet := func(kid string) string {
		return `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"` + kid + `","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	}
	body.Store(keySet("1"))
	iss := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		io.WriteString(w, body.Load().(string)) //nolint:forcetypeassert // it is stored above
	}))
	t.Cleanup(iss.Close)
	process := func() *jwks.Cache {
		t.Helper()
		shared, err := redisjwks.New(redisjwks.Config{Client: newClient(t, server.Addr()), Key: secret, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		c, err := jwks.NewCache(jwks.Config{URL: iss.URL, Client: &http.Client{Transport: shared}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	find := func(c *jwks.Cache, kid string, want int64) {
		t.Helper()
		if keys, err := c.Keys(t.Context(), kid); len(keys) != 1 || err != nil {
			t.Fatalf("Keys(%q) = %v, %v, want the key", kid, keys, err)
		}
		if got := requests.Load(); got != want {
			t.Errorf("after Keys(%q) the issuer had %d requests, want %d", kid, got, want)
		}
	}
	a, b := process(), process()
	find(a, "1", 1)
	find(b, "1", 1)
	body.Store(keySet("2"))
	find(a, "2", 2)
	find(process(), "2", 2)

	server.Freeze()
	find(process(), "2", 3)
	server.Resume()
	find(process(), "2", 3)
	server.Kill()
	find(process(), "2", 4)
}

func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", ContextTimeoutEnabled: true, MaxRetries: -1})
	key := bytes.Repeat([]byte{7}, 32) // a random secret of the service, from its configuration
	shared, err := redisjwks.New(redisjwks.Config{Client: client, Key: key, Prefix: "orders:jwks:"})
	if err != nil {
		panic(err)
	}
	_, err = jwks.NewCache(jwks.Config{
		Issuer: "https://tenant.eu.auth0.com/",
		Client: &http.Client{Transport: shared},
	})
	fmt.Println(err)
	// Output: <nil>
}
