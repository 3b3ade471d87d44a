package validator

import (
	"context"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
)

// An examination checks one token. Its methods are called in the order in which
// they are declared. Each relies on what those before it have established, and
// on nothing more.
type examination struct {
	token jose.Token
	reading
	audienceClaim string // that has been looked at since there is no aud
	progress
}

// A progress says how far the check of a token has come.
type progress struct {
	step  step // the current or the last one
	check int  // which of Config.Checks, in stepChecks
}

// A step is one of the checks of a token. The constants are in their order. See
// explain.go.
type step int

const (
	stepForm step = iota
	stepAlgorithm
	stepClaims
	stepType
	stepIssuer
	stepAudience
	stepExpiry
	stepMeant // of other kinds of token
	stepKey
	stepSignature
	stepNotBefore
	stepIssuedAt
	stepBinding
	stepChecks
	stepsEnd
)

// open reads a token. If v is nil, its tenant is not known yet.
func (x *examination) open(token string, limit limit, v *Validator) error {
	if err := x.parse(token, limit); err != nil {
		return err
	}
	if err := x.checkAlgorithm(v); err != nil {
		return err
	}
	return x.readClaims(limit)
}

// parse splits the token and reads its header.
func (x *examination) parse(token string, limit limit) error {
	x.step = stepForm
	err := x.token.Parse(token, limit.size)
	switch {
	case err == nil:
		return nil
	case len(token) > limit.size:
		return limit.tooLarge(len(token))
	}
	return &Error{Code: CodeMalformed, Err: err}
}

// checkAlgorithm checks that v allows the token's algorithm. What is allowed
// decides, never what the token says (RFC 8725, Section 3.1). If v is nil, the
// algorithm must be one that some Validator can allow. No tenant is looked up
// for any other token.
func (x *examination) checkAlgorithm(v *Validator) error {
	x.step = stepAlgorithm
	alg := x.token.Header.Algorithm
	if v == nil {
		if !jose.Known(alg) && jose.HashSize(alg) == 0 {
			return &Error{Code: CodeAlgorithm, Err: &mismatch{
				name: "alg", value: x.token.Header.AlgorithmValue, advice: "no tenant has it in Config.Algorithms",
			}}
		}
		return nil
	}
	if !slices.Contains(v.algorithms, alg) {
		return &Error{Code: CodeAlgorithm, Err: &mismatch{
			name: "alg", value: x.token.Header.AlgorithmValue, want: v.algorithms, advice: "see Config.Algorithms",
		}}
	}
	return nil
}

// readClaims reads the token's claims.
func (x *examination) readClaims(limit limit) error {
	x.step = stepClaims
	payload, err := x.token.Payload()
	if err != nil {
		return &Error{Code: CodeMalformed, Err: err}
	}
	x.keyID, x.algorithm = x.token.Header.KeyID, x.token.Header.Algorithm
	if err := x.read(payload, limit); err != nil {
		return err
	}
	x.nameTrustDomain()
	return nil
}

// decide decides about a token that has been read.
func (x *examination) decide(ctx context.Context, v *Validator) (err error) {
	if x.at, err = v.moment(); err != nil {
		return err
	}
	// A token that can't be meant for us must not cause a fetch of keys, so
	// everything that is known without them comes first. It is read from the
	// same bytes that the signature then covers.
	if err := x.checkType(v); err != nil {
		return err
	}
	if err := x.checkIssuer(v); err != nil {
		return err
	}
	if err := x.checkAudience(v); err != nil {
		return err
	}
	if err := x.checkExpiry(); err != nil {
		return err
	}
	if err := x.checkSignature(ctx, v); err != nil {
		return err
	}
	x.believe()
	if err := x.timely(&x.Claims); err != nil {
		return err
	}
	if err := x.checkBinding(ctx); err != nil {
		return err
	}
	return x.runChecks(ctx, v, &x.Claims)
}

// checkType rejects other kinds of token (RFC 8725, Section 3.11).
func (x *examination) checkType(v *Validator) error {
	x.step = stepType
	if v.cfg.InsecureSkipTypeCheck {
		return nil
	}
	typ := x.typeName()
	switch accessToken := strings.EqualFold(typ, "at+jwt"); {
	case accessToken:
	case v.cfg.RequireRFC9068:
		return &Error{Code: CodeType, Err: &mismatch{name: "typ", found: x.types(), want: []string{"at+jwt"}, advice: adviceRFC9068}}
	case x.isSVID && strings.EqualFold(typ, "JOSE"): // JWT-SVID, Section 2.3
	case x.token.Header.HasType && !strings.EqualFold(typ, "JWT"):
		return &Error{Code: CodeType, Err: &mismatch{name: "typ", found: x.types(), want: []string{"JWT", "at+jwt"}, advice: adviceType}}
	}
	if x.mark != nil {
		return &Error{Code: CodeType, Err: &otherTypeError{x.mark, v.cfg.RequireRFC9068}}
	}
	if v.cfg.RequireRFC9068 {
		return x.checkRequired()
	}
	return nil
}

const applicationPrefix = "application/"

// typeName returns typ as it is usually written (RFC 7515, Section 4.1.9).
func (x *examination) typeName() string {
	typ := x.token.Header.Type
	if len(typ) > len(applicationPrefix) && strings.EqualFold(typ[:len(applicationPrefix)], applicationPrefix) {
		typ = typ[len(applicationPrefix):]
	}
	return typ
}

func (x *examination) types() []string {
	if !x.token.Header.HasType {
		return nil
	}
	return []string{x.token.Header.Type}
}

// checkRequired requires the claims of RFC 9068, Section 2.2. Other steps
// require iss, aud and exp.
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
	return &Error{Code: CodeClaim, Err: &mismatch{name: missing, advice: adviceRFC9068}}
}

// checkIssuer compares exactly (RFC 7519, Section 7.3).
func (x *examination) checkIssuer(v *Validator) error {
	x.step = stepIssuer
	for i := range v.trusts {
		if x.isOf(&v.trusts[i]) {
			x.trust = &v.trusts[i]
			return nil
		}
	}
	name := "iss"
	switch {
	case x.isSVID:
		name = "iss is missing, and the trust domain of sub"
	case x.hasIssuer && slices.Contains(v.cfg.Issuers, x.Issuer):
		return &Error{Code: CodeIssuer, Err: &foreignSubjectError{x.Issuer}}
	}
	return &Error{Code: CodeIssuer, Err: &mismatch{
		name: name, found: x.issuers(), want: v.cfg.Issuers, compare: true,
	}}
}

func (x *examination) issuers() []string {
	if !x.hasIssuer && !x.isSVID {
		return nil
	}
	return []string{x.Issuer}
}

// checkAudience requires one of our audiences in the token (RFC 7519, Section
// 4.1.3). If there is no aud, or an empty array, Config.AudienceClaim may name
// a claim that replaces it. Some issuers write the array if the client has
// asked for no audience. It names as little as an absent aud does, and what
// replaces it is compared in the same way.
func (x *examination) checkAudience(v *Validator) error {
	x.step = stepAudience
	isEmpty := isEmptyArray(x.audience)
	if (isEmpty || x.audience.Kind() == jose.KindNone) && v.cfg.AudienceClaim != "" {
		return x.checkAudienceClaim(v)
	}
	if isEmpty {
		return &Error{Code: CodeClaim, Err: &claimTypeError{name: "aud", value: x.audience}}
	}
	if x.audience.HasText(v.cfg.Audiences) {
		return nil
	}
	return &Error{Code: CodeAudience, Err: &mismatch{
		name: "aud", value: x.audience, want: v.cfg.Audiences, compare: true, advice: x.audienceAdvice(v),
	}}
}

// checkAudienceClaim is checkAudience for the claim that replaces aud.
func (x *examination) checkAudienceClaim(v *Validator) error {
	name := v.cfg.AudienceClaim
	x.audienceClaim = name
	value, there := x.claim(name)
	switch {
	case there && !namesAudience(value):
		return &Error{Code: CodeClaim, Err: &claimTypeError{name: name, value: value, standsIn: x.noAudience()}}
	case value.HasText(v.cfg.Audiences):
		return nil
	}
	return &Error{Code: CodeAudience, Err: &mismatch{
		name: name, standsIn: x.noAudience(), value: value, want: v.cfg.Audiences, compare: true, advice: adviceAudienceClaim,
	}}
}

// noAudience says why aud doesn't count.
func (x *examination) noAudience() string {
	if isEmptyArray(x.audience) {
		return "aud is an empty array"
	}
	return "aud is missing"
}

// audienceAdvice says what to change if the token is for another API.
func (x *examination) audienceAdvice(v *Validator) string {
	switch {
	case x.trust.isAuth0:
		return v.auth0Advice
	case x.audience.Kind() == jose.KindNone:
		return adviceNoAudience + adviceOrAudienceClaim
	}
	return adviceAudience
}

func (x *examination) checkExpiry() error {
	x.step = stepExpiry
	if !x.hasExpiry {
		return &Error{Code: CodeClaim, Err: &mismatch{name: "exp", advice: "a token without an end is rejected"}}
	}
	return x.at.checkExpiry(&x.Claims)
}

// checkSignature finds the key and checks the signature.
func (x *examination) checkSignature(ctx context.Context, v *Validator) error {
	x.step = stepKey
	kid := x.token.Header.KeyID
	if v.cfg.Secret != nil {
		x.step = stepSignature
		if x.token.VerifyMAC(v.cfg.Secret) != nil {
			return &Error{Code: CodeSignature, Err: errSecret}
		}
		return nil
	}
	keys, err := x.trust.find(ctx, kid, x.at.now)
	if err != nil {
		return keysUnavailable(err)
	}
	if len(keys) == 0 {
		return &Error{Code: CodeUnknownKey, Err: &unknownKeyError{kid, x.trust.unknown(kid)}}
	}
	err = x.checkSignatureBy(keys)
	if CodeOf(err) != CodeSignature {
		return err
	}
	// The issuer may have replaced the key by another with the same kid. A token
	// that is bad in any case must not cause a fetch of keys.
	if x.timely(&x.Claims) == nil {
		if keys := x.trust.again(ctx, kid, keys); len(keys) > 0 {
			return x.checkSignatureBy(keys)
		}
	}
	x.step = stepSignature
	return err
}

// checkSignatureBy checks the signature by the keys that the token names.
func (x *examination) checkSignatureBy(keys []jwks.Key) error {
	alg, kid := x.token.Header.Algorithm, x.token.Header.KeyID
	x.step = stepKey
	c := choice{kid: kid, alg: alg, issuer: x.Issuer, tenant: x.tenant, keys: keys}
	if kid == "" {
		c.hashes = x.certificateHashes(keys)
	}
	tried := 0
	var foreign *jwks.Key
	var cause error // the first key's
	for i := range keys {
		if !c.fits(&keys[i]) {
			if foreign == nil && c.isNamed(&keys[i]) && fits(&keys[i], alg) {
				foreign = &keys[i]
			}
			continue
		}
		// Only a token without a kid, or a careless issuer, leaves a choice. It
		// must not multiply the work.
		if tried == maxTried {
			break
		}
		tried++
		x.step = stepSignature
		err := x.token.Verify(keys[i].Public)
		if err == nil {
			x.signedBy = &keys[i]
			return nil
		}
		if cause == nil {
			cause = err
		}
	}
	switch {
	case tried == 0 && foreign != nil:
		return &Error{Code: CodeUnknownKey, Err: &foreignKeyError{kid, foreign.Issuer, x.Issuer, x.tenant != ""}}
	case tried == 0:
		return &Error{Code: CodeAlgorithm, Err: &keyMismatchError{alg, keys}}
	case len(keys) > 1 || kid == "":
		return &Error{Code: CodeSignature, Err: &choiceError{cause, c, tried}}
	}
	return &Error{Code: CodeSignature, Err: cause}
}

// A choice holds what decides which keys are tried for a token.
type choice struct {
	kid            string
	alg            string
	issuer, tenant string
	hashes         certificateHashes // empty if no key has one of them
	keys           []jwks.Key
}

// fits reports whether key may be tried.
func (c *choice) fits(key *jwks.Key) bool {
	return fits(key, c.alg) && c.isNamed(key) && key.SignsFor(c.issuer, c.tenant)
}

// isNamed reports whether the hashes name key. If they name no key, it reports
// true.
func (c *choice) isNamed(key *jwks.Key) bool {
	return c.hashes == certificateHashes{} || c.hashes.name(key)
}

// certificateHashes are the "x5t" and "x5t#S256" of a header. Without a kid,
// they name a key (RFC 7515, Sections 4.1.7 and 4.1.8). They prove nothing.
type certificateHashes struct{ sha1, sha256 string }

// certificateHashes returns the hashes of the token's header if they name one
// of the keys. Some issuers write hashes that are not in their own key sets.
func (x *examination) certificateHashes(keys []jwks.Key) certificateHashes {
	hashes := certificateHashes{x.token.Header.X5T, x.token.Header.X5TS256}
	if (hashes == certificateHashes{}) {
		return hashes
	}
	for i := range keys {
		if hashes.name(&keys[i]) {
			return hashes
		}
	}
	return certificateHashes{}
}

func (h certificateHashes) name(key *jwks.Key) bool {
	return h.sha256 != "" && h.sha256 == key.X5TS256 || h.sha1 != "" && h.sha1 == key.X5T
}

// maxTried is the largest number of keys that are tried for one token.
const maxTried = 4

// fits reports whether a key is for alg, by the key set and by its type.
func fits(key *jwks.Key, alg string) bool { return allows(key, alg) && jose.Fits(alg, key.Public) }

// allows reports whether the key set says that a key is for alg. In a key set,
// Ed25519 and EdDSA are two names of the same algorithm. WebCrypto, for one,
// writes Ed25519, whatever the key's tokens have in their header.
func allows(key *jwks.Key, alg string) bool {
	return key.Algorithm == "" || jose.SameAlgorithm(key.Algorithm, alg)
}

// timely checks nbf and iat. They rarely fail, so they come after the
// signature.
func (p *progress) timely(c *Claims) error {
	p.step = stepNotBefore
	if !c.at.reached(c.NotBefore) {
		return &Error{Code: CodeNotYetValid, Err: c.at.untimely("nbf", c.NotBefore)}
	}
	p.step = stepIssuedAt
	if !c.at.reached(c.IssuedAt) {
		return &Error{Code: CodeNotYetValid, Err: c.at.untimely("iat", c.IssuedAt)}
	}
	return nil
}

// checkBinding requires the proof that a bound token needs. It comes after the
// signature, because before it cnf is only a claim.
func (x *examination) checkBinding(ctx context.Context) error {
	x.step = stepBinding
	if err := x.confirm(); err != nil || x.Confirmation == nil {
		return err
	}
	return x.Confirmation.Proven(ctx)
}

// runChecks runs the Checks of the Config. They get claims of their own, so
// that changes don't affect the caller.
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

// refusal adds to err what the log needs to know of the token.
func (x *examination) refusal(err error) error {
	actor := ""
	if x.step > stepSignature {
		actor = x.actorName()
	}
	return refusal(err, x.Issuer, x.token.Header.KeyID, actor, x.trust != nil)
}

// refusal is that of claims whose signature was checked before.
func (c *Claims) refusal(err error) error {
	return refusal(err, c.Issuer, c.keyID, c.actorName(), true)
}

func refusal(err error, issuer, keyID, actor string, trusted bool) error {
	if issuer == "" && keyID == "" && actor == "" {
		return err
	}
	e := asError(err).clone() // a Check may return the same error to all
	e.Issuer, e.KeyID, e.Actor, e.Trusted = cut(issuer), cut(keyID), cut(actor), trusted
	return e
}
