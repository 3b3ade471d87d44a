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

// A Check decides whether a token with these claims, verified, may go on.
// Checks stand in [Config.Checks] or guard a route; the ones of this package
// and a service's own are alike. Nil lets the token pass. An [*Error] in the
// chain of a Check's error says what the client is told; any other error is of
// [CodeRefused], a 403.
//
// A panic in a Check is a rejection with [CodeInternal], a 500, where
// [Validator.Validate] or package middleware's Guard.Do runs it. A program that
// calls a Check itself has to recover itself.
//
// A Check is called for many requests at once, and must not change the claims,
// which the handler gets. The functions that make Checks panic if what they are
// given can never be right: no values, empty ones, or ones outside a grammar.
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

// Permissions returns a Check that requires all of these in the claim
// "permissions", which Auth0 adds for APIs with role-based access control.
// Scopes never stand in for them. It fails with [CodeScope].
func Permissions(all ...string) Check {
	all = scopeTokens("Permissions", all)
	return withScopes(all, func(_ context.Context, c *Claims) error {
		return requireAll("the token's permissions lack ", c.Permissions, all)
	})
}

// AnyPermission returns a Check that requires at least one of these in the
// claim "permissions". It fails with [CodeScope].
func AnyPermission(anyOf ...string) Check {
	anyOf = scopeTokens("AnyPermission", anyOf)
	return withScopes(anyOf, func(_ context.Context, c *Claims) error {
		return requireAny("the token's permissions have ", c.Permissions, anyOf)
	})
}

// Clients returns a Check that requires one of these in [Claims].ClientID: the
// client to which the token was issued. It fails with [CodeRefused].
func Clients(ids ...string) Check {
	return oneOf("Clients", "the token's client", "no client, by client_id, azp, cid or appid", ids, func(c *Claims) string { return c.ClientID })
}

// Subjects demands one of these in "sub". Its error is of [CodeRefused].
func Subjects(subjects ...string) Check {
	return oneOf("Subjects", "the token's subject", "no sub", subjects, func(c *Claims) string { return c.Subject })
}

// GrantType demands one of these in Auth0's claim "gty", such as
// "client-credentials". Its error is of [CodeRefused].
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

// MaxAge demands that the token was issued no longer than d ago, whatever its
// "exp" says. Its error is of [CodeExpired], or of [CodeClaim] if there is no
// "iat".
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

// CheckAs makes a Check of a function that wants the claims in a type of its
// own, as [Claims.Decode] stores them. If they can't be decoded the error is of
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

// scopeTokens returns a copy of what a check for scopes requires.
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

// unless returns refusal as an error, or nil if the check is met. The error is
// the caller's to change.
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
