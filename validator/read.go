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

	// These are copied to the Claims by believe, and not before: a stranger's
	// token can have thousands of each.
	audience, scopes, permissions, grantType jose.Value // of no kind if there is none

	hasIssuer, hasExpiry, hasIssuedAt bool
	hasClientID                       bool // by client_id, not azp
}

// read reads the claims of payload, each from the one member that has exactly its name. A claim of the wrong JSON type
// is an error, null included: what isn't understood must not pass for absent.
func (r *reading) read(payload string) error {
	c := &r.Claims
	var authorizedParty, wrong string
	var hasAuthorizedParty, hasScope, nonce, hash, isWrong bool

	o := jose.Open(payload, jose.TokenLimits)
	for o.Next() {
		ok, v := true, o.Member.Value
		switch o.Member.Name {
		case "iss":
			c.Issuer, ok = v.Text()
			r.hasIssuer = true
		case "sub":
			c.Subject, ok = v.Text()
		case "aud":
			r.audience = v
			ok = isTextOrTexts(v) && !isEmptyArray(v)
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
			r.scopes, hasScope = v, true
			ok = isTextOrTexts(v)
		case "scp":
			if !hasScope {
				r.scopes = v
			}
			ok = isTextOrTexts(v)
		case "permissions":
			r.permissions = v
			ok = v.IsTexts()
		case "org_id":
			c.OrgID, ok = v.Text()
		case "org_name":
			c.OrgName, ok = v.Text()
		case "gty":
			r.grantType = v
			ok = isTextOrTexts(v)
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
		if !ok && !isWrong {
			wrong, isWrong = o.Member.Name, true
		}
	}
	if err := o.Err(); err != nil {
		*r = reading{} // what was read may not be all
		return &Error{Code: CodeMalformed, Err: fmt.Errorf("the token's claims: %w", err)}
	}
	c.payload = payload
	if isWrong {
		err := fmt.Errorf("the claim %s is not of its JSON type, or out of range", wrong)
		return &Error{Code: CodeClaim, Err: err}
	}
	if nonce && hash {
		r.otherType = "an ID token"
	}
	return r.client(authorizedParty, hasAuthorizedParty)
}

// believe copies to the claims what read has left to be copied. It is for
// tokens whose signature has been checked.
func (r *reading) believe() {
	c := &r.Claims
	texts := make([]string, 0, count(r.audience)+count(r.scopes)+count(r.permissions)) // one allocation for all
	c.Audience, texts = listOrText(texts, r.audience)
	c.Scopes, texts = scopes(texts, r.scopes)
	c.Permissions, _ = listOrText(texts, r.permissions)
	c.GrantType = grantType(r.grantType)
}

func isTextOrTexts(v jose.Value) bool { return v.Kind() == jose.KindString || v.IsTexts() }

func isEmptyArray(v jose.Value) bool { return v.Kind() == jose.KindArray && v.Len() == 0 }

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

// count returns how many strings there are at most in an array, or in a string
// with spaces between them.
func count(v jose.Value) int {
	if v.Kind() == jose.KindString {
		return strings.Count(v.Raw(), " ") + 1
	}
	return v.Len()
}

// listOrText appends the strings of an array, or a single string, to texts, and
// returns that part of texts, and texts.
func listOrText(texts []string, v jose.Value) (part, all []string) {
	if text, ok := v.Text(); ok {
		all = append(texts, text)
	} else {
		all, _ = v.AppendTexts(texts)
	}
	return all[len(texts):len(all):len(all)], all
}

// scopes splits a string at its spaces (RFC 6749, Section 3.3), or takes an array, as some issuers have it.
func scopes(texts []string, v jose.Value) (part, all []string) {
	text, ok := v.Text()
	if !ok {
		return listOrText(texts, v)
	}
	all = texts
	for text != "" {
		var scope string
		if scope, text, _ = strings.Cut(text, " "); scope != "" {
			all = append(all, scope)
		}
	}
	return all[len(texts):len(all):len(all)], all
}

// grantType takes a string, or an array: a token that came by a refresh token may tell of the grants before it.
func grantType(v jose.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	types, _ := v.AppendTexts(nil)
	return strings.Join(types, " ")
}
