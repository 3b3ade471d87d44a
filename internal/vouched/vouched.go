// Package vouched lets other packages of this module have package validator
// decide about what is no access token in JWT form. Package introspection has
// claims that no signature of their own proves, and says that they are genuine.
// Package idtoken has tokens of another kind. Package revocation learns through
// it what validator knows of claims and doesn't export. None of it may be a part
// of the API of validator.
package vouched

import (
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

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

// A Kind says how the tokens of another kind than access tokens are decided
// about. What it doesn't say is as for an access token: the form, the
// algorithm, the registered claims, the issuer, the times, the key and the
// signature. The functions are called in this order. An error rejects the
// token.
type Kind struct {
	Seen     func(name string, value jose.Value) // for each claim as it is read
	Claims   func() error                        // once all are read
	Type     func(Type) error
	Audience func(aud jose.Value) error // of no kind if there is none
	Meant    func() error               // what else is known without a key
	Believed func(at time.Time) error   // after the signature, and nbf and iat
}

// A Type is what says of which kind a token is.
type Type struct {
	Name    string // typ in the header, without "application/"
	Present bool   // there is a typ

	// Claim marks the token as one of OtherKind, such as "a logout token".
	// Both are empty if no claim says that it is of another kind than an ID
	// token.
	Claim, OtherKind string

	// IsID reports whether a claim says that it is an ID token.
	IsID bool
}

// Signed says which JWTs of another type than an access token are opened.
type Signed struct {
	Types   []string // of typ, in lower case and without "application/"
	Untyped bool     // no typ, or the type JWT, is accepted too
	Issuer  string   // for iss, unless it is empty
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
	//	func(ctx context.Context, v *validator.Validator, token string, kind Signed) (
	//		claims string, issuedAt time.Time, err error)
	Open any

	// Actor is validator.actorNames, for package revocation:
	//
	//	func(*validator.Claims) (subject, clientID string)
	Actor any

	// New is validator.newFor, which is New for the errors of another package:
	//
	//	func(cfg validator.Config, pkg string) (*validator.Validator, error)
	New any

	// Examine is validator.examineKind, which fills in the claims before it
	// calls Believed:
	//
	//	func(context.Context, *validator.Validator, string, *Kind, *validator.Claims) error
	Examine any

	// ExplainKind is validator.explainKind. The steps of the Report are those
	// that all kinds have.
	//
	//	func(context.Context, *validator.Validator, string, *Kind, *validator.Claims) validator.Report
	ExplainKind any
)
