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

// Claims are what a token says of its subject and its client, verified. They are not to be changed: what is
// remembered of a token is shared by its requests.
type Claims struct {
	Issuer    string // iss
	Subject   string // sub
	ID        string // jti
	ClientID  string // client_id, or else azp
	OrgID     string // org_id
	OrgName   string // org_name
	GrantType string // gty

	Audience    []string // aud, which may be one string or several
	Scopes      []string // scope, or else scp, split at its spaces
	Permissions []string // permissions

	ExpiresAt time.Time // exp
	NotBefore time.Time // nbf, or zero
	IssuedAt  time.Time // iat, or zero

	// Confirmation is the key that the token is bound to, of which the request has proven possession; nil for a
	// bearer token.
	Confirmation *Confirmation

	payload string    // as it was signed, read once
	at      time.Time // when it was accepted
}

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
	err := json.Unmarshal([]byte(c.payload), v)
	if wrongType, ok := err.(*json.UnmarshalTypeError); ok {
		// Its own text has the claim's value in it.
		err = fmt.Errorf("the claim %s can't be decoded into a %v", quote(wrongType.Field), wrongType.Type)
	}
	if err != nil {
		return &Error{Code: CodeClaim, Err: err}
	}
	return nil
}

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
