package validator

import (
	"context"
	"reflect"
	"slices"
)

// RequiredScopes returns the scopes that these checks require, in the order
// written, as far as they are known without a token. They are those of
// [Scopes], [AnyScope], [Permissions] and [AnyPermission], and of [AnyOf] and
// [AllOf] over them. A token without scopes would be rejected with the same
// list. Checks of the caller's own are not called and add nothing.
//
// Package middleware names them to clients that have no token yet.
func RequiredScopes(checks ...Check) []string {
	var scopes []string
	for _, check := range checks {
		if !isScoped(check) {
			continue
		}
		if e, ok := check(context.Background(), scopesAsked).(*Error); ok {
			scopes = union(scopes, e.Scopes)
		}
	}
	return scopes
}

// A scoped is a check whose scopes can be asked for. A Check is a function, so
// it can only be called, and a check of the caller's own must not be called
// without a token. The checks of this package are recognized by their code
// address: each is the method check of a scoped.
type scoped struct {
	scopes []string
	run    Check
}

// withScopes returns a Check that calls run.
func withScopes(scopes []string, run Check) Check {
	s := &scoped{slices.Clone(scopes), run}
	return s.check
}

// scopesAsked takes the place of claims when a scoped is asked for its scopes.
var scopesAsked = new(Claims)

func (s *scoped) check(ctx context.Context, c *Claims) error {
	if c == scopesAsked {
		return &Error{Code: CodeScope, Scopes: s.scopes}
	}
	return s.run(ctx, c)
}

// isScoped compares code addresses. Two functions never share one, so only the
// method check is called. If a toolchain gave that method two addresses,
// challenges would lack their scopes, and a test would fail.
func isScoped(check Check) bool {
	return reflect.ValueOf(check).Pointer() == reflect.ValueOf(new(scoped).check).Pointer()
}
