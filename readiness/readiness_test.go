package readiness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/readiness"
)

const keySet = `{"keys":[{"kid":"1","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

// An issuer answers each request alike, in a synctest bubble.
type issuer struct {
	mu     sync.Mutex
	status int
	body   string
	asked  int
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	return &http.Response{
		StatusCode: i.status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(i.body)), Request: r,
	}, nil
}

func (i *issuer) set(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status = status
}

func (i *issuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *issuer) cache(t *testing.T) *jwks.Cache {
	t.Helper()
	c, err := jwks.NewCache(jwks.Config{
		URL: "https://issuer.example/keys", Client: &http.Client{Transport: i}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newHandler(t *testing.T, cfg readiness.Config) *readiness.Handler {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := readiness.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func probe(t *testing.T, h http.Handler, status int, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if w.Code != status || w.Body.String() != body+"\n" {
		t.Errorf("GET /readyz = %d %q, want %d %q", w.Code, w.Body, status, body+"\n")
	}
	if w.Header().Get("Cache-Control") != "no-store" || (w.Header().Get("Retry-After") != "") != (status == 503) {
		t.Errorf("GET /readyz: %d with header %v", w.Code, w.Header())
	}
	return w
}

func pass(d time.Duration) { <-time.After(d) }

func TestHandler_keys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up, down := &issuer{status: 200, body: keySet}, &issuer{status: 500, body: keySet}
		first, second := up.cache(t), down.cache(t)
		probe(t, newHandler(t, readiness.Config{Caches: []*jwks.Cache{first}}), 200, "ready")
		both := newHandler(t, readiness.Config{Caches: []*jwks.Cache{second, first, second}})
		probe(t, both, 503, "not ready: keys")
		down.set(200)
		pass(time.Minute)
		probe(t, both, 200, "ready")

		// An outage takes no instance with keys out of service.
		down.set(500)
		pass(20 * time.Minute)
		probe(t, both, 200, "ready")
	})
}

// However many probes come, there are no more fetches.
func TestHandler_keys_bounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := &issuer{status: 500}
		h := newHandler(t, readiness.Config{Caches: []*jwks.Cache{iss.cache(t)}})
		for range 10 {
			for range 100 {
				probe(t, h, 503, "not ready: keys")
			}
			pass(time.Second)
		}
		if got := iss.requests(); got > 10 {
			t.Errorf("1,000 probes in 10 s: %d fetches, want 10 at most", got)
		}
	})
}

func TestHandler_introspection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &issuer{status: 500}
		in, err := introspection.New(introspection.Config{
			Issuer: "https://sso.example", Endpoint: "https://sso.example/i", Audiences: []string{"api"}, ClientID: "api",
			Auth: introspection.ClientSecretBasic("secret"), Client: &http.Client{Transport: server}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		h := newHandler(t, readiness.Config{Introspectors: []*introspection.Introspector{in}})
		ask := func(n int) {
			for i := range n {
				_, _ = in.Validate(t.Context(), fmt.Sprint("token", i))
			}
		}
		probe(t, h, 200, "ready")
		ask(1)
		probe(t, h, 200, "ready") // one failure suspends nothing
		ask(10)
		asked := server.requests()
		probe(t, h, 503, "not ready: introspection")
		pass(time.Minute)
		probe(t, h, 200, "ready") // requests find out
		if got := server.requests(); got != asked {
			t.Errorf("probes made %d calls, want none", got-asked)
		}
		ask(1)
		probe(t, h, 503, "not ready: introspection")
	})
}

// A check is called once per Interval, however many probes come, and the
// response has its name and not its cause.
func TestHandler_checks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		var calls atomic.Int32
		var failing atomic.Pointer[error]
		h := newHandler(t, readiness.Config{
			Logger: slog.New(slog.NewTextHandler(log, nil)),
			Checks: map[string]func(context.Context) error{
				"replay store": func(context.Context) error {
					calls.Add(1)
					if err := failing.Load(); err != nil {
						return *err
					}
					return nil
				},
				"feed": func(context.Context) error { return nil },
			},
		})
		for range 100 {
			probe(t, h, 200, "ready")
		}
		cause := errors.New("dial tcp 10.0.0.7: refused")
		failing.Store(&cause)
		pass(readiness.DefaultInterval - 1)
		probe(t, h, 200, "ready")
		pass(1)
		for range 100 {
			w := probe(t, h, 503, "not ready: replay store")
			if got := w.Header().Get("Retry-After"); got != "5" {
				t.Errorf("Retry-After = %q, want 5", got)
			}
		}
		failing.Store(nil)
		pass(readiness.DefaultInterval)
		probe(t, h, 200, "ready")
		if got := calls.Load(); got != 3 {
			t.Errorf("the check was called %d times, want 3", got)
		}
		if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "10.0.0.7") || !strings.Contains(got, "msg=ready") {
			t.Errorf("log = %q, want one record when it ceases to be ready, with the cause, and one when it is again", got)
		}
	})
}

// No check keeps a probe for longer than Timeout, and one that hangs is called
// once.
func TestHandler_checks_hang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		var calls atomic.Int32
		release := make(chan struct{})
		h := newHandler(t, readiness.Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Checks: map[string]func(context.Context) error{
			"deaf": func(context.Context) error { calls.Add(1); <-release; return nil },
			"slow": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		}})
		for range 10 {
			began := time.Now()
			probe(t, h, 503, "not ready: deaf, slow")
			if took := time.Since(began); took > readiness.DefaultTimeout {
				t.Errorf("GET /readyz took %v, want %v at most", took, readiness.DefaultTimeout)
			}
		}
		if got := calls.Load(); got != 1 {
			t.Errorf("the check that hangs was called %d times, want once", got)
		}
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `deaf="no answer in time"`) {
			t.Errorf("log = %q, want one record, with what has not answered", got)
		}
		close(release)
		synctest.Wait()
		probe(t, h, 503, "not ready: slow")
	})
}

// A probe that gives up is not a part that has failed.
func TestHandler_gone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		release := make(chan struct{})
		h := newHandler(t, readiness.Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Checks: map[string]func(context.Context) error{
			"slow": func(context.Context) error { <-release; return nil },
		}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
		if w.Code != 503 || log.Len() > 0 {
			t.Errorf("a probe that has gone: %d, log %q, want 503 and none", w.Code, log)
		}
		close(release)
		synctest.Wait()
		probe(t, h, 200, "ready")
	})
}

// A check that panics, or ends its goroutine, is not ready and ends nothing.
func TestHandler_checks_fail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(t, readiness.Config{Checks: map[string]func(context.Context) error{
			"a panic":   func(context.Context) error { panic("a secret") },
			"an end":    func(context.Context) error { runtime.Goexit(); return nil },
			"no text":   func(context.Context) error { return (*nilError)(nil) },
			"not a one": func(context.Context) error { return nil },
		}})
		probe(t, h, 503, "not ready: a panic, an end, no text")
	})
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestHandler_zero(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	new(readiness.Handler).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != 503 {
		t.Errorf("the zero Handler responds with %d, want 503", w.Code)
	}
}

func TestNew_faults(t *testing.T) {
	t.Parallel()
	ok := func(context.Context) error { return nil }
	for _, tt := range []struct {
		name string
		cfg  readiness.Config
		want []string // none: it is right
	}{
		{"nothing", readiness.Config{}, []string{"all empty"}},
		{"nil parts", readiness.Config{Caches: []*jwks.Cache{nil}, Introspectors: []*introspection.Introspector{nil}}, []string{"Caches[0] is nil", "Introspectors[0] is nil"}},
		{"a nil check", readiness.Config{Checks: map[string]func(context.Context) error{"x": nil}}, []string{`Checks["x"] is nil`}},
		{"no name", readiness.Config{Checks: map[string]func(context.Context) error{"": ok}}, []string{"has the name"}},
		{"a line break", readiness.Config{Checks: map[string]func(context.Context) error{"a\nb": ok}}, []string{"has the name"}},
		{"65 bytes", readiness.Config{Checks: map[string]func(context.Context) error{strings.Repeat("n", 65): ok}}, []string{"has the name"}},
		{"64 bytes", readiness.Config{Checks: map[string]func(context.Context) error{strings.Repeat("n", 64): ok}}, nil},
		{"a negative timeout", readiness.Config{Timeout: -1, Checks: map[string]func(context.Context) error{"x": ok}}, []string{"Timeout is negative"}},
	} {
		_, err := readiness.New(tt.cfg)
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

func ExampleNew() {
	ready, err := readiness.New(readiness.Config{
		Checks: map[string]func(context.Context) error{
			"replay store": func(context.Context) error { return errors.New("connection refused") },
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	ready.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 503 not ready: replay store
}
