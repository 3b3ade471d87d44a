package validator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
)

// An examination is the way of one token through the checks. Its methods are called in the order in which they stand
// here; each believes what those before it have established, and nothing else.
type examination struct {
	token jose.Token
	reading
	progress
}

// A progress says how far a token has come.
type progress struct {
	step  step // where it is, or where it has ended
	check int  // which of Config.Checks, in stepChecks
}

// A step is one of the things that are asked of a token, in their order. See explain.go.
type step int

const (
	stepForm step = iota
	stepAlgorithm
	stepClaims
	stepType
	stepIssuer
	stepAudience
	stepExpiry
	stepKey
	stepSignature
	stepNotBefore
	stepIssuedAt
	stepBinding
	stepChecks
	stepsEnd
)

// parse takes the token apart.
func (x *examination) parse(token string, maxSize int) error {
	x.step = stepForm
	if len(token) > maxSize {
		return tooLarge()
	}
	if err := x.token.Parse(token, maxSize); err != nil {
		return &Error{Code: CodeMalformed, Err: err}
	}
	return nil
}

func tooLarge() error { return &Error{Code: CodeMalformed, Err: jose.ErrTooLarge} }

// algorithm checks that v allows the token's. What is allowed decides, never what the token says
// (RFC 8725, Section 3.1).
func (x *examination) algorithm(v *Validator) error {
	x.step = stepAlgorithm
	if alg := x.token.Header.Algorithm; !slices.Contains(v.algorithms, alg) {
		return &Error{Code: CodeAlgorithm, Err: &mismatch{
			name: "alg", found: []string{alg}, want: v.algorithms, advice: "see Config.Algorithms",
		}}
	}
	return nil
}

// claims reads the token's claims.
func (x *examination) claims() error {
	x.step = stepClaims
	payload, err := x.token.Payload()
	if err != nil {
		return &Error{Code: CodeMalformed, Err: err}
	}
	x.keyID = x.token.Header.KeyID
	return x.read(payload)
}

// decide comes to the verdict on a token that has been read.
func (x *examination) decide(ctx context.Context, v *Validator) error {
	now := v.cfg.Now()
	if now.IsZero() {
		return &Error{Code: CodeUnavailable, Err: errNoTime}
	}
	// A token that can't be meant for us must not cause a fetch of keys, so all that is known without them comes
	// first. It is known from the same bytes that the signature then covers.
	if err := x.checkType(v); err != nil {
		return err
	}
	if err := x.checkIssuer(v); err != nil {
		return err
	}
	if err := x.checkAudience(v); err != nil {
		return err
	}
	if err := x.checkExpiry(v, now); err != nil {
		return err
	}
	if err := x.checkSignature(ctx, v, now); err != nil {
		return err
	}
	x.believe()
	if err := x.timely(v, &x.Claims, now); err != nil {
		return err
	}
	if err := x.checkBinding(ctx); err != nil {
		return err
	}
	return x.runChecks(ctx, v, &x.Claims)
}

// errNoTime is the cause where Config.Now returns the zero time, by which no
// token would ever expire.
var errNoTime = errors.New("Config.Now returned the zero time")

// checkType keeps other kinds of token out (RFC 8725, Section 3.11).
func (x *examination) checkType(v *Validator) error {
	x.step = stepType
	if v.cfg.InsecureSkipTypeCheck {
		return nil
	}
	typ := x.token.Header.Type
	if len(typ) > len(applicationPrefix) && strings.EqualFold(typ[:len(applicationPrefix)], applicationPrefix) {
		typ = typ[len(applicationPrefix):] // RFC 7515, Section 4.1.9
	}
	switch accessToken := strings.EqualFold(typ, "at+jwt"); {
	case accessToken:
	case v.cfg.RequireRFC9068:
		return &Error{Code: CodeType, Err: &mismatch{name: "typ", found: x.types(), want: []string{"at+jwt"}}}
	case x.token.Header.HasType && !strings.EqualFold(typ, "JWT"):
		return &Error{Code: CodeType, Err: &mismatch{name: "typ", found: x.types(), want: []string{"JWT", "at+jwt"}}}
	}
	if x.mark != nil {
		return &Error{Code: CodeType, Err: &otherTypeError{x.mark}}
	}
	if v.cfg.RequireRFC9068 {
		return x.checkRequired()
	}
	return nil
}

const applicationPrefix = "application/"

func (x *examination) types() []string {
	if !x.token.Header.HasType {
		return nil
	}
	return []string{x.token.Header.Type}
}

// checkRequired demands the claims of RFC 9068, Section 2.2; of iss, aud and exp others take care.
func (x *examination) checkRequired() error {
	missing := ""
	switch {
	case x.Subject == "":
		missing = "sub"
	case !x.hasClientID || x.ClientID == "":
		missing = "client_id"
	case x.ID == "":
		missing = "jti"
	case !x.hasIssuedAt:
		missing = "iat"
	default:
		return nil
	}
	return &Error{Code: CodeClaim, Err: &mismatch{name: missing, advice: "RFC 9068 requires it"}}
}

// checkIssuer compares exactly (RFC 7519, Section 7.3).
func (x *examination) checkIssuer(v *Validator) error {
	x.step = stepIssuer
	for i := range v.trusts {
		if x.hasIssuer && x.Issuer == v.trusts[i].issuer {
			x.trust = &v.trusts[i]
			return nil
		}
	}
	return &Error{Code: CodeIssuer, Err: &mismatch{
		name: "iss", found: x.issuers(), want: v.cfg.Issuers, advice: issuerAdvice(x.Issuer, v.cfg.Issuers),
	}}
}

func (x *examination) issuers() []string {
	if !x.hasIssuer {
		return nil
	}
	return []string{x.Issuer}
}

func issuerAdvice(found string, want []string) string {
	for _, issuer := range want {
		switch {
		case strings.TrimSuffix(found, "/") == strings.TrimSuffix(issuer, "/"):
			return "they differ by the slash at the end"
		case strings.EqualFold(found, issuer):
			return "they differ by case"
		case strings.TrimPrefix(found, "http://") == strings.TrimPrefix(issuer, "https://"):
			return "they differ by the scheme"
		}
	}
	return ""
}

// checkAudience wants one of ours among the token's (RFC 7519, Section 4.1.3).
func (x *examination) checkAudience(v *Validator) error {
	x.step = stepAudience
	if slices.ContainsFunc(v.cfg.Audiences, x.audience.Is) {
		return nil
	}
	for audience := range x.audience.All() {
		if slices.ContainsFunc(v.cfg.Audiences, audience.Is) {
			return nil
		}
	}
	return &Error{Code: CodeAudience, Err: &mismatch{
		name: "aud", value: x.audience, want: v.cfg.Audiences, advice: v.audienceAdvice,
	}}
}

func (x *examination) checkExpiry(v *Validator, now time.Time) error {
	x.step = stepExpiry
	if !x.hasExpiry {
		return &Error{Code: CodeClaim, Err: &mismatch{name: "exp", advice: "a token without an end is refused"}}
	}
	return x.expired(v, now)
}

// checkSignature finds the key and checks the signature by it.
func (x *examination) checkSignature(ctx context.Context, v *Validator, now time.Time) error {
	x.step = stepKey
	alg, kid := x.token.Header.Algorithm, x.token.Header.KeyID
	if v.cfg.Secret != nil {
		x.step = stepSignature
		if x.token.VerifyMAC(v.cfg.Secret) != nil {
			return &Error{Code: CodeSignature, Err: jose.ErrSignature}
		}
		return nil
	}
	keys, err := x.trust.find(ctx, kid, now)
	if err != nil {
		return keysUnavailable(err)
	}
	if len(keys) == 0 {
		return &Error{Code: CodeUnknownKey, Err: &unknownKeyError{kid, x.trust.unknown(kid)}}
	}
	tried := 0
	var foreign *jwks.Key
	for i := range keys {
		if !fits(&keys[i], alg) {
			continue
		}
		if !keys[i].SignsFor(x.Issuer, x.tenant) {
			foreign = &keys[i]
			continue
		}
		// Only a token without kid, or a careless issuer, leaves a choice. It must not multiply the work.
		if tried++; tried > maxTried {
			break
		}
		x.step = stepSignature
		if x.token.Verify(keys[i].Public) == nil {
			x.signedBy = &keys[i]
			return nil
		}
	}
	if tried == 0 && foreign != nil {
		return &Error{Code: CodeUnknownKey, Err: &foreignKeyError{kid, foreign.Issuer, x.Issuer, x.tenant != ""}}
	}
	if tried == 0 {
		return &Error{Code: CodeAlgorithm, Err: &mismatch{
			name: "alg", found: []string{alg}, advice: "the issuer's key is not for it",
		}}
	}
	return &Error{Code: CodeSignature, Err: jose.ErrSignature}
}

// maxTried is how many keys are tried for one token.
const maxTried = 4

// fits reports whether a key is for alg: by what the key set says of it, and by what it is.
func fits(key *jwks.Key, alg string) bool { return allows(key, alg) && jose.Fits(alg, key.Public) }

func allows(key *jwks.Key, alg string) bool { return key.Algorithm == "" || key.Algorithm == alg }

// checkBinding demands the proof that a bound token needs. It comes after the signature: before, cnf is only a claim.
func (x *examination) checkBinding(ctx context.Context) error {
	x.step = stepBinding
	if x.cnf.Kind() == jose.KindNone {
		return nil
	}
	confirmation, err := readConfirmation(x.cnf)
	if err != nil {
		return err
	}
	x.Confirmation = confirmation
	return confirmation.Proven(ctx)
}

// timely checks the times that are in the past of a token of today, and need no hurry before the signature.
func (p *progress) timely(v *Validator, c *Claims, now time.Time) error {
	c.at = now
	p.step = stepNotBefore
	if now.Before(c.NotBefore.Add(-v.cfg.Leeway)) {
		return &Error{Code: CodeNotYetValid, Err: &untimely{"nbf", c.NotBefore, now, v.cfg.Leeway}}
	}
	p.step = stepIssuedAt
	if now.Before(c.IssuedAt.Add(-v.cfg.Leeway)) {
		return &Error{Code: CodeNotYetValid, Err: &untimely{"iat", c.IssuedAt, now, v.cfg.Leeway}}
	}
	return nil
}

// runChecks runs those of the Config. They get claims of their own: what they do to them is nobody else's.
func (p *progress) runChecks(ctx context.Context, v *Validator, c *Claims) error {
	p.step = stepChecks
	if len(v.cfg.Checks) > 0 {
		var own Claims
		c.copyInto(&own)
		for i, check := range v.cfg.Checks {
			p.check = i
			if err := check(ctx, &own); err != nil {
				return asError(err)
			}
		}
	}
	p.step = stepsEnd
	return nil
}

// valid is the time from the one moment in which timely and expired don't refuse to before the other.
func (c *Claims) valid(leeway time.Duration) (from, until time.Time) {
	from = c.NotBefore
	if from.Before(c.IssuedAt) {
		from = c.IssuedAt
	}
	return from.Add(-leeway), c.ExpiresAt.Add(leeway)
}

// expired refuses from the moment of exp on, with leeway (RFC 7519, Section 4.1.4).
func (c *Claims) expired(v *Validator, now time.Time) error {
	if now.Before(c.ExpiresAt.Add(v.cfg.Leeway)) {
		return nil
	}
	return &Error{Code: CodeExpired, Err: &untimely{"exp", c.ExpiresAt, now, v.cfg.Leeway}}
}

// refusal adds to err what the log should know of the token.
func (x *examination) refusal(err error) error {
	return refusal(err, x.Issuer, x.token.Header.KeyID)
}

func refusal(err error, issuer, keyID string) error {
	if issuer == "" && keyID == "" {
		return err
	}
	e := asError(err).clone() // a Check may return the same error to all
	e.Issuer, e.KeyID = cut(issuer), cut(keyID)
	return e
}
