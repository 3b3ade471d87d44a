package validator_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rsguard/rsguard/validator"
)

func TestRequiredScopes(t *testing.T) {
	t.Parallel()

	called := false
	own := func(context.Context, *validator.Claims) error {
		called = true
		return &validator.Error{Code: validator.CodeScope, Scopes: []string{"own"}}
	}
	scopes := validator.Scopes("b", "a")
	type checks = []validator.Check
	for _, tt := range []struct {
		name   string
		checks checks
		want   []string
	}{
		{"none", nil, nil},
		{"Scopes", checks{scopes}, []string{"b", "a"}},
		{"AnyScope", checks{validator.AnyScope("b", "a")}, []string{"b", "a"}},
		{"Permissions", checks{validator.Permissions("b", "a")}, []string{"b", "a"}},
		{"AnyPermission", checks{validator.AnyPermission("b", "a")}, []string{"b", "a"}},
		{"several", checks{scopes, validator.AnyScope("c", "b")}, []string{"b", "a", "c"}},
		{"AnyOf", checks{validator.AnyOf(validator.Clients("x"), scopes, validator.Scopes("c"))}, []string{"b", "a", "c"}},
		{"AllOf", checks{validator.AllOf(validator.ACR("x"), scopes, validator.Scopes("c"))}, []string{"b", "a", "c"}},
		{"one in the other", checks{validator.AllOf(validator.AnyOf(validator.AllOf(scopes)), validator.Scopes("c"))}, []string{"b", "a", "c"}},
		{"a check of one's own", checks{own}, nil},
		{"in AnyOf", checks{validator.AnyOf(own, scopes)}, []string{"b", "a"}},
		{"in AllOf", checks{validator.AllOf(scopes, own)}, []string{"b", "a"}},
		{"around another", checks{func(ctx context.Context, c *validator.Claims) error { return scopes(ctx, c) }}, nil},
		{"all others", checks{
			validator.Clients("x"), validator.Subjects("x"), validator.GrantType("x"), validator.Organization("x"),
			validator.MaxAge(time.Hour), validator.AuthenticatedWithin(time.Hour), validator.ACR("x"),
			validator.OrganizationFunc(func(context.Context) (string, error) { called = true; return "", nil }),
			validator.CheckAs(func(context.Context, struct{}) error { called = true; return nil }),
		}, nil},
	} {
		got := validator.RequiredScopes(tt.checks...)
		if !slices.Equal(got, tt.want) {
			t.Errorf("RequiredScopes(%s) = %q, want %q", tt.name, got, tt.want)
		}
		for i := range got {
			got[i] = "changed"
		}
		if got := validator.RequiredScopes(tt.checks...); !slices.Equal(got, tt.want) {
			t.Errorf("RequiredScopes(%s) after its result was changed = %q, want %q", tt.name, got, tt.want)
		}
	}
	if called {
		t.Error("RequiredScopes has called a check of the caller's own, want none")
	}
}
