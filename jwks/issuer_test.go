package jwks_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

const (
	issuerURL = "https://issuer.example/"
	keysURL   = "https://issuer.example/jwks.json"
	oidcURL   = "https://issuer.example/.well-known/openid-configuration"
	oauthURL  = "https://issuer.example/.well-known/oauth-authorization-server"
)

// An issuer is a scripted one, behind an http.RoundTripper. What it sends goes
// through HTTP's own bytes.
type issuer struct {
	mu      sync.Mutex
	answer  func(r *http.Request) string // by hand: a whole HTTP response
	latency time.Duration
	silent  bool // accepts connections and says nothing
	down    bool // refuses connections
	log     []request
}

type request struct {
	at  time.Time
	url string
}

// newIssuer makes one that serves a key set at keysURL.
func newIssuer(set string) *issuer {
	i := &issuer{}
	i.serve(set)
	return i
}

// serve changes what is sent for the key set, and its header.
func (i *issuer) serve(body string, header ...string) {
	i.say(response(http.StatusOK, body, header...))
}

// say answers everything with the same.
func (i *issuer) say(whole string) { i.script(func(*http.Request) string { return whole }) }

func (i *issuer) script(answer func(r *http.Request) string) {
	i.set(func() { i.answer = answer })
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// response writes an HTTP response; header lines are complete, as in "ETag:
// \"1\"".
func response(status int, body string, header ...string) string {
	header = append(header, fmt.Sprintf("Content-Length: %d", len(body)))
	return fmt.Sprintf("HTTP/1.1 %d %s\r\n%s\r\n\r\n%s", status, http.StatusText(status), strings.Join(header, "\r\n"), body)
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.log = append(i.log, request{time.Now(), r.URL.String()})
	answer, latency, silent, down := i.answer, i.latency, i.silent, i.down
	i.mu.Unlock()

	if down {
		return nil, errors.New("connect: connection refused")
	}
	if silent {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if latency > 0 {
		select {
		case <-time.After(latency):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if deadline, ok := r.Context().Deadline(); !ok || time.Until(deadline) > 5*time.Second {
		return nil, errors.New("a request without a deadline")
	}
	return http.ReadResponse(bufio.NewReader(strings.NewReader(answer(r))), r)
}

// requests counts what was sent to the issuer, to any address.
func (i *issuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.log)
}

// urls lists where requests went.
func (i *issuer) urls() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var urls []string
	for _, r := range i.log {
		urls = append(urls, strings.TrimPrefix(r.url, "https://issuer.example"))
	}
	return urls
}

func (i *issuer) client() *http.Client { return &http.Client{Transport: i} }

// cache makes one that fetches from i, by its URL. A test changes the rest of
// the configuration.
func (i *issuer) cache(t testing.TB, change ...func(*jwks.Config)) *jwks.Cache {
	t.Helper()
	cfg := jwks.Config{URL: keysURL, Client: i.client(), Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	c, err := jwks.NewCache(cfg)
	if err != nil {
		t.Fatalf("NewCache(%+v) error = %v", cfg, err)
	}
	return c
}

func byDiscovery(cfg *jwks.Config) { cfg.Issuer, cfg.URL = issuerURL, "" }

// metadata answers requests for the issuer's metadata, and leaves the others to
// keys.
func metadata(document string, keys func(*http.Request) string) func(*http.Request) string {
	return func(r *http.Request) string {
		if strings.Contains(r.URL.Path, "/.well-known/") {
			return response(http.StatusOK, document)
		}
		return keys(r)
	}
}

const document = `{"issuer":"` + issuerURL + `","jwks_uri":"` + keysURL + `"}`

// jwk makes a new key and writes it as a JWK; members such as `"use":"enc"` are
// put in.
func jwk(kid string, members ...string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	coordinate := func(n interface{ FillBytes([]byte) []byte }) string {
		return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, 32)))
	}
	members = append(members, `"kty":"EC","crv":"P-256"`, fmt.Sprintf(`"kid":%q`, kid),
		fmt.Sprintf(`"x":%q`, coordinate(key.X)), fmt.Sprintf(`"y":%q`, coordinate(key.Y)))
	return "{" + strings.Join(members, ",") + "}"
}

// set writes a key set.
func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// A result of a lookup.
type result struct {
	found int
	err   error
	took  time.Duration
}

func lookup(ctx context.Context, c *jwks.Cache, kid string) result {
	start := time.Now()
	keys, err := c.Keys(ctx, kid)
	return result{len(keys), err, time.Since(start)}
}

// mustFind looks up a kid that has to be served.
func mustFind(t testing.TB, c *jwks.Cache, kid string) result {
	t.Helper()
	got := lookup(t.Context(), c, kid)
	if got.found != 1 || got.err != nil {
		t.Fatalf("Keys(%q) = %d keys, %v, want one", kid, got.found, got.err)
	}
	return got
}

// find is mustFind for goroutines.
func find(t testing.TB, c *jwks.Cache, kid string) result {
	t.Helper()
	got := lookup(t.Context(), c, kid)
	if got.found != 1 || got.err != nil {
		t.Errorf("Keys(%q) = %d keys, %v, want one", kid, got.found, got.err)
	}
	return got
}

// mustMiss looks up a kid that is not to be had.
func mustMiss(t testing.TB, c *jwks.Cache, kid string) result {
	t.Helper()
	got := lookup(t.Context(), c, kid)
	if got.found != 0 || got.err != nil {
		t.Fatalf("Keys(%q) = %d keys, %v, want none", kid, got.found, got.err)
	}
	return got
}

// mustBeUnavailable looks up a kid while there are no keys that may be served.
func mustBeUnavailable(t testing.TB, c *jwks.Cache, kid string) result {
	t.Helper()
	got := lookup(t.Context(), c, kid)
	if got.found != 0 || !errors.Is(got.err, jwks.ErrUnavailable) {
		t.Fatalf("Keys(%q) = %d keys, %v, want ErrUnavailable", kid, got.found, got.err)
	}
	var retry interface{ RetryAfter() time.Duration }
	if !errors.As(got.err, &retry) || retry.RetryAfter() < time.Second || retry.RetryAfter() > 10*time.Minute {
		t.Fatalf("Keys(%q) error = %#v, want one with a RetryAfter of 1 s to 10 min", kid, got.err)
	}
	return got
}

// The random part of every duration: nothing, or all of it.
func none(int64) int64  { return 0 }
func all(n int64) int64 { return n - 1 }

// pass lets the bubble's time go by.
func pass(d time.Duration) { <-time.After(d) }

// every calls f once per interval, for as long as it says, beginning now.
func every(interval, total time.Duration, f func(passed time.Duration)) {
	start := time.Now()
	for passed := time.Duration(0); passed < total; passed = time.Since(start) {
		f(passed)
		if next := passed + interval - time.Since(start); next > 0 {
			pass(next)
		}
	}
}

// A stopwatch remembers the first time it was stopped.
type stopwatch struct{ d atomic.Int64 }

func (w *stopwatch) stop(since time.Time) { w.d.CompareAndSwap(0, int64(max(1, time.Since(since)))) }
func (w *stopwatch) read() time.Duration  { return time.Duration(w.d.Load()) }

// A logbook is a slog.Handler's output.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// lines returns those with a text in them, without their times.
func (l *logbook) lines(with string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, with) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

var _ io.Writer = (*logbook)(nil)
