package validator

import (
	"context"
	"slices"
	"strings"
	"time"
)

// AnyOf returns a Check that passes if one of the checks does. They are tried
// in order. If none passes, it fails with the error that helps the client most:
//
//   - with [CodeUnavailable] if a check could not be decided, since asking
//     again may help;
//   - otherwise with [CodeScope] and all scopes that are required, if any are;
//   - otherwise with [CodeAuthentication] and all ways to authenticate that
//     are accepted, if there are any;
//   - otherwise with the code of the first check's error.
//
// The error's text has the reasons of all checks. With AnyOf of [Scopes] and
// [Roles], an API can require a scope of users and a role of daemons.
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
		return mostHelpful(errs)
	})
}

// mostHelpful returns the error that is documented at AnyOf. There is at least
// one error. The text has the causes of all.
func mostHelpful(errs []error) error {
	for _, code := range []Code{CodeUnavailable, CodeScope, CodeAuthentication} {
		if joined := join(code, errs, lenient); joined != nil {
			return joined
		}
	}
	return join(asError(errs[0]).Code, errs, lenient)
}

// AllOf returns a Check that passes if all of the checks do. They are tried in
// order. If one fails with an error that no better token can avoid, that error
// is returned. Otherwise the error covers all checks that failed. It has
// [CodeAuthentication] and names what satisfies every check of the user's
// authentication, if there is such a value, or it has [CodeScope] and names the
// scopes of all.
func AllOf(checks ...Check) Check {
	checks = allChecks("AllOf", checks)
	return withScopes(RequiredScopes(checks...), func(ctx context.Context, c *Claims) error {
		var errs []error
		for _, check := range checks {
			err := check(ctx, c)
			if err == nil {
				continue
			}
			if code := CodeOf(err); code != CodeScope && code != CodeAuthentication {
				return err
			}
			errs = append(errs, err)
		}
		if len(errs) == 0 {
			return nil
		}
		for _, code := range []Code{CodeAuthentication, CodeScope} {
			if joined := join(code, errs, strict); joined != nil {
				return joined
			}
		}
		return errs[0]
	})
}

func allChecks(name string, checks []Check) []Check {
	mustBe(len(checks) > 0, "%s: no checks", name)
	mustBe(!slices.ContainsFunc(checks, func(c Check) bool { return c == nil }), "%s: nil check", name)
	return slices.Clone(checks)
}

// How to join what several checks require of the user's authentication.
const (
	strict  = true  // what satisfies all of them
	lenient = false // what satisfies one
)

// join makes one error of those with code, or returns nil if there are none. If
// it is lenient, the causes of the others follow.
func join(code Code, errs []error, strict bool) *Error {
	var joined *Error
	var causes, others []error
	for _, err := range errs {
		e := asError(err)
		switch {
		case e.Code != code:
			if !strict && e.Err != nil {
				others = append(others, e.Err)
			}
			continue
		case joined == nil:
			joined = e.clone()
			joined.Err = nil
		default:
			joined.Scopes = union(joined.Scopes, e.Scopes)
			joined.ACRValues = joinACRValues(joined.ACRValues, e.ACRValues, strict)
			joined.MaxAge = joinMaxAge(joined.MaxAge, e.MaxAge, strict)
		}
		if e.Err != nil {
			causes = append(causes, e.Err)
		}
	}
	if joined == nil {
		return nil
	}
	causes = append(causes, others...)
	switch {
	case len(causes) == 1:
		joined.Err = causes[0]
	case len(causes) > 1:
		joined.Err = several(causes)
	}
	return joined
}

// several joins the causes of one error in one line.
type several []error

func (errs several) Error() string {
	var b strings.Builder
	for i, err := range errs {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

func (errs several) Unwrap() []error { return errs }

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
		return a // no value satisfies both, so the client learns of one check after the other
	}
	return both
}

// joinMaxAge ignores zero, which means that a check has no limit.
func joinMaxAge(a, b time.Duration, strict bool) time.Duration {
	switch {
	case a == 0 || b == 0:
		return a + b
	case strict:
		return min(a, b)
	}
	return max(a, b)
}
