package clientauth_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	issuerURL = "https://tenant.example.com/"
	audience  = mockissuer.DefaultAudience
	secret    = "demo-secret"
)

// newIssuer returns a mock issuer that is reached without sockets.
func newIssuer(tb testing.TB, change func(*mockissuer.Config)) *mockissuer.Issuer {
	tb.Helper()
	cfg := mockissuer.Demo()
	cfg.URL, cfg.Algorithms = issuerURL, []string{"ES256"}
	if change != nil {
		change(&cfg)
	}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = iss.Close() })
	return iss
}

// lifetime gives the tokens of the demo's API another life.
func lifetime(api mockissuer.API) func(*mockissuer.Config) {
	return func(cfg *mockissuer.Config) { cfg.APIs[0].Lifetime = api.Lifetime }
}

func config(iss *mockissuer.Issuer) clientauth.Config {
	return clientauth.Config{
		Issuer: issuerURL, ClientID: "demo-client", Auth: clientauth.ClientSecretPost(secret), Client: iss.Client(),
		Logger: slog.New(slog.DiscardHandler), Now: iss.Now,
	}
}

func newSource(tb testing.TB, cfg clientauth.Config, r clientauth.Request) *clientauth.Source {
	tb.Helper()
	client, err := clientauth.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := client.Source(r)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newValidator(tb testing.TB, iss *mockissuer.Issuer, change func(*validator.Config)) *validator.Validator {
	tb.Helper()
	cfg := validator.Config{Issuers: []string{issuerURL}, Audiences: []string{audience}, Keys: keysOf(tb, iss), Now: iss.Now,
		Algorithms: []validator.Algorithm{validator.ES256}}
	if change != nil {
		change(&cfg)
	}
	v, err := validator.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// A roundTripper is a function that answers requests.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A liar is a token endpoint that answers as it is told.
type liar struct {
	mu       sync.Mutex
	requests int
	answer   func(n int, r *http.Request) (status int, contentType, body string)
}

func (l *liar) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.requests++
	n := l.requests
	l.mu.Unlock()
	status, contentType, body := l.answer(n, r)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func (l *liar) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests
}

func (l *liar) config() clientauth.Config {
	return clientauth.Config{
		TokenURL: "https://sso.example.com/token", ClientID: "demo-client", Auth: clientauth.ClientSecretPost(secret),
		Client: &http.Client{Transport: l}, Logger: slog.New(slog.DiscardHandler),
	}
}

func good(expiresIn int) string {
	return fmt.Sprintf(`{"access_token":"opaque","token_type":"Bearer","expires_in":%d}`, expiresIn)
}

// codeOf returns the code of an error, and fails if it has another type.
func codeOf(tb testing.TB, err error) clientauth.Code {
	tb.Helper()
	var e *clientauth.Error
	if err != nil && !errors.As(err, &e) {
		tb.Errorf("the error is %T: %v, want a *clientauth.Error", err, err)
	}
	if e == nil {
		return ""
	}
	return e.Code
}

func mustToken(tb testing.TB, s *clientauth.Source) *oauth2.Token {
	tb.Helper()
	token, err := s.TokenContext(tb.Context())
	if err != nil {
		tb.Fatalf("TokenContext() error = %v", err)
	}
	return token
}

// logTo returns a logger and what it has written.
func logTo() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&lockedWriter{w: &b}, nil)), &b
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func keysOf(tb testing.TB, iss *mockissuer.Issuer) validator.KeySource {
	tb.Helper()
	keys, err := jwks.NewCache(jwks.Config{Issuer: issuerURL, Client: iss.Client(), Now: iss.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

func printed(format string, v any) string { return fmt.Sprintf(format, v) }
