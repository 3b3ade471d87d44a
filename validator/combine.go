package validator

import (
	"context"
	"errors"
	"slices"
	"time"
)

// AnyOf passes if one of the checks does. They are tried in order. If none passes, the error is one that helps the client:
// of [CodeUnavailable] if a check could not be decided, since asking again may do; else of [CodeScope] with all scopes
// that were wanted, if any were; else of [CodeAuthentication] with all ways to authenticate that would do, if that was
// wanted; else it is the first check's.
func AnyOf(checks ...Check) Check {
	checks = allChecks("AnyOf", checks)
	return withScopes(RequiredScopes(checks...), func(ctx context.Context, c *Claims) error {
		var errs []error
		for _, check := range checks {
			err := check(ctx, c)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		for _, code := range []Code{CodeUnavailable, CodeScope, CodeAuthentication} {
			if err := join(code, errs, lenient); err != nil {
				return err
			}
		}
		return errs[0]
	})
}

// AllOf passes if all of the checks do. They are asked in order until one fails for which a better token is no help, whose
// error is returned. Else the error is of [CodeAuthentication] and asks for what satisfies every check that wants the user
// to authenticate, if one does, or of [CodeScope] with the scopes of all that failed.
func AllOf(checks ...Check) Check {
	checks = allChecks("AllOf", checks)
	return withScopes(RequiredScopes(checks...), func(ctx context.Context, c *Claims) error {
		var errs []error
		for _, check := range checks {
			err := check(ctx, c)
			switch CodeOf(err) {
			case "":
			case CodeScope, CodeAuthentication:
				errs = append(errs, err)
			default:
				return err
			}
		}
		if err := join(CodeAuthentication, errs, strict); err != nil {
			return err
		}
		return join(CodeScope, errs, strict)
	})
}

func allChecks(name string, checks []Check) []Check {
	mustBe(len(checks) > 0, "%s: no checks", name)
	mustBe(!slices.ContainsFunc(checks, func(c Check) bool { return c == nil }), "%s: nil check", name)
	return slices.Clone(checks)
}

// How to join what several checks want of the user's authentication.
const (
	strict  = true  // what satisfies all of them
	lenient = false // what satisfies one
)

// join makes one error of those of a code. It returns nil if there are none.
func join(code Code, errs []error, strict bool) error {
	var joined *Error
	for _, err := range errs {
		e := asError(err)
		switch {
		case e.Code != code:
		case joined == nil:
			joined = e.clone()
			joined.Err = err
		default:
			joined.Err = errors.Join(joined.Err, err)
			joined.Scopes = union(joined.Scopes, e.Scopes)
			joined.ACRValues = joinACRValues(joined.ACRValues, e.ACRValues, strict)
			joined.MaxAge = joinMaxAge(joined.MaxAge, e.MaxAge, strict)
		}
	}
	if joined == nil {
		return nil // and not a nil *Error
	}
	return joined
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

func joinACRValues(a, b []string, strict bool) []string {
	if !strict || len(a) == 0 || len(b) == 0 {
		return union(a, b)
	}
	both := slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
	if len(both) == 0 {
		return a // nothing satisfies both: the one check will tell after the other
	}
	return both
}

// joinMaxAge takes zero for a check that says nothing of it.
func joinMaxAge(a, b time.Duration, strict bool) time.Duration {
	switch {
	case a == 0 || b == 0:
		return a + b
	case strict:
		return min(a, b)
	}
	return max(a, b)
}
