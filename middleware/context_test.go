package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
	derived, cancel := context.WithCancel(r.Context())
	defer cancel()
	for _, ctx := range []context.Context{r.Context(), derived} {
		for _, format := range []string{"%v", "%+v", "%s", "%#v", "%q", "%d", "%x"} {
			if got := fmt.Sprintf(format, ctx); strings.Contains(got, "token") || strings.Contains(got, fmt.Sprintf("%x", "token")) {
				t.Errorf("Sprintf(%q, context) = %q, want no token", format, got)
			}
		}
	}
}

// What the request's own context says, that of the handler says too.
func TestContext_keepsTheRequests(t *testing.T) {
	t.Parallel()

	type key struct{}
	ctx, cancel := context.WithTimeoutCause(context.WithValue(t.Context(), key{}, "value"), time.Hour, errors.New("too late"))
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer the.whole.token")
	r, err := newAuth(t, middleware.Config{}).Authenticate(r)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Context()
	want, _ := ctx.Deadline()
	if deadline, ok := got.Deadline(); !ok || !deadline.Equal(want) {
		t.Errorf("Deadline() = %v, %t, want %v", deadline, ok, want)
	}
	if value := got.Value(key{}); value != "value" {
		t.Errorf("Value() = %v, want that of the request's context", value)
	}
	child, cancelChild := context.WithCancel(got)
	defer cancelChild()
	cancel()
	<-child.Done()
	if !errors.Is(got.Err(), context.Canceled) || !errors.Is(context.Cause(child), context.Canceled) {
		t.Errorf("after cancel, Err() = %v, and a child's cause is %v", got.Err(), context.Cause(child))
	}
}
