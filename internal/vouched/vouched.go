// Package vouched lets package introspection have package validator decide
// about claims that no signature of their own proves. The caller says that they
// are genuine, so it is no part of the API of validator. Package revocation
// learns through it what validator knows of claims and doesn't export.
package vouched

import "github.com/rsguard/rsguard/internal/jose"

// Rules say what stands for claims that may be missing.
type Rules struct {
	Issuer   string // for iss, unless it is empty
	Audience bool   // no aud is needed
	Expiry   bool   // no exp is needed
	MaxSize  int    // of the claims, in bytes

	// Seen is called for each member of the claims, if it is not nil, so that
	// they are read once.
	Seen func(name string, value jose.Value)
}

// The functions of package validator, which puts them here. It imports this
// package, so its types can't be named here.
var (
	// Read is validator.readVouched:
	//
	//	func(*validator.Validator, string, Rules) (
	//		judge func(context.Context, *validator.Claims) error, size int, err error)
	Read any

	// Explain is validator.explainVouched:
	//
	//	func(context.Context, *validator.Validator, string, Rules) validator.Report
	Explain any

	// Open is validator.openSigned:
	//
	//	func(ctx context.Context, v *validator.Validator, token, typ string) (
	//		claims string, issuedAt time.Time, err error)
	Open any

	// Actor is validator.actorNames, for package revocation:
	//
	//	func(*validator.Claims) (subject, clientID string)
	Actor any

	// End is validator.end, for package revocation:
	//
	//	func(*validator.Claims) time.Time
	End any
)
