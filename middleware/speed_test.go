package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// An identity that is a context, and a request with it: nothing else of an
// accepted request is ours.
const maxAllocs = 2

func TestAllocs(t *testing.T) {
	claims := &validator.Claims{Subject: "anna"}
	auth := newAuth(t, middleware.Config{
		Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return claims, nil }),
	})
	observed := newAuth(t, middleware.Config{
		Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return claims, nil }),
		Observe:   func(context.Context, middleware.Event) {},
	})
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest(http.MethodGet, "/orders?a=b&c=d", nil)
	r.Header.Set("Authorization", "Bearer the.whole.token")
	w := httptest.NewRecorder()

	for _, tt := range []struct {
		name string
		h    http.Handler
		want float64
	}{
		{"Handler", auth.Handler(nothing), maxAllocs},
		{"Require", auth.Require(pass, pass)(nothing), maxAllocs},
		{"Handler with Observe", observed.Handler(nothing), maxAllocs},
		{"Require inside Handler", auth.Handler(auth.Require(pass)(nothing)), maxAllocs},
	} {
		if got := testing.AllocsPerRun(100, func() { tt.h.ServeHTTP(w, r) }); got > tt.want {
			t.Errorf("%s: %v allocations beside Validate's, want %v at most", tt.name, got, tt.want)
		}
	}
	if w.Code != http.StatusOK {
		t.Errorf("status = %d, want 200: these are not the allocations of an accepted request", w.Code)
	}
}

func BenchmarkHandler(b *testing.B) {
	claims := &validator.Claims{Subject: "anna"}
	auth := newAuth(b, middleware.Config{
		Validator: validateFunc(func(_ context.Context, token string) (*validator.Claims, error) {
			if token == "bad" {
				return nil, &validator.Error{Code: validator.CodeSignature}
			}
			return claims, nil
		}),
	})
	count := 0
	observed := newAuth(b, middleware.Config{
		Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return claims, nil }),
		Observe:   func(context.Context, middleware.Event) { count++ },
	})
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

	for _, bb := range []struct {
		name, authorization string
		h                   http.Handler
	}{
		{"accepted", "Bearer the.whole.token", auth.Handler(nothing)},
		{"accepted/nested", "Bearer the.whole.token", auth.Handler(auth.Require(pass)(nothing))},
		{"accepted/observed", "Bearer the.whole.token", observed.Handler(nothing)},
		{"refused", "Bearer bad", auth.Handler(nothing)},
		{"missing", "", auth.Handler(nothing)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/orders", nil)
			if bb.authorization != "" {
				r.Header.Set("Authorization", bb.authorization)
			}
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				bb.h.ServeHTTP(w, r)
			}
		})
	}
}

// discard is a response that keeps nothing but its header.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
