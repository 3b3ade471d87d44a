package validator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
)

// A reading is what the claims of a token say before anything of it is believed.
type reading struct {
	Claims
	trust     *trust     // of the issuer, once that has been found to be trusted
	signedBy  *jwks.Key  // nil before the signature is checked, or if a secret has signed
	cnf       jose.Value // of no kind if there is none
	otherType string     // what the claims say the token is, if not an access token
	tenant    string     // tid, if it is a string

	hasIssuer, hasExpiry, hasIssuedAt bool
	hasClientID                       bool // by client_id, not azp
}

// read reads the claims of payload, each from the one member that has exactly its name. A claim of the wrong JSON type
// is an error, null included: what isn't understood must not pass for absent.
func (r *reading) read(payload string) error {
	var few [24]jose.Member
	members, err := jose.ParseObject(few[:0], payload, jose.TokenLimits)
	if err != nil {
		return &Error{Code: CodeMalformed, Err: fmt.Errorf("the token's claims: %w", err)}
	}
	c := &r.Claims
	c.payload = payload
	texts := make([]string, 0, 12) // one allocation for the slices of most tokens
	var authorizedParty string
	var hasAuthorizedParty, nonce, hash bool

	for i := range members {
		ok, v := true, members[i].Value
		switch members[i].Name {
		case "iss":
			c.Issuer, ok = v.Text()
			r.hasIssuer = true
		case "sub":
			c.Subject, ok = v.Text()
		case "aud":
			c.Audience, texts, ok = listOrText(texts, v)
			ok = ok && len(c.Audience) > 0
		case "exp":
			c.ExpiresAt, ok = v.Time()
			r.hasExpiry = true
		case "nbf":
			c.NotBefore, ok = v.Time()
		case "iat":
			c.IssuedAt, ok = v.Time()
			r.hasIssuedAt = true
		case "jti":
			c.ID, ok = v.Text()
		case "client_id":
			c.ClientID, ok = v.Text()
			r.hasClientID = true
		case "azp":
			authorizedParty, ok = v.Text()
			hasAuthorizedParty = true
		case "scope":
			c.Scopes, texts, ok = scopes(texts, v)
		case "scp":
			var scp []string
			scp, texts, ok = scopes(texts, v)
			if _, both := jose.Lookup(members, "scope"); !both {
				c.Scopes = scp
			}
		case "permissions":
			c.Permissions, texts, ok = list(texts, v)
		case "org_id":
			c.OrgID, ok = v.Text()
		case "org_name":
			c.OrgName, ok = v.Text()
		case "gty":
			c.GrantType, ok = grantType(v)
		case "cnf":
			r.cnf = v
		case "tid":
			r.tenant, _ = v.Text()

		// What only other types of token have.
		case "nonce":
			nonce = true
		case "at_hash", "c_hash":
			hash = true
		case "events":
			r.otherType = "a security event or logout token" // RFC 8417, Section 2.2
		case "token_introspection":
			r.otherType = "a token introspection response" // RFC 9701, Section 5
		case "response_type":
			r.otherType = "an authorization request" // RFC 9101, Section 4
		case "typ":
			if typ, isText := v.Text(); !isText || slices.ContainsFunc(otherTypes, equalFold(typ)) {
				r.otherType = "of another type by its claim typ"
			}
		case "token_use":
			if use, _ := v.Text(); use != "access" {
				r.otherType = "not an access token by its claim token_use"
			}
		}
		if !ok {
			err := fmt.Errorf("the claim %s is not of its JSON type, or out of range", members[i].Name)
			return &Error{Code: CodeClaim, Err: err}
		}
	}
	if nonce && hash {
		r.otherType = "an ID token"
	}
	return r.client(authorizedParty, hasAuthorizedParty)
}

// otherTypes are the values of Keycloak's claim "typ" for tokens that aren't access tokens.
var otherTypes = []string{"ID", "Refresh", "Offline", "Logout"}

func equalFold(s string) func(string) bool {
	return func(t string) bool { return strings.EqualFold(s, t) }
}

var errTwoClients = errors.New("the claims client_id and azp differ")

func (r *reading) client(authorizedParty string, hasAuthorizedParty bool) error {
	switch {
	case !r.hasClientID:
		r.ClientID = authorizedParty
	case hasAuthorizedParty && authorizedParty != r.ClientID:
		return &Error{Code: CodeClaim, Err: errTwoClients}
	}
	return nil
}

// list appends the strings of an array to texts, and returns that part of texts, and texts.
func list(texts []string, v jose.Value) (part, all []string, ok bool) {
	start := len(texts)
	all, ok = v.AppendTexts(texts)
	return all[start:len(all):len(all)], all, ok
}

// listOrText does the same for an array or a single string.
func listOrText(texts []string, v jose.Value) (part, all []string, ok bool) {
	text, ok := v.Text()
	if !ok {
		return list(texts, v)
	}
	all = append(texts, text)
	return all[len(texts):len(all):len(all)], all, true
}

// grantType takes a string, or an array: a token that came by a refresh token may tell of the grants before it.
func grantType(v jose.Value) (string, bool) {
	if text, ok := v.Text(); ok {
		return text, true
	}
	types, ok := v.AppendTexts(nil)
	return strings.Join(types, " "), ok
}

// scopes splits a string at its spaces (RFC 6749, Section 3.3), or takes an array, as some issuers have it.
func scopes(texts []string, v jose.Value) (part, all []string, ok bool) {
	text, ok := v.Text()
	if !ok {
		return list(texts, v)
	}
	all = texts
	for text != "" {
		var scope string
		if scope, text, _ = strings.Cut(text, " "); scope != "" {
			all = append(all, scope)
		}
	}
	return all[len(texts):len(all):len(all)], all, true
}
