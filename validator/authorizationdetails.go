package validator

import (
	"context"
	"errors"
	"fmt"

	"github.com/rsguard/rsguard/internal/jose"
)

// AuthorizationDetails returns a Check that requires an entry of the type typ
// in the claim "authorization_details" which check accepts (RFC 9396, Section
// 9.1). Each entry is an authorization by itself, so one that check accepts is
// enough. The entries of the type are decoded as [Claims.Decode] does.
//
//	type payment struct {
//		Actions  []string `json:"actions"`
//		Currency string   `json:"currency"`
//	}
//
//	validator.AuthorizationDetails("payment_initiation", func(ctx context.Context, p payment) error {
//		if p.Currency != "EUR" {
//			return errors.New("the payment is not in EUR")
//		}
//		return nil
//	})
//
// It fails with [CodeRefused] if there is no entry of that type. It fails with
// [CodeClaim] if the claim is not an array of objects that each have a type, or
// if an entry can't be decoded. If check accepts none of the entries, it fails
// as [AnyOf] does. AuthorizationDetails panics if typ is empty or check is nil.
func AuthorizationDetails[T any](typ string, check func(ctx context.Context, detail T) error) Check {
	mustBe(typ != "", "AuthorizationDetails: the type is empty")
	mustBe(check != nil, "AuthorizationDetails: nil function")
	return func(ctx context.Context, c *Claims) error {
		var details []T
		if err := c.decodeDetails(typ, &details); err != nil {
			return err
		}
		var errs []error
		for _, detail := range details {
			err := check(ctx, detail)
			switch {
			case err == nil:
				return nil
			case len(errs) < maxDetailsTold || CodeOf(err) == CodeUnavailable:
				errs = append(errs, err)
			}
		}
		return mostHelpful(errs)
	}
}

// maxDetailsTold is the number of entries for which an error gives the reason.
// A token can have many.
const maxDetailsTold = 4

// decodeDetails stores the entries of a type in the slice that details points
// to. There is at least one. They are decoded together, so that the limits of
// Decode hold for all of them.
func (c *Claims) decodeDetails(typ string, details any) error {
	claim, there := c.claim("authorization_details")
	if there && claim.Kind() != jose.KindArray {
		return malformedDetails("is " + claim.Kind().String() + ", want an array")
	}
	var found []byte
	for detail := range claim.All() {
		if detail.Kind() != jose.KindObject {
			return malformedDetails("has " + detail.Kind().String() + " in it, want objects")
		}
		name, _ := member(detail.Raw(), "type")
		if name.Kind() != jose.KindString { // RFC 9396, Section 2: type is required
			return malformedDetails("has an entry whose type is not a string")
		}
		if name.Is(typ) {
			found = append(append(found, ','), detail.Raw()...)
		}
	}
	if found == nil {
		return &Error{Code: CodeRefused, Err: fmt.Errorf("authorization_details has no entry of the type %s", quote(typ))}
	}
	found[0] = '['
	if err := jose.Decode(string(append(found, ']')), details, nil); err != nil {
		return &Error{Code: CodeClaim, Err: fmt.Errorf("authorization_details: %w", &decodeError{err, details})}
	}
	return nil
}

func malformedDetails(text string) error {
	return &Error{Code: CodeClaim, Err: errors.New("the claim authorization_details " + text)}
}
