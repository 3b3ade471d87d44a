package validator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rsguard/rsguard/internal/jose"
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

// Decode stores the token's claims, private ones included, in the value that v points to, as [json.Unmarshal] does.
//
// That function matches names without regard to case. So that nothing poses as a claim that it isn't, claims whose
// names differ only by case, from each other or from the name of a claim that is in this package's Claims, are an
// error. All errors are of type [*Error], with [CodeClaim].
func (c *Claims) Decode(v any) error {
	if c.payload == "" {
		return &Error{Code: CodeClaim, Err: errors.New("these claims are not from a token")}
	}
	if name, ok := foldedTwice(c.payload); ok {
		err := fmt.Errorf("the claim %s has a name that is another one's but for its case", quote(name))
		return &Error{Code: CodeClaim, Err: err}
	}
	if err := json.Unmarshal([]byte(c.payload), v); err != nil {
		return &Error{Code: CodeClaim, Err: &decodeError{err, v}}
	}
	return nil
}

// A decodeError has a text of its own, for that of its cause may have a claim's value in it.
type decodeError struct {
	err  error
	into any
}

func (e *decodeError) Error() string {
	if wrongType, ok := e.err.(*json.UnmarshalTypeError); ok {
		return fmt.Sprintf("the claim %s can't be decoded into a %v", quote(wrongType.Field), wrongType.Type)
	}
	return fmt.Sprintf("the claims can't be decoded into a %T (%T)", e.into, e.err)
}

func (e *decodeError) Unwrap() error { return e.err }

// claim returns the value of any claim.
func (c *Claims) claim(name string) (jose.Value, bool) {
	members, _ := jose.ParseObject(nil, c.payload, jose.TokenLimits)
	return jose.Lookup(members, name)
}

// ownNames are the names of claims with a meaning here.
var ownNames = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "azp", "scope", "scp", "permissions",
	"org_id", "org_name", "gty", "cnf", "auth_time", "acr",
}

// foldedTwice finds a name in an object, at any depth, that encoding/json would take for another.
func foldedTwice(object string) (string, bool) {
	members, _ := jose.ParseObject(nil, object, jose.TokenLimits)
	for i := range members {
		name := members[i].Name
		for _, own := range ownNames {
			if name != own && strings.EqualFold(name, own) {
				return name, true
			}
		}
	}
	return foldedTwiceIn(members)
}

func foldedTwiceIn(members []jose.Member) (string, bool) {
	slices.SortFunc(members, func(a, b jose.Member) int { return strings.Compare(fold(a.Name), fold(b.Name)) })
	for i := range members {
		if i > 0 && fold(members[i].Name) == fold(members[i-1].Name) {
			return members[i].Name, true
		}
		if name, ok := foldedTwiceInside(members[i].Value); ok {
			return name, true
		}
	}
	return "", false
}

func foldedTwiceInside(v jose.Value) (string, bool) {
	if v.Kind() == jose.KindObject {
		members, _ := jose.ParseObject(nil, v.Raw(), jose.TokenLimits)
		return foldedTwiceIn(members)
	}
	elements, _ := v.Elements()
	for _, element := range elements {
		if name, ok := foldedTwiceInside(element); ok {
			return name, true
		}
	}
	return "", false
}

// fold maps names that encoding/json takes for each other to one.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}
