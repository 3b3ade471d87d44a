package issuers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// says returns a Check that requires one of these values in a claim by which
// the issuer tells its access tokens from others. It fails with
// [validator.CodeType].
func says(issuer, claim string, values ...string) validator.Check {
	return rejecting(validator.CodeType, validator.AnyRole([]string{claim}, values...),
		fmt.Errorf("the claim %q is not %s, as in access tokens of %s: have the client send its access token",
			claim, quoted(values), issuer))
}

// has returns a Check that requires a claim that the issuer puts into access
// tokens alone. It fails with [validator.CodeType].
func has(issuer, claim string, there func(*validator.Claims) bool) validator.Check {
	err := fmt.Errorf("the claim %q is missing, which access tokens of %s have: have the client send its access token",
		claim, issuer)
	return func(_ context.Context, c *validator.Claims) error {
		if !there(c) {
			return &validator.Error{Code: validator.CodeType, Err: err}
		}
		return nil
	}
}

// only returns a Check that requires one of these values in a claim. It fails
// with [validator.CodeRefused].
func only(what, claim string, values []string) validator.Check {
	return rejecting(validator.CodeRefused, validator.AnyRole([]string{claim}, values...),
		fmt.Errorf("the claim %q is none of the %s that were named: %s", claim, what, quoted(values)))
}

// rejecting returns a Check that rejects by code and err what check rejects.
func rejecting(code validator.Code, check validator.Check, err error) validator.Check {
	return func(ctx context.Context, c *validator.Claims) error {
		if check(ctx, c) == nil {
			return nil
		}
		return &validator.Error{Code: code, Err: err}
	}
}

// scopesOrRoles rejects tokens that allow nothing. Microsoft issues access
// tokens for an API to every application of a tenant, and what allows the
// application anything is "scp" for users and "roles" for applications.
func scopesOrRoles(ctx context.Context, c *validator.Claims) error {
	if len(c.Scopes) > 0 {
		return nil
	}
	return hasRoles(ctx, c)
}

var hasRoles = validator.CheckAs(func(_ context.Context, c struct {
	Roles []string `json:"roles"`
}) error {
	if len(c.Roles) == 0 {
		return &validator.Error{Code: validator.CodeType, Err: errNothingAllowed}
	}
	return nil
})

var errNothingAllowed = fmt.Errorf("the token has neither scp nor roles: it is an ID token, or one of an application " +
	"that was allowed nothing; grant the application a permission of this API")

func quoted(values []string) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprintf("%q", value)
	}
	return strings.Join(texts, " or ")
}

// typeError returns the error of a token without a claim that access tokens of
// the issuer have.
func typeError(issuer, claim string) error {
	return &validator.Error{Code: validator.CodeType, Err: fmt.Errorf(
		"the claim %q is missing or not as in access tokens of %s: have the client send its access token", claim, issuer)}
}

// errPending is of a session that Clerk doesn't count as signed in.
var errPending = errors.New("the session is pending: the user has tasks to complete, such as choosing an organization")
