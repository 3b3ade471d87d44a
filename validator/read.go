package validator

import (
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
)

// A reading holds the claims of a token before they are trusted.
type reading struct {
	Claims
	trust    *trust     // of the issuer, once that has been found to be trusted
	signedBy *jwks.Key  // nil before the signature is checked, or if a secret has signed
	cnf      jose.Value // of no kind if there is none
	mark     *mark      // by which the claims say that the token is no access token, or nil
	tenant   string     // tid, if it is a string
	ignored  []mistyped // private claims
	members  int        // how many there are, over all depths

	// believe copies these to the Claims, and not before. A stranger's token
	// can have thousands of each.
	audience, scopes, permissions, grantType jose.Value // of no kind if there is none

	hasIssuer, hasExpiry, hasIssuedAt bool
	isSVID                            bool // there is no iss, and Issuer is the trust domain of sub
	hasClientID                       bool // by client_id

	seen   func(name string, value jose.Value) // is called for each member, if it is not nil
	others *otherMarks                         // looks for more marks, if it is not nil
}

// A mistyped is a private claim of another JSON type than this package reads.
type mistyped struct{ name, want string }

const (
	wantText        = "a string"
	wantTexts       = "an array of strings"
	wantTextOrTexts = "a string or an array of strings"
)

// read reads the claims of payload. Each comes from the one member with exactly
// its name. A registered claim of the wrong JSON type is an error, and so is
// null. What isn't understood must not count as absent. A private claim has the
// type that its issuer gives it (RFC 7519, Section 4.3). If that is not the
// type that is read here, the claim counts as absent, and checks that require
// it reject the token.
func (r *reading) read(payload string, limit limit) error {
	c := &r.Claims
	var wrong jose.Member
	var cid, appID string
	var hasAuthorizedParty, hasCID, hasScope bool

	var o jose.Object
	o.Open(payload, jose.ClaimsLimits(limit.size))
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
			ok = isTextOrTexts(v)
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
			c.AuthorizedParty, ok = v.Text()
			hasAuthorizedParty = true
		case "cid":
			cid, _ = r.private(o.Member, wantText).Text()
			hasCID = true
		case "appid":
			appID, _ = r.private(o.Member, wantText).Text()
		case "scope":
			r.scopes, hasScope = v, true
			ok = isTextOrTexts(v)
		case "scp":
			if scp := r.private(o.Member, wantTextOrTexts); !hasScope {
				r.scopes = scp
			}
		case "permissions":
			r.permissions = r.private(o.Member, wantTexts)
		case "org_id":
			c.OrgID, _ = r.private(o.Member, wantText).Text()
		case "org_name":
			c.OrgName, _ = r.private(o.Member, wantText).Text()
		case "sid":
			c.SessionID, _ = r.private(o.Member, wantText).Text()
		case "act":
			c.act = v.Raw()
		case "gty":
			r.grantType = r.private(o.Member, wantTextOrTexts)
		case "cnf":
			r.cnf = v
		case "tid":
			r.tenant, _ = v.Text()

		// These are the claims of marks.
		case "events", "token_introspection", "response_type", "at_hash", "c_hash", "typ", "token_use", "token_usage", "purpose",
			"tokenType", "token_type", "type", "tokenName", "tok_type", "drn", "ati":
			if r.mark == nil {
				r.mark = findMark(marks, o.Member.Name, v)
			}
			r.others.note(o.Member.Name, v)
		}
		if !ok && wrong.Name == "" {
			wrong = o.Member
		}
		if r.seen != nil {
			r.seen(o.Member.Name, v)
		}
	}
	if err := o.Err(); err != nil {
		*r = reading{} // what was read may not be all
		if _, ok := err.(*jose.MembersError); ok {
			return limit.tooManyMembers()
		}
		return &Error{Code: CodeMalformed, Err: &claimsError{err}}
	}
	c.payload = payload
	r.members = o.Members()
	if wrong.Name != "" {
		return &Error{Code: CodeClaim, Err: &claimTypeError{name: wrong.Name, value: wrong.Value}}
	}
	// No standard says that the issuers' different names for the client agree.
	switch {
	case r.hasClientID:
	case hasAuthorizedParty:
		c.ClientID = c.AuthorizedParty
	case hasCID:
		c.ClientID = cid
	default:
		c.ClientID = appID
	}
	return nil
}

// private returns the value of a private claim. If it is not of the type
// wanted, private notes that and returns none.
func (r *reading) private(m jose.Member, want string) jose.Value {
	v := m.Value
	if v.IsTexts() && want != wantText || v.Kind() == jose.KindString && want != wantTexts {
		return v
	}
	r.ignored = append(r.ignored, mistyped{m.Name, want})
	return jose.Value{}
}

// believe copies to the claims what read has left. It is for tokens whose
// signature has been checked.
func (r *reading) believe() {
	c := &r.Claims
	texts := make([]string, 0, count(r.audience)+count(r.scopes)+count(r.permissions)) // one allocation for all
	c.Audience, texts = listOrText(texts, r.audience)
	c.Scopes, texts = scopes(texts, r.scopes)
	c.Permissions, _ = listOrText(texts, r.permissions)
	c.GrantType = grantType(r.grantType)
}

// confirm reads cnf.
func (r *reading) confirm() (err error) {
	if r.cnf.Kind() != jose.KindNone {
		r.Confirmation, err = readConfirmation(r.cnf)
	}
	return err
}

func isTextOrTexts(v jose.Value) bool { return v.Kind() == jose.KindString || v.IsTexts() }

// namesAudience reports whether v has the form of aud (RFC 7519, Section
// 4.1.3). An array without an audience doesn't.
func namesAudience(v jose.Value) bool { return isTextOrTexts(v) && !isEmptyArray(v) }

func isEmptyArray(v jose.Value) bool { return v.Kind() == jose.KindArray && v.Len() == 0 }

// count returns an upper bound of the strings in an array, or in a string with
// spaces between them.
func count(v jose.Value) int {
	if v.Kind() == jose.KindString {
		return strings.Count(v.Raw(), " ") + 1
	}
	return v.Len()
}

// listOrText appends the strings of an array, or a single string, to texts. It
// returns that part of texts, and texts.
func listOrText(texts []string, v jose.Value) (part, all []string) {
	if text, ok := v.Text(); ok {
		all = append(texts, text)
	} else {
		all, _ = v.AppendTexts(texts)
	}
	return all[len(texts):len(all):len(all)], all
}

// scopes splits a string at its spaces (RFC 6749, Section 3.3), or reads an
// array, which some issuers use.
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

// grantType reads a string or an array. A token from a refresh token may also
// name the earlier grants.
func grantType(v jose.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	types, _ := v.AppendTexts(nil)
	return strings.Join(types, " ")
}
