package middleware_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// What an ErrorHandler does to its error changes nothing for the next request,
// whatever has made the error: a function of the Config's or a check may return
// the same to all.
func TestConfig_ErrorHandler_ownsItsError(t *testing.T) {
	t.Parallel()

	shared := &validator.Error{Code: validator.CodeScope, Scopes: []string{"a"}, ACRValues: []string{"b"}, Err: errors.New("no")}
	missing := &validator.Error{Code: validator.CodeMissing, Scopes: []string{"c"}}
	wrapped := fmt.Errorf("wrapped: %w", shared)
	find := func(err error) func(*http.Request) (string, error) {
		return func(*http.Request) (string, error) { return "", err }
	}
	issuerForHost := func(string) string { return "x" }
	for _, tt := range []struct {
		name   string
		cfg    middleware.Config
		checks []validator.Check
	}{
		{"no token", middleware.Config{Token: find(nil)}, nil},
		{"Token", middleware.Config{Token: find(shared)}, nil},
		{"Token, missing", middleware.Config{Token: find(missing)}, nil},
		{"Token, wrapped", middleware.Config{Token: find(wrapped)}, nil},
		{"Token, another error", middleware.Config{Token: find(errors.New("no"))}, nil},
		{"Origin", middleware.Config{Origin: find(shared), IssuerForHost: issuerForHost}, nil},
		{"IssuerForHost", middleware.Config{IssuerForHost: issuerForHost}, nil},
		{"ClientCertificate", middleware.Config{ClientCertificate: func(*http.Request) (*x509.Certificate, error) { return nil, shared }}, nil},
		{"Validator", middleware.Config{Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return nil, shared })}, nil},
		{"a check", middleware.Config{}, []validator.Check{refuse(shared)}},
		{"a check, wrapped", middleware.Config{}, []validator.Check{refuse(wrapped)}},
		{"a check in AnyOf", middleware.Config{}, []validator.Check{validator.AnyOf(refuse(shared))}},
		{"a check of the library", middleware.Config{}, []validator.Check{validator.Scopes("a")}},
	} {
		var said []string
		tt.cfg.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			var e *validator.Error
			if !errors.As(err, &e) {
				t.Fatalf("%s: ErrorHandler got %#v, want an Error in it", tt.name, err)
			}
			said = append(said, fmt.Sprint(status, w.Header()["Www-Authenticate"], err, e.Code, e.Scopes, e.ACRValues, e.Issuer))
			for _, list := range [][]string{e.Scopes, e.ACRValues} {
				for i := range list {
					list[i] = "spoiled"
				}
			}
			*e = validator.Error{Code: "spoiled", Issuer: "spoiled"}
		}
		h := newAuth(t, tt.cfg).Require(tt.checks...)(new(spy))
		for range 2 {
			r := httptest.NewRequest(http.MethodGet, "/orders", nil)
			r.Header.Set("Authorization", "Bearer anna")
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		if len(said) != 2 || said[0] != said[1] {
			t.Errorf("%s: ErrorHandler got, one after the other, %q, want the same twice", tt.name, said)
		}
	}
	if got := fmt.Sprint(shared.Code, shared.Scopes, shared.ACRValues, shared.Issuer, missing.Code, missing.Scopes); got != "insufficient_scope[a] [b]token_missing[c]" {
		t.Errorf("the error that all of them return is now %s, want it as it was", got)
	}
}
