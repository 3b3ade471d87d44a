package validator

import (
	"fmt"
	"slices"
	"time"
)

// Claims are what a token says of its subject and its client, verified.
//
// Validate returns Claims of its caller's own, whose fields can be assigned to.
// Only what their slices hold is shared with other requests of the same token,
// and must not be changed. Appending to a slice changes nothing for others.
//
// Package fmt and logs show which token they are of, and no more: see
// [Claims.LogValue]. In JSON they are the token's payload.
type Claims struct {
	Issuer    string // iss; if a JWT-SVID has none, the trust domain of sub, as in "spiffe://example.org"
	Subject   string // sub
	ID        string // jti
	ClientID  string // client_id, otherwise azp, cid (Okta) or appid (Entra's tokens of version 1.0, and AD FS)
	OrgID     string // org_id
	OrgName   string // org_name
	GrantType string // gty; if it has several, with spaces between them

	// AuthorizedParty is azp. After a token exchange it may be another client
	// than ClientID.
	AuthorizedParty string

	Audience    []string // aud, which may be one string or several
	Scopes      []string // scope, or else scp, split at its spaces
	Permissions []string // permissions

	ExpiresAt time.Time // exp
	NotBefore time.Time // nbf, or zero
	IssuedAt  time.Time // iat, or zero

	// Confirmation is the key that the token is bound to, of which the request
	// has proven possession; nil for a bearer token.
	Confirmation *Confirmation

	keyID   string // kid
	payload string // as it was signed, read once
	at      moment // when it was accepted
}

// NewClaims returns the claims of a JSON object that the caller has found to be
// genuine by other means than a [Validator], such as another library or the
// response of an introspection endpoint. It is for a Validator of the caller's
// own: all checks, [Claims.Decode] and json.Marshal work with the result as
// with a token's claims.
//
// The object is read as strictly as a token's payload: UTF-8, no member twice,
// each registered claim of its type, 1 MiB at most, at most one member for each
// 16 bytes or 1,024 if that is more, over all depths. A "cnf" that can't be
// proven is an error.
//
// NewClaims decides nothing more. The caller must compare Issuer and Audience,
// reject claims that are expired or have no ExpiresAt (which is then the zero
// time), reject those whose NotBefore is in the future, make sure that they are
// an access token's, and call [Confirmation.Proven] if Confirmation is not nil.
//
// For checks of ages, now is the time of the check by the system's clock, and
// [DefaultLeeway] is used. The claims keep a copy of payload. All errors are of
// type [*Error], with [CodeMalformed], [CodeClaim] or [CodeBinding].
func NewClaims(payload []byte) (*Claims, error) {
	if len(payload) > maxPayload {
		return nil, &Error{Code: CodeMalformed, Err: fmt.Errorf("the claims are too large: %d bytes, over %d", len(payload), maxPayload)}
	}
	var r reading
	if err := r.read(string(payload), limit{size: len(payload)}); err != nil {
		return nil, err
	}
	r.believe()
	if err := r.confirm(); err != nil {
		return nil, err
	}
	c := r.Claims // without what else there is in a reading
	return &c, nil
}

// maxPayload is the length in bytes of what NewClaims reads at most.
const maxPayload = 1 << 20

// copyInto makes of other a copy of c, which shares with it what the slices
// hold and nothing else.
func (c *Claims) copyInto(other *Claims) {
	*other = *c
	if c.Confirmation != nil {
		confirmation := *c.Confirmation
		other.Confirmation = &confirmation
	}
}

// KeyID returns the "kid" of the token's header. It is empty if the token has
// none or a Validator has not made the claims.
func (c *Claims) KeyID() string { return c.keyID }

// HasScope reports whether scope is among the token's scopes.
func (c *Claims) HasScope(scope string) bool { return slices.Contains(c.Scopes, scope) }

// HasPermission reports whether permission is among the token's permissions.
func (c *Claims) HasPermission(permission string) bool {
	return slices.Contains(c.Permissions, permission)
}
