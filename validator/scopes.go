package validator

import (
	"context"
	"reflect"
	"slices"
)

// RequiredScopes returns the scopes that these checks ask for, in the order
// written, as far as that is known without a token: those of [Scopes],
// [AnyScope], [Permissions] and [AnyPermission], and of [AnyOf] and [AllOf]
// over them. A token without any scope would be rejected with the same list.
// Checks of the caller's own are not called, and add nothing.
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

// A scoped is a check that can be asked for its scopes. A Check is a function,
// and so has nothing to be asked but by a call, and a check of the caller's own
// must not be called without a token. Those that are made here are told from
// all others by their code: each is the method check of a scoped.
type scoped struct {
	scopes []string
	run    Check
}

// withScopes returns a Check that does what run does.
func withScopes(scopes []string, run Check) Check {
	s := &scoped{slices.Clone(scopes), run}
	return s.check
}

// scopesAsked stands in for claims where a scoped is asked for its scopes.
var scopesAsked = new(Claims)

func (s *scoped) check(ctx context.Context, c *Claims) error {
	if c == scopesAsked {
		return &Error{Code: CodeScope, Scopes: s.scopes}
	}
	return s.run(ctx, c)
}

// isScoped compares code addresses. Two functions never share one, so nothing
// but the method check is called. Should a toolchain give that method two, a
// challenge lacks its scopes, and a test fails.
func isScoped(check Check) bool {
	return reflect.ValueOf(check).Pointer() == reflect.ValueOf(new(scoped).check).Pointer()
}
