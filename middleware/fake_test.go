package middleware_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// subjects accepts tokens that name a subject, and remembers which it was asked
// for.
type subjects struct {
	mu    sync.Mutex
	asked []string
}

func (s *subjects) Validate(_ context.Context, token string) (*validator.Claims, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, token)
	if token == "bad" {
		return nil, &validator.Error{Code: validator.CodeSignature, Err: errors.New("it is bad")}
	}
	return &validator.Claims{Issuer: "https://issuer.example/", Subject: token}, nil
}

type validateFunc func(ctx context.Context, token string) (*validator.Claims, error)

func (f validateFunc) Validate(ctx context.Context, token string) (*validator.Claims, error) {
	return f(ctx, token)
}

// newAuth makes an Authenticator that logs nothing, with a Validator that
// accepts all but "bad".
func newAuth(t testing.TB, cfg middleware.Config) *middleware.Authenticator {
	t.Helper()
	if cfg.Validator == nil {
		cfg.Validator = new(subjects)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Fatalf("New() error = %v", err)
	}
	return auth
}

// spy is a handler that remembers the subjects it was called for: "-" for a
// request without claims.
type spy struct {
	mu   sync.Mutex
	seen []string
}

func (s *spy) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	subject := "-"
	if claims, ok := middleware.ClaimsFromContext(r.Context()); ok {
		subject = claims.Subject
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, subject)
}

// serve sends h a request with these Authorization fields.
func serve(h http.Handler, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header["Authorization"] = authorization
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func pass(context.Context, *validator.Claims) error { return nil }

func refuse(err error) validator.Check {
	return func(context.Context, *validator.Claims) error { return err }
}

// do asks the Guard of a route with these checks.
func do(auth *middleware.Authenticator, r *http.Request, checks ...validator.Check) (*http.Request, error) {
	admitted, refusal := auth.Guard(checks...).Do(http.Header{}, r)
	if refusal != nil {
		return admitted, refusal
	}
	return admitted, nil
}
