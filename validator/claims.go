package validator

import (
	"fmt"
	"slices"
	"time"
)

// Claims are the verified claims of a token.
//
// Each call of Validate returns new Claims, whose fields the caller may change.
// Only the elements of their slices are shared with other requests of the same
// token. They must not be changed. Appending to a slice is safe.
//
// Package fmt and logs show only which token the claims are of. See
// [Claims.LogValue]. In JSON they are the token's payload.
type Claims struct {
	Issuer    string // iss; if a JWT-SVID has none, the trust domain of sub, as in "spiffe://example.org"
	Subject   string // sub
	ID        string // jti
	ClientID  string // client_id, otherwise azp, cid (Okta) or appid (Entra's tokens of version 1.0, and AD FS)
	OrgID     string // org_id
	OrgName   string // org_name
	SessionID string // sid
	GrantType string // gty; if it has several, with spaces between them

	// AuthorizedParty is azp. After a token exchange, it may differ from
	// ClientID.
	AuthorizedParty string

	Audience    []string // aud, which may be one string or several
	Scopes      []string // scope, otherwise scp, split at its spaces
	Permissions []string // permissions

	ExpiresAt time.Time // exp
	NotBefore time.Time // nbf, or zero
	IssuedAt  time.Time // iat, or zero

	// Confirmation is the key that the token is bound to, and that the sender
	// has proven to have. It is nil for a bearer token.
	Confirmation *Confirmation

	keyID     string // kid
	algorithm string // alg
	payload   string // as it was signed, read once
	act       string // of payload, or empty
	at        moment // when it was accepted
	again     bool   // accepted before too, and remembered since
}

// NewClaims returns the claims of a JSON object that the caller knows to be
// genuine by other means than a [Validator], such as another library or the
// response of an introspection endpoint. All checks, [Claims.Decode] and
// json.Marshal work with them as with a token's claims.
//
// The object is read as strictly as a token's payload. It must be UTF-8, have
// no member twice, have each registered claim in its type, and be at most 1 MiB
// long. Over all depths, it may have one member for each 16 bytes, or 1,024 if
// that is more. A "cnf" that can't be proven is an error.
//
// NewClaims makes no decision. The caller must do the following:
//
//   - compare Issuer and Audience
//   - reject claims that have expired, or have no ExpiresAt (the zero time)
//   - reject claims whose NotBefore is in the future
//   - make sure that they are an access token's
//   - call [Confirmation.Proven] if Confirmation is not nil
//
// Checks of ages use the system's time at the check, and [DefaultLeeway]. The
// claims keep a copy of payload. The error is an [*Error] with [CodeMalformed],
// [CodeClaim] or [CodeBinding].
func NewClaims(payload []byte) (*Claims, error) {
	if len(payload) > maxPayload {
		return nil, &Error{Code: CodeMalformed, Err: fmt.Errorf("the claims are too large: %d bytes, over %d", len(payload), maxPayload)}
	}
	var r reading
	if err := r.read(string(payload), limit{size: len(payload)}); err != nil {
		return nil, err
	}
	if isEmptyArray(r.audience) {
		return nil, &Error{Code: CodeClaim, Err: &claimTypeError{name: "aud", value: r.audience}}
	}
	r.believe()
	if err := r.confirm(); err != nil {
		return nil, err
	}
	c := r.Claims // a copy, so that the rest of the reading is not kept
	return &c, nil
}

// maxPayload is the largest length in bytes of what NewClaims reads.
const maxPayload = 1 << 20

// copyInto copies c to other. The two share only the elements of their slices.
func (c *Claims) copyInto(other *Claims) {
	*other = *c
	if c.Confirmation != nil {
		confirmation := *c.Confirmation
		other.Confirmation = &confirmation
	}
}

// KeyID returns the "kid" of the token's header. It is empty if the token has
// none, or if the claims are not from a Validator.
func (c *Claims) KeyID() string { return c.keyID }

// Algorithm returns the "alg" of the token's header. It is empty if the claims
// are not from a Validator.
func (c *Claims) Algorithm() string { return c.algorithm }

// Remembered reports whether the Validator had accepted the token before. It
// then has looked up the key again, but has not checked the signature again.
// See [Config].CacheSize.
func (c *Claims) Remembered() bool { return c.again }

// HasScope reports whether scope is among the token's scopes.
func (c *Claims) HasScope(scope string) bool { return slices.Contains(c.Scopes, scope) }

// HasPermission reports whether permission is among the token's permissions.
func (c *Claims) HasPermission(permission string) bool {
	return slices.Contains(c.Permissions, permission)
}
