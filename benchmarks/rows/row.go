// Package rows holds the measurements, one row for each way to check a token.
//
// Every row gets the same token, reads the same claims and takes its keys from
// the same key set:
//
//	issuer, err := rows.NewIssuer("RS256")
//	checker, err := row.Open(ctx, issuer)
//	claims, err := checker(issuer.Token)()
package rows

import (
	"context"
	"slices"
)

// Algorithms are the signature algorithms that rows are measured with.
var Algorithms = []string{"RS256", "ES256", "EdDSA"}

// A Group has rows that are compared with each other.
type Group string

// The groups, in the order of the report.
const (
	Call  Group = "a call with the token"     // from the token's text to typed claims
	Stack Group = "a request through a stack" // from an http.Request to a handler that reads the claims
)

// A Role is the purpose of a row.
type Role string

// The roles.
const (
	Yardstick Role = "yardstick" // what the others are measured by
	Ours      Role = "rsguard"
	Peer      Role = "peer" // another library
)

// A Row is one way to check a token.
type Row struct {
	Name    string
	Group   Group
	Role    Role
	Modules []string // paths of the modules that are measured, for their versions

	// Open prepares for the issuer's tokens. It fetches keys and builds
	// validators, which last as long as ctx.
	Open func(ctx context.Context, issuer *Issuer) (Checker, error)
}

// A Checker returns the check of one token. It does in advance what is not
// repeated for each request, such as building the http.Request.
type Checker func(token string) Check

// A Check checks the token again and returns what the caller of the library
// would use. The error says why the token is rejected. Checks of one Checker
// are not safe for concurrent use unless [Row.Group] is [Call].
type Check func() (Claims, error)

// Claims are the typed values that a check must have read from the token.
type Claims struct {
	Subject, ClientID, OrgID string
	Permissions              []string
}

// Signature is the row to which all others are compared.
const Signature = "signature alone"

// All returns every row: the bare signature first, then rsguard and its peers
// by group.
func All() []Row {
	return slices.Concat(
		[]Row{Yard},
		[]Row{Validate, Remembered},
		[]Row{GolangJWT, jwx2, jwx3, goJOSE, goOIDC, auth0v2, auth0v3},
		[]Row{netHTTP, echoRow, ginRow},
		[]Row{auth0v2Stack, auth0v3Stack, echoJWT},
	)
}
