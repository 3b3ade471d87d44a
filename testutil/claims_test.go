package testutil_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

func claimsOf(t *testing.T, claims testutil.Claims) *validator.Claims {
	t.Helper()
	r := testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), claims)
	got, ok := middleware.ClaimsFromContext(r.Context())
	if !ok {
		t.Fatalf("WithClaims(%v): no claims in the context", claims)
	}
	return got
}

func TestWithClaims(t *testing.T) {
	t.Parallel()

	const jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	past, future := time.Unix(1_000_000_000, 0), time.Unix(4_000_000_000, 0)

	for _, tt := range []struct {
		name   string
		claims testutil.Claims
		want   validator.Claims // except the times, if they are now
	}{
		{"the defaults", nil, validator.Claims{}},
		{
			"all that have a field",
			testutil.Claims{
				"iss": "https://tenant.eu.auth0.com/", "sub": "anna", "aud": []string{"a", "b"}, "jti": "7", "azp": "app",
				"org_id": "org_1", "org_name": "acme", "gty": "client-credentials", "scope": "a b", "permissions": []any{"c"},
				"iat": past, "nbf": json.Number("1000000001"), "exp": future,
			},
			validator.Claims{
				Issuer: "https://tenant.eu.auth0.com/", Subject: "anna", Audience: []string{"a", "b"}, ID: "7", ClientID: "app", AuthorizedParty: "app",
				OrgID: "org_1", OrgName: "acme", GrantType: "client-credentials", Scopes: []string{"a", "b"}, Permissions: []string{"c"},
				IssuedAt: past, NotBefore: past.Add(time.Second), ExpiresAt: future,
			},
		},
		{"no subject", testutil.Claims{"sub": nil}, validator.Claims{Subject: "-"}},
		{"an issuer on loopback", testutil.Claims{"iss": "http://127.0.0.1:8080"}, validator.Claims{Issuer: "http://127.0.0.1:8080"}},
		{"a token of the past", testutil.Claims{"exp": past}, validator.Claims{IssuedAt: past.Add(-time.Second), ExpiresAt: past}},
		{
			"a token of the past with a start", testutil.Claims{"exp": past.Unix(), "iat": past.Add(-time.Minute)},
			validator.Claims{IssuedAt: past.Add(-time.Minute), ExpiresAt: past},
		},
		{
			"a token of the future", testutil.Claims{"nbf": future},
			validator.Claims{IssuedAt: future, NotBefore: future, ExpiresAt: future.Add(time.Hour)},
		},
		{
			"fractions", testutil.Claims{"nbf": float64(future.Unix()) + 0.5, "exp": float64(future.Unix()) + 1.5},
			validator.Claims{IssuedAt: future.Add(time.Second), NotBefore: future.Add(time.Second / 2), ExpiresAt: future.Add(3 * time.Second / 2)},
		},
		{"no iat", testutil.Claims{"iat": nil, "exp": past}, validator.Claims{ExpiresAt: past}},
		{"a token bound to a key", testutil.Claims{"cnf": map[string]string{"jkt": jkt}}, validator.Claims{Confirmation: &validator.Confirmation{JKT: jkt}}},
		{"a token bound to a certificate", testutil.Claims{"cnf": map[string]any{"x5t#S256": jkt}}, validator.Claims{Confirmation: &validator.Confirmation{X5TS256: jkt}}},
		{"an ID token", testutil.Claims{"nonce": "n", "at_hash": "h"}, validator.Claims{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			want := tt.want
			switch want.Subject {
			case "":
				want.Subject = "auth0|user"
			case "-":
				want.Subject = ""
			}
			if want.Issuer == "" {
				want.Issuer = "https://issuer.example/"
			}
			if want.Audience == nil {
				want.Audience = []string{"https://api.example.com"}
			}
			start := time.Now().Truncate(time.Second)
			got := claimsOf(t, tt.claims)
			if want.ExpiresAt.IsZero() {
				want.IssuedAt, want.ExpiresAt = got.IssuedAt, got.IssuedAt.Add(time.Hour)
				if got.IssuedAt.Before(start) || got.IssuedAt.After(time.Now()) {
					t.Errorf("WithClaims(%v): iat is %v, want now", tt.claims, got.IssuedAt)
				}
			}
			if diff := cmp.Diff(&want, got, cmpopts.IgnoreUnexported(validator.Claims{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("WithClaims(%v) (-want +got):\n%s", tt.claims, diff)
			}
		})
	}
}

// The claims behave like those of a token from the network, and not like a
// struct that a test has filled.
func TestWithClaims_decode(t *testing.T) {
	t.Parallel()

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	ctx := r.Context()
	r = testutil.WithClaims(r, testutil.Claims{
		"https://example.com/plan": "gold", "seats": 3, "limits": map[string]any{"eur": 1.5}, "gone": nil,
	})
	type tenant struct {
		Plan   string             `json:"https://example.com/plan"`
		Seats  int                `json:"seats"`
		Limits map[string]float64 `json:"limits"`
		Gone   *string            `json:"gone"`
		Sub    string             `json:"sub"`
	}
	got, err := middleware.ClaimsAs[tenant](r.Context())
	want := tenant{Plan: "gold", Seats: 3, Limits: map[string]float64{"eur": 1.5}, Sub: "auth0|user"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("ClaimsAs() error = %v, (-want +got):\n%s", err, diff)
	}
	if _, ok := middleware.ClaimsFromContext(ctx); ok {
		t.Error("WithClaims() changed the request that it was given")
	}
}

func TestWithClaims_checks(t *testing.T) {
	t.Parallel()

	claims := claimsOf(t, testutil.Claims{"scope": "orders:read"})
	if err := validator.Scopes("orders:read")(t.Context(), claims); err != nil {
		t.Errorf("Scopes(orders:read) = %v, want nil", err)
	}
	if err := validator.Scopes("orders:write")(t.Context(), claims); validator.CodeOf(err) != validator.CodeScope {
		t.Errorf("Scopes(orders:write) = %v, want code %q", err, validator.CodeScope)
	}
}

func TestWithClaims_neverTrusted(t *testing.T) {
	t.Parallel()

	auth, err := middleware.New(middleware.Config{Validator: refuseAll{}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), nil)
	auth.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status = %d, want 401: claims of a test must not pass for a token", w.Code)
	}
}

type refuseAll struct{}

func (refuseAll) Validate(context.Context, string) (*validator.Claims, error) {
	return nil, &validator.Error{Code: validator.CodeSignature}
}

func TestWithClaims_panics(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name   string
		claims testutil.Claims
		want   string
	}{
		{"no issuer", testutil.Claims{"iss": nil}, "iss is missing"},
		{"an empty issuer", testutil.Claims{"iss": ""}, "iss is missing"},
		{"no audience", testutil.Claims{"aud": nil}, "aud is missing"},
		{"an audience of nothing", testutil.Claims{"aud": []string{}}, "aud is missing"},
		{"an audience that is a number", testutil.Claims{"aud": 7}, "aud is missing"},
		{"no end", testutil.Claims{"exp": nil}, "exp"},
		{"an end that is a string", testutil.Claims{"exp": "2030-01-01"}, "exp"},
		{"an end before the start", testutil.Claims{"nbf": 2000, "exp": 1000}, "exp"},
		{"an end at the start", testutil.Claims{"nbf": 1000, "exp": 1000}, "exp"},
		{"a subject that is a number", testutil.Claims{"sub": 7}, "sub"},
		{"a client that is a number", testutil.Claims{"client_id": 7}, "client_id"},
		{"an unknown binding", testutil.Claims{"cnf": map[string]string{"kid": "1"}}, "cnf"},
		{"a date beyond all dates", testutil.Claims{"iat": 1e300}, "iat"},
		{"what is no JSON", testutil.Claims{"f": func() {}}, "json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			defer func() {
				const prefix = "testutil.WithClaims: no token can have these claims: "
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, prefix) || !strings.Contains(got[len(prefix):], tt.want) {
					t.Errorf("WithClaims(%v) panicked with %q, want %q and %q in it", tt.claims, got, prefix, tt.want)
				}
			}()
			testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), tt.claims)
		})
	}
}

func ExampleWithClaims() {
	// The handler under test, which production guards with an Authenticator.
	greet := func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		fmt.Fprintf(w, "hello %s, may write: %t", claims.Subject, claims.HasScope("orders:write"))
	}

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = testutil.WithClaims(r, testutil.Claims{"sub": "anna", "scope": "orders:read orders:write"})
	w := httptest.NewRecorder()
	greet(w, r)

	fmt.Println(w.Body)
	// Output: hello anna, may write: true
}
