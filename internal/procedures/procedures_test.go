package procedures_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/procedures"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// anyone accepts all tokens but one.
type anyone struct{}

func (anyone) Validate(_ context.Context, token string) (*validator.Claims, error) {
	if token == "down" {
		return nil, &validator.Error{Code: validator.CodeUnavailable}
	}
	return &validator.Claims{Subject: token}, nil
}

func newTable(t *testing.T, rules map[string]procedures.Rule) *procedures.Table {
	t.Helper()
	auth, err := middleware.New(middleware.Config{Validator: anyone{}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := procedures.New(auth, rules, procedures.Words{Package: "p", Field: "Methods", Name: "full method", Noun: "method"})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Names that differ in a byte are other procedures, and rejected.
func TestTable_Of(t *testing.T) {
	t.Parallel()
	table := newTable(t, map[string]procedures.Rule{
		"/shop.Orders/List": {}, "/shop.Orders/": {Public: true}, "/shop.Carts/List": {},
	})
	for procedure, want := range map[string]string{
		"/shop.Orders/List":  "/shop.Orders/List",
		"/shop.Orders/list":  "/shop.Orders/",
		"/shop.Orders/":      "/shop.Orders/",
		"/shop.Orders/a/b":   "",
		"/shop.Orders":       "",
		"/shop.orders/List":  "",
		"shop.Orders/List":   "",
		"//shop.Orders/List": "",
		"/shop.Carts/List":   "/shop.Carts/List",
		"/shop.Carts/List/":  "",
		"/shop.Carts/Other":  "",
		"/shop.Carts/":       "",
		"/":                  "",
		"":                   "",
		"List":               "",
	} {
		e := table.Of(procedure)
		if e.Name != want || e.Public != (want == "/shop.Orders/") {
			t.Errorf("Of(%q) = %q, public %t, want %q", procedure, e.Name, e.Public, want)
		}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", "Bearer anna")
		if _, refusal := e.Guard.Do(http.Header{}, r); (refusal == nil) != (want != "") || refusal != nil && refusal.Status != http.StatusForbidden {
			t.Errorf("Of(%q).Guard.Do() = %v", procedure, refusal)
		}
	}
}

func TestNew_faults(t *testing.T) {
	t.Parallel()
	words := procedures.Words{Package: "p", Field: "Methods", Name: "full method", Noun: "method"}
	for _, name := range []string{"", "/", "//", "shop.Orders/List", "/shop.Orders", "/shop/Orders/List", "//List"} {
		_, err := procedures.New(new(middleware.Authenticator), map[string]procedures.Rule{name: {}, "/a/b": {}}, words)
		if want := "p: Config.Methods: \"" + name + "\" is neither a full method"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("New(%q) error = %v, want %s", name, err, want)
		}
	}
	_, err := procedures.New(nil, nil, words)
	if err == nil || err.Error() != "p: the Authenticator is nil\np: Config.Methods is empty, so every method would be rejected" {
		t.Errorf("New(nil, nil) error = %v", err)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		err    error
		code   procedures.Code
		reason string
	}{
		{400, &validator.Error{Code: validator.CodeRequest}, procedures.Unauthenticated, "invalid_request"},
		{401, &validator.Error{Code: validator.CodeMissing}, procedures.Unauthenticated, "token_missing"},
		{401, &validator.Error{Code: validator.CodeExpired}, procedures.Unauthenticated, "invalid_token"},
		{401, &validator.Error{Code: validator.CodeNonce}, procedures.Unauthenticated, "use_dpop_nonce"},
		{403, &validator.Error{Code: validator.CodeScope}, procedures.PermissionDenied, "insufficient_scope"},
		{403, &validator.Error{Code: validator.CodeRefused}, procedures.PermissionDenied, "refused"},
		{500, &validator.Error{Code: validator.CodeInternal}, procedures.Internal, "internal_error"},
		{503, &validator.Error{Code: validator.CodeUnavailable}, procedures.Unavailable, "unavailable"},
		{0, errors.New("x"), procedures.Internal, "internal_error"},
	} {
		code, reason := procedures.Answer(&middleware.Refusal{Status: tt.status, Err: tt.err})
		if code != tt.code || reason != tt.reason {
			t.Errorf("Answer(%d, %v) = %d, %q, want %d, %q", tt.status, tt.err, code, reason, tt.code, tt.reason)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"": -1, "0": 0, "17": 17 * time.Second, "Sat, 28 Nov 2026 00:00:00 GMT": -1} {
		got, ok := procedures.RetryAfter(http.Header{"Retry-After": {value}})
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("RetryAfter(%q) = %v, %t, want %v", value, got, ok, want)
		}
	}
}
