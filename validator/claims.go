package validator

import (
	"slices"
	"time"
)

// Claims are what a token says of its subject and its client, verified. They are
// not to be changed: what is remembered of a token is shared by its requests.
//
// Package fmt and logs show which token they are of, and no more: see
// [Claims.LogValue]. In JSON they are the token's payload.
type Claims struct {
	Issuer    string // iss
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

	// Confirmation is the key that the token is bound to, of which the request has proven possession; nil for a
	// bearer token.
	Confirmation *Confirmation

	keyID   string    // kid
	payload string    // as it was signed, read once
	at      time.Time // when it was accepted
}

// copyInto makes of other a copy of c, which shares with it what the slices hold and nothing else.
func (c *Claims) copyInto(other *Claims) {
	*other = *c
	if c.Confirmation != nil {
		confirmation := *c.Confirmation
		other.Confirmation = &confirmation
	}
}

// KeyID returns the "kid" of the token's header, "" if it has none or the claims are not from a token.
func (c *Claims) KeyID() string { return c.keyID }

// HasScope reports whether scope is among the token's scopes.
func (c *Claims) HasScope(scope string) bool { return slices.Contains(c.Scopes, scope) }

// HasPermission reports whether permission is among the token's permissions.
func (c *Claims) HasPermission(permission string) bool {
	return slices.Contains(c.Permissions, permission)
}
