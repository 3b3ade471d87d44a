package idtoken

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// A verification verifies one token. Package validator calls its functions in
// the order of [vouched.Kind], between the checks that all kinds of token have.
type verification struct {
	cfg   *Config
	want  *Expected
	token validator.Claims // once the signature was checked

	// The claims, of no kind if they are not there.
	sub, iat, azp, nonce, acr, sid, authTime, atHash, cHash, amr jose.Value

	shape string // a claim that access tokens have, or empty
	step  step   // the last one that was begun
}

// A step is one of the checks that only an ID token has. The constants are in
// their order.
type step int

const (
	stepNone step = iota
	stepSubject
	stepNonce
	stepAge
	stepAuthTime
	stepACR
	stepAccessTokenHash
	stepCodeHash
	stepOrganization
	stepPrevious
	stepsEnd
)

func (x *verification) kind() *vouched.Kind {
	return &vouched.Kind{
		Seen: x.see, Claims: x.checkTypes, Type: x.checkType, Audience: x.checkAudience, Meant: x.meant, Believed: x.believed,
	}
}

// see keeps a claim.
func (x *verification) see(name string, v jose.Value) {
	switch name {
	case "sub":
		x.sub = v
	case "iat":
		x.iat = v
	case "azp":
		x.azp = v
	case "nonce":
		x.nonce = v
	case "acr":
		x.acr = v
	case "sid":
		x.sid = v
	case "auth_time":
		x.authTime = v
	case "at_hash":
		x.atHash = v
	case "c_hash":
		x.cHash = v
	case "amr":
		x.amr = v

	// RFC 9068, Section 2.2, requires client_id of access tokens, and scope if
	// one was asked for. Okta and Entra call it scp. Auth0 writes gty into
	// access tokens alone.
	case "client_id", "scope", "scp", "gty":
		x.shape = name
	}
}

// checkTypes requires that each claim that decides has its JSON type. What
// isn't understood must not count as absent.
func (x *verification) checkTypes() error {
	for _, claim := range []struct {
		name  string
		value jose.Value
	}{{"nonce", x.nonce}, {"acr", x.acr}, {"sid", x.sid}, {"at_hash", x.atHash}, {"c_hash", x.cHash}} {
		if there(claim.value) && claim.value.Kind() != jose.KindString {
			return reject(validator.CodeClaim, "the claim %s is %v, want a string", claim.name, claim.value.Kind())
		}
	}
	if _, ok := x.authTime.Time(); there(x.authTime) && !ok {
		return reject(validator.CodeClaim, "the claim auth_time is %v, want seconds since 1970, as a number", x.authTime.Kind())
	}
	return nil
}

// checkType rejects other kinds of token (RFC 8725, Section 3.11).
func (x *verification) checkType(t vouched.Type) error {
	switch {
	case x.cfg.InsecureSkipTypeCheck:
	case t.Present && !strings.EqualFold(t.Name, "JWT"):
		return reject(validator.CodeType, "typ is %s, want none or %q", quote(t.Name), "JWT")
	case t.Claim != "":
		return reject(validator.CodeType, "this is %s by its claim %s, and only ID tokens are accepted", t.OtherKind, t.Claim)
	case x.shape != "" && !t.IsID:
		return reject(validator.CodeType, "this is an access token by its claim %s, and no claim says that it is an ID token: "+
			"have the issuer write at_hash; Config.InsecureSkipTypeCheck accepts every type", x.shape)
	}
	return nil
}

// checkAudience requires the client in aud, and there or in azp nothing that is
// not known (OpenID Connect Core 1.0, Section 3.1.3.7).
func (x *verification) checkAudience(aud jose.Value) error {
	several := false
	if aud.Kind() == jose.KindArray {
		several = aud.Len() > 1
		for v := range aud.All() {
			text, _ := v.Text()
			if text != x.cfg.ClientID && !slices.Contains(x.cfg.TrustedAudiences, text) && aud.HasText([]string{x.cfg.ClientID}) {
				return reject(validator.CodeAudience, "aud has %s beside this client: "+
					"have the issuer leave it out, or add it to Config.TrustedAudiences", quote(text))
			}
		}
	}
	azp, _ := x.azp.Text()
	switch {
	case !aud.HasText([]string{x.cfg.ClientID}):
		return reject(validator.CodeAudience, "aud is %s, want %s (Config.ClientID)", describe(aud), quote(x.cfg.ClientID))
	case several && x.cfg.Secret != nil:
		// OpenID Connect Core 1.0, Section 3.1.3.7: this is not specified. Each
		// audience would need the secret.
		return reject(validator.CodeAudience, "aud has several values, and the token is signed with a secret")
	case several && !there(x.azp) && !x.cfg.InsecureNoAuthorizedParty:
		return reject(validator.CodeAudience, "aud has several values, and azp is missing: "+
			"Config.InsecureNoAuthorizedParty accepts that")
	case there(x.azp) && azp != x.cfg.ClientID && !slices.Contains(x.cfg.AuthorizedParties, azp):
		return reject(validator.CodeAudience, "azp is %s, want %s (Config.ClientID): "+
			"if that client may get tokens for this one, add it to Config.AuthorizedParties", quote(azp), quote(x.cfg.ClientID))
	}
	return nil
}

// meant checks what else is known without a key.
func (x *verification) meant() error {
	x.step = stepSubject
	const maxSubject = 255 // OpenID Connect Core 1.0, Section 2
	switch sub, _ := x.sub.Text(); {
	case sub == "":
		return reject(validator.CodeClaim, "sub is missing or empty")
	case len(sub) > maxSubject:
		return reject(validator.CodeClaim, "sub has %d bytes, over %d", len(sub), maxSubject)
	}
	x.step = stepNonce
	if err := x.want.check(); err != nil {
		return fault(err)
	}
	return x.checkNonce()
}

// checkNonce ties the token to the browser's session. The text has no nonce,
// since that is a secret until it was used.
func (x *verification) checkNonce() error {
	nonce, _ := x.nonce.Text()
	wanted := x.want.Nonce
	if wanted == "" && x.want.Previous != nil {
		if wanted = x.want.Previous.Nonce; !there(x.nonce) {
			return nil
		}
	}
	switch {
	case x.want.InsecureNoNonce && there(x.nonce):
		return reject(validator.CodeBinding, "the token has a nonce, and none was sent: it is of another request")
	case x.want.InsecureNoNonce:
		return nil
	case wanted == "" && x.want.Previous == nil:
		return reject(validator.CodeBinding, "no nonce is expected: "+
			"there is no login in the browser's session, or Expected.Nonce was forgotten")
	case !there(x.nonce):
		return reject(validator.CodeBinding, "nonce is missing: have the client send one in its request")
	case subtle.ConstantTimeCompare([]byte(nonce), []byte(wanted)) != 1:
		return reject(validator.CodeBinding, "nonce is another one than was sent: the token is of another request")
	}
	return nil
}

// believed checks the rest. The token is the issuer's.
func (x *verification) believed(now time.Time) error {
	for _, check := range [...]struct {
		step  step
		check func(now time.Time) error
	}{
		{stepAge, x.checkAge},
		{stepAuthTime, x.checkAuthTime},
		{stepACR, x.checkACR},
		{stepAccessTokenHash, x.checkAccessTokenHash},
		{stepCodeHash, x.checkCodeHash},
		{stepOrganization, x.checkOrganization},
		{stepPrevious, x.checkPrevious},
	} {
		x.step = check.step
		if err := check.check(now); err != nil {
			return err
		}
	}
	x.step = stepsEnd
	return nil
}

func (x *verification) checkAge(now time.Time) error {
	if !there(x.iat) {
		return reject(validator.CodeClaim, "iat is missing")
	}
	if age := now.Sub(x.token.IssuedAt); x.cfg.MaxTokenAge >= 0 && age > x.cfg.MaxTokenAge+x.cfg.Leeway {
		return reject(validator.CodeExpired, "iat was %s, %v before now, over Config.MaxTokenAge, %v (leeway %v)",
			x.token.IssuedAt.Format(time.RFC3339), age, x.cfg.MaxTokenAge, x.cfg.Leeway)
	}
	return nil
}

func (x *verification) checkAuthTime(now time.Time) error {
	authTime, _ := x.authTime.Time()
	refuse := func(format string, args ...any) error {
		return &validator.Error{Code: validator.CodeAuthentication, MaxAge: x.want.MaxAge, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case there(x.authTime) && now.Before(authTime.Add(-x.cfg.Leeway)):
		return refuse("auth_time is %s, %v after now (leeway %v)", authTime.Format(time.RFC3339), authTime.Sub(now), x.cfg.Leeway)
	case x.want.MaxAge == 0:
		return nil
	case !there(x.authTime):
		return refuse("auth_time is missing, and Expected.MaxAge requires it")
	case now.Sub(authTime) > x.want.MaxAge+x.cfg.Leeway:
		return refuse("auth_time was %s, %v before now, over Expected.MaxAge, %v (leeway %v)",
			authTime.Format(time.RFC3339), now.Sub(authTime), x.want.MaxAge, x.cfg.Leeway)
	}
	return nil
}

func (x *verification) checkACR(time.Time) error {
	if acr, _ := x.acr.Text(); len(x.want.ACR) == 0 || there(x.acr) && slices.Contains(x.want.ACR, acr) {
		return nil
	}
	return &validator.Error{
		Code: validator.CodeAuthentication, ACRValues: slices.Clone(x.want.ACR),
		Err: errors.New("acr is none of Expected.ACR"),
	}
}

func (x *verification) checkAccessTokenHash(time.Time) error {
	return x.checkHash("at_hash", x.atHash, "access token", x.want.AccessToken)
}

func (x *verification) checkCodeHash(time.Time) error {
	return x.checkHash("c_hash", x.cHash, "code", x.want.Code)
}

// checkHash requires that v is the hash of what came with the token.
func (x *verification) checkHash(claim string, v jose.Value, what, text string) error {
	hash, _ := v.Text()
	switch {
	case text == "":
		return nil
	case !there(v) && x.want.FromAuthorizationEndpoint:
		return reject(validator.CodeBinding, "%s is missing, and Expected.FromAuthorizationEndpoint requires it", claim)
	case !there(v):
		return nil
	}
	want := jose.LeftHash(x.token.Algorithm(), text)
	if subtle.ConstantTimeCompare([]byte(hash), []byte(want)) != 1 {
		return reject(validator.CodeBinding, "%s is not the hash of the %s that came with the token, by the hash of %s",
			claim, what, x.token.Algorithm())
	}
	return nil
}

func (x *verification) checkOrganization(time.Time) error {
	wanted := x.want.Organization
	if wanted == "" {
		return nil
	}
	if strings.TrimSpace(wanted) != wanted || wanted == "org_" {
		return fault(errors.New("Expected.Organization is neither an ID nor a name"))
	}
	return validator.Organization(wanted)(context.Background(), &x.token) // the token is all it looks at
}

// checkPrevious compares the token with the user's earlier one (OpenID Connect
// Core 1.0, Section 12.2).
func (x *verification) checkPrevious(time.Time) error {
	p := x.want.Previous
	if p == nil {
		return nil
	}
	differs := ""
	authTime, _ := x.authTime.Time()
	switch {
	case p.Issuer != x.token.Issuer:
		differs = "iss"
	case p.Subject != x.token.Subject:
		differs = "sub"
	case !sameSet(p.Audience, x.token.Audience):
		differs = "aud"
	case p.AuthorizedParty != x.token.AuthorizedParty:
		differs = "azp"
	case there(x.authTime) && !p.AuthTime.IsZero() && !p.AuthTime.Equal(authTime):
		differs = "auth_time"
	default:
		return nil
	}
	return reject(validator.CodeBinding, "%s is not that of Expected.Previous: the token is of another login", differs)
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// claims returns the claims of a token that was accepted.
func (x *verification) claims() *Claims {
	c := &Claims{
		Issuer: x.token.Issuer, Subject: x.token.Subject, Audience: x.token.Audience, ID: x.token.ID,
		AuthorizedParty: x.token.AuthorizedParty, ExpiresAt: x.token.ExpiresAt, IssuedAt: x.token.IssuedAt,
		OrgID: x.token.OrgID, OrgName: x.token.OrgName, token: x.token,
	}
	c.AuthTime, _ = x.authTime.Time()
	c.Nonce, _ = x.nonce.Text()
	c.ACR, _ = x.acr.Text()
	c.SessionID, _ = x.sid.Text()
	if method, ok := x.amr.Text(); ok {
		c.AMR = []string{method} // as some issuers write a single one
	} else if x.amr.IsTexts() {
		c.AMR, _ = x.amr.AppendTexts(nil)
	}
	return c
}

func there(v jose.Value) bool { return v.Kind() != jose.KindNone }

func reject(code validator.Code, format string, args ...any) error {
	return &validator.Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// maxQuoted is the most bytes of a value in a text.
const maxQuoted = 256

func quote(s string) string { return strconv.Quote(show.Cut(s, maxQuoted)) }

// describe returns a string or the first of several, and otherwise a type.
func describe(v jose.Value) string {
	if text, ok := v.Text(); ok {
		return quote(text)
	}
	for element := range v.All() {
		text, _ := element.Text()
		if v.Len() > 1 {
			return fmt.Sprintf("%s and %d more", quote(text), v.Len()-1)
		}
		return "[" + quote(text) + "]"
	}
	if !there(v) {
		return "missing"
	}
	return v.Kind().String()
}
