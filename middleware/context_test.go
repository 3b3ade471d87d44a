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
		{"claims", middleware.ContextWithClaims(context.Background(), anna), anna},
		{"below another value", context.WithValue(middleware.ContextWithClaims(context.Background(), anna), key{}, bert), anna},
		{"the innermost", middleware.ContextWithClaims(middleware.ContextWithClaims(context.Background(), anna), bert), bert},
		{"nil claims", middleware.ContextWithClaims(middleware.ContextWithClaims(context.Background(), anna), nil), nil},
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
		{"claims of no token", middleware.ContextWithClaims(context.Background(), &validator.Claims{Subject: "anna"}), validator.CodeClaim},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := middleware.ClaimsAs[tenant](tt.ctx); validator.CodeOf(err) != tt.want || got != (tenant{}) {
				t.Errorf("ClaimsAs() = %v, %v, want code %q", got, err, tt.want)
			}
		})
	}
}

// Contexts are printed by tracers and by mistake, and so is what has one in it.
func TestContext_printsNoToken(t *testing.T) {
	t.Parallel()

	const secret = "sEcReT"
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer the."+secret+".token")
	r, err := do(newAuth(t, middleware.Config{
		Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return &validator.Claims{Subject: secret}, nil
		}),
	}), r)
	if err != nil {
		t.Fatal(err)
	}
	ctx := r.Context()
	r.Header.Del("Authorization") // where a request shows it anyway
	derived, cancel := context.WithCancel(ctx)
	defer cancel()
	type job struct{ ctx context.Context }
	for name, value := range map[string]any{
		"a context": ctx, "one with cancel": derived, "one without cancel": context.WithoutCancel(ctx),
		"a request": r, "a struct": job{ctx}, "a pointer": &job{ctx}, "a slice": []context.Context{ctx, derived},
	} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
			for _, flags := range []string{"", "+", "#", "+#"} {
				format := "%" + flags + string(verb)
				if got := fmt.Sprintf(format, value); strings.Contains(got, secret) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", secret)) {
					t.Errorf("Sprintf(%q, %s) = %q, want neither token nor claims", format, name, got)
				}
			}
		}
	}
	if got, want := fmt.Sprint(ctx), "context.Background.WithClaims"; got != want {
		t.Errorf("Sprint(context) = %q, want %q", got, want)
	}
}

// What the request's own context says, that of the handler says too.
func TestContext_keepsTheRequests(t *testing.T) {
	t.Parallel()

	type key struct{}
	ctx, cancel := context.WithTimeoutCause(context.WithValue(t.Context(), key{}, "value"), time.Hour, errors.New("too late"))
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer the.whole.token")
	r, err := do(newAuth(t, middleware.Config{}), r)
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
