package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rsguard/rsguard/internal/scopetoken"
)

// AuthenticatedWithin returns a Check that requires that the user has signed in
// at most d ago, by the claim "auth_time", and at most [Config.Leeway] in the
// future. It fails with [CodeAuthentication] and tells the client d as
// "max_age" in seconds (RFC 9470, Section 3). If "auth_time" is not a time, it
// fails with [CodeClaim].
func AuthenticatedWithin(d time.Duration) Check {
	mustBe(d >= time.Second, "AuthenticatedWithin: %v is less than a second", d)
	refuse := func(err error) error { return &Error{Code: CodeAuthentication, MaxAge: d, Err: err} }
	return func(_ context.Context, c *Claims) error {
		v, ok := c.claim("auth_time")
		if !ok {
			return refuse(&mismatch{name: "auth_time"})
		}
		signedIn, ok := v.Time()
		if !ok {
			return &Error{Code: CodeClaim, Err: errors.New("the claim auth_time is not a time")}
		}
		at := c.moment()
		// A sign-in in the future has not happened yet.
		if !at.reached(signedIn) {
			return refuse(fmt.Errorf("AuthenticatedWithin(%v): %w", d, at.untimely("auth_time", signedIn)))
		}
		if at.now.Sub(signedIn) > d { // d is exact: leeway would add to it
			return refuse(fmt.Errorf("AuthenticatedWithin(%v): %w", d, moment{now: at.now}.untimely("auth_time", signedIn)))
		}
		return nil
	}
}

// ACR returns a Check that requires one of these authentication context classes
// in the claim "acr". It fails with [CodeAuthentication] and tells the client
// the values as "acr_values", in this order (RFC 9470, Section 3). If "acr" is
// not a string, it fails with [CodeClaim].
func ACR(values ...string) Check {
	mustBe(len(values) > 0, "ACR: no values")
	for _, value := range values {
		mustBe(scopetoken.Valid(value), "ACR: %q can't stand in a list in a challenge", value)
	}
	values = slices.Clone(values)
	refusal := &Error{
		Code:      CodeAuthentication,
		ACRValues: values,
		Err:       errors.New("the token's acr is none of " + quoteAll(values)),
	}
	return func(_ context.Context, c *Claims) error {
		v, there := c.claim("acr")
		acr, ok := v.Text()
		if there && !ok {
			return &Error{Code: CodeClaim, Err: errors.New("the claim acr is not a string")}
		}
		return unless(there && slices.Contains(values, acr), refusal)
	}
}
