package issuers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

// marks are claims that issuers put into access tokens alone. ClientID of
// [validator.Claims] is none of them, because it may be that of azp, which ID
// tokens have too.
type marks struct {
	ClientID string `json:"client_id"`
	CID      string `json:"cid"`
	AppID    string `json:"appid"`
	AZP      string `json:"azp"`
	UID      string `json:"uid"`
	ID       string `json:"jti"`
}

// has returns a Check that requires a claim that the issuer puts into access
// tokens alone. It fails with [validator.CodeType].
func has(issuer, claim string, value func(marks) string) validator.Check {
	return rejecting(validator.CodeType, validator.CheckAs(func(_ context.Context, m marks) error {
		if value(m) == "" {
			return errMissing
		}
		return nil
	}), fmt.Errorf("the claim %q is missing, which access tokens of %s have: have the client send its access token", claim, issuer))
}

var errMissing = errors.New("missing")

func clientID(m marks) string { return m.ClientID }

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

// ofClient rejects tokens that name no client. The ID tokens of an API that
// signs users in itself have its audience, and may have roles.
var ofClient = has("Entra ID", "azp", func(m marks) string { return cmp.Or(m.AZP, m.AppID) })

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

// ofPolicy requires that one of these user flows or custom policies of Azure AD
// B2C issued the token. B2C writes one policy's name with capitals and without,
// and has no two policies whose names differ by that alone.
func ofPolicy(policies []string) validator.Check {
	return func(_ context.Context, c *validator.Claims) error {
		var written struct {
			Policy string `json:"tfp"`
			Class  string `json:"acr"`
		}
		err := c.Decode(&written)
		found := cmp.Or(written.Policy, written.Class)
		if err == nil && slices.ContainsFunc(policies, func(policy string) bool { return strings.EqualFold(policy, found) }) {
			return nil
		}
		return &validator.Error{Code: validator.CodeRefused, Err: fmt.Errorf(
			"the policy, in tfp or acr, is none of those that were named: %s", quoted(policies))}
	}
}

// ofAuthelia rejects tokens without scopes. Authelia writes them into access
// tokens, even if there are none, and not into ID tokens, which name the client
// as well.
func ofAuthelia(_ context.Context, c *validator.Claims) error {
	var written struct {
		Scope any `json:"scope"`
		SCP   any `json:"scp"`
	}
	if err := c.Decode(&written); err != nil || written.Scope == nil && written.SCP == nil {
		return typeError("Authelia", "scp")
	}
	return nil
}

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
