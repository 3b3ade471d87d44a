package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/scopetoken"
)

// A Check decides whether a token with these verified claims is accepted. Nil
// accepts it. Use it in [Config.Checks], or to guard a route. A service can
// write its own. If an [*Error] is in the chain of a Check's error, its Code
// chooses the response. Any other error counts as [CodeRefused], a 403.
//
// A panic in a Check is a rejection with [CodeInternal], a 500, if
// [Validator.Validate] or the Guard.Do of package middleware runs it. A program
// that calls a Check itself must recover from panics itself.
//
// A Check must be safe for concurrent use. It must not change the claims,
// because the handler gets them. The constructors of Checks panic on arguments
// that can never be valid: no values, empty values, and values outside the
// grammar.
type Check func(ctx context.Context, c *Claims) error

// Scopes returns a Check that requires all of these scopes. It fails with
// [CodeScope].
func Scopes(all ...string) Check {
	all = scopeTokens("Scopes", all)
	return withScopes(all, func(_ context.Context, c *Claims) error {
		return requireAll("the token's scope lacks ", c.Scopes, all)
	})
}

// AnyScope returns a Check that requires at least one of these scopes. It fails
// with [CodeScope].
func AnyScope(anyOf ...string) Check {
	anyOf = scopeTokens("AnyScope", anyOf)
	return withScopes(anyOf, func(_ context.Context, c *Claims) error {
		return requireAny("the token's scope has ", c.Scopes, anyOf)
	})
}

// Permissions returns a Check that requires all of these permissions. They are
// in the claim "permissions", which Auth0 adds for APIs with role-based access
// control. A scope never replaces a permission. It fails with [CodeScope].
func Permissions(all ...string) Check {
	all = scopeTokens("Permissions", all)
	return withScopes(all, func(_ context.Context, c *Claims) error {
		return requireAll("the token's permissions lack ", c.Permissions, all)
	})
}

// AnyPermission returns a Check that requires at least one of these
// permissions. It fails with [CodeScope].
func AnyPermission(anyOf ...string) Check {
	anyOf = scopeTokens("AnyPermission", anyOf)
	return withScopes(anyOf, func(_ context.Context, c *Claims) error {
		return requireAny("the token's permissions have ", c.Permissions, anyOf)
	})
}

// Clients returns a Check that requires that the token was issued to one of
// these clients, by [Claims].ClientID. It fails with [CodeRefused].
func Clients(ids ...string) Check {
	return oneOf("Clients", "the token's client", "no client, by client_id, azp, cid or appid", ids, func(c *Claims) string { return c.ClientID })
}

// Subjects returns a Check that requires one of these values in "sub". It fails
// with [CodeRefused].
func Subjects(subjects ...string) Check {
	return oneOf("Subjects", "the token's subject", "no sub", subjects, func(c *Claims) string { return c.Subject })
}

// GrantType returns a Check that requires one of these values in Auth0's claim
// "gty", such as "client-credentials". It fails with [CodeRefused].
func GrantType(types ...string) Check {
	types = slices.Clone(types)
	mustBe(len(types) > 0 && !slices.Contains(types, ""), "GrantType: no values, or an empty one")
	missing := &Error{Code: CodeRefused, Err: errors.New("the token has no gty, want one of " + quoteAll(types))}
	refusal := &Error{Code: CodeRefused, Err: errors.New("the token's grant type is none of " + quoteAll(types))}
	return func(_ context.Context, c *Claims) error {
		if c.GrantType == "" {
			return missing.clone()
		}
		return unless(containsAny(strings.Fields(c.GrantType), types), refusal)
	}
}

// MaxAge returns a Check that requires that the token was issued at most d ago,
// whatever its "exp" says. It fails with [CodeExpired], or with [CodeClaim] if
// there is no "iat".
func MaxAge(d time.Duration) Check {
	mustBe(d > 0, "MaxAge: %v is not positive", d)
	return func(_ context.Context, c *Claims) error {
		if c.IssuedAt.IsZero() {
			return &Error{Code: CodeClaim, Err: &mismatch{name: "iat", advice: "MaxAge needs it"}}
		}
		if now := c.moment().now; now.Sub(c.IssuedAt) > d {
			return &Error{Code: CodeExpired, Err: fmt.Errorf("MaxAge(%v): %w", d, moment{now: now}.untimely("iat", c.IssuedAt))}
		}
		return nil
	}
}

// CheckAs returns a Check that decodes the claims into a T, as [Claims.Decode]
// does, and calls check with it. If they can't be decoded, it fails with
// [CodeClaim].
func CheckAs[T any](check func(ctx context.Context, claims T) error) Check {
	mustBe(check != nil, "CheckAs: nil function")
	return func(ctx context.Context, c *Claims) error {
		var claims T
		if err := c.Decode(&claims); err != nil {
			return err
		}
		return check(ctx, claims)
	}
}

// scopeTokens returns a copy of the values of a scope check.
func scopeTokens(check string, scopes []string) []string {
	mustBe(len(scopes) > 0, "%s: no values", check)
	for _, scope := range scopes {
		mustBe(scopetoken.Valid(scope), "%s: %q is not a scope-token (RFC 6749, Section 3.3)", check, scope)
	}
	return slices.Clone(scopes)
}

// requireAll returns an error that names what is missing.
func requireAll(text string, has, wanted []string) error {
	var missing []string
	for _, w := range wanted {
		if !slices.Contains(has, w) {
			missing = append(missing, w)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if len(missing) == 1 {
		text += quote(missing[0])
	} else {
		text += "all of " + quoteAll(missing)
	}
	return &Error{Code: CodeScope, Scopes: slices.Clone(wanted), Err: errors.New(text)}
}

func requireAny(text string, has, wanted []string) error {
	if containsAny(has, wanted) {
		return nil
	}
	return &Error{Code: CodeScope, Scopes: slices.Clone(wanted), Err: errors.New(text + "none of " + quoteAll(wanted))}
}

func oneOf(check, what, none string, wanted []string, of func(*Claims) string) Check {
	mustBe(len(wanted) > 0 && !slices.Contains(wanted, ""), "%s: no values, or an empty one", check)
	wanted = slices.Clone(wanted)
	missing := &Error{Code: CodeRefused, Err: errors.New("the token has " + none + ", want one of " + quoteAll(wanted))}
	refusal := &Error{Code: CodeRefused, Err: errors.New(what + " is none of " + quoteAll(wanted))}
	return func(_ context.Context, c *Claims) error {
		found := of(c)
		if found == "" {
			return missing.clone()
		}
		return unless(slices.Contains(wanted, found), refusal)
	}
}

func containsAny(has, wanted []string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(has, w) })
}

// unless returns a copy of refusal as an error, or nil if the check is met. The
// caller may change the copy.
func unless(met bool, refusal *Error) error {
	if met {
		return nil
	}
	return refusal.clone()
}

func mustBe(condition bool, format string, args ...any) {
	if !condition {
		panic("validator: " + fmt.Sprintf(format, args...))
	}
}
