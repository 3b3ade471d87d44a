package middleware_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func TestClaimsFromContext(t *testing.T) {
	t.Parallel()

	anna, bert := &validator.Claims{Subject: "anna"}, &validator.Claims{Subject: "bert"}
	type key struct{}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want *validator.Claims
	}{
		{"nothing", context.Background(), nil},
		{"claims", middleware.NewContext(context.Background(), anna), anna},
		{"below another value", context.WithValue(middleware.NewContext(context.Background(), anna), key{}, bert), anna},
		{"the innermost", middleware.NewContext(middleware.NewContext(context.Background(), anna), bert), bert},
		{"nil claims", middleware.NewContext(middleware.NewContext(context.Background(), anna), nil), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := middleware.ClaimsFromContext(tt.ctx); got != tt.want || ok != (tt.want != nil) {
				t.Errorf("ClaimsFromContext() = %v, %t, want %v, %t", got, ok, tt.want, tt.want != nil)
			}
		})
	}
}

func TestClaimsAs_errors(t *testing.T) {
	t.Parallel()

	type tenant struct{ Plan string }
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want validator.Code
	}{
		{"no claims", context.Background(), validator.CodeMissing},
		{"claims of no token", middleware.NewContext(context.Background(), &validator.Claims{Subject: "anna"}), validator.CodeClaim},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := middleware.ClaimsAs[tenant](tt.ctx); validator.CodeOf(err) != tt.want || got != (tenant{}) {
				t.Errorf("ClaimsAs() = %v, %v, want code %q", got, err, tt.want)
			}
		})
	}
}

// Contexts are printed by tracers and by mistake.
func TestContext_printsNoToken(t *testing.T) {
	t.Parallel()

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer the.whole.token")
	r, err := newAuth(t, middleware.Config{}).Authenticate(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%s"} {
		if got := fmt.Sprintf(format, r.Context()); strings.Contains(got, "token") {
			t.Errorf("Sprintf(%q, context) = %q, want no token", format, got)
		}
	}
}
