package middleware

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

// Admit sets in h what the answer to an accepted request needs, and is called before the answer begins: adapters for
// frameworks call it where they would else call [Authenticator.Challenge]. r is the request that
// [Authenticator.Authenticate] has returned.
//
// That is a new DPoP-Nonce if the client has used a proof and the Config's DPoP demands nonces (RFC 9449, Section 8.2),
// with Cache-Control: no-store if there is no Cache-Control yet. With a Config.ClientCertificate it is also Vary:
// Client-Cert, so that a cache keeps the answer for this certificate alone (RFC 9440, Section 2.4).
func (a *Authenticator) Admit(h http.Header, r *http.Request) {
	if a.cfg.ClientCertificate != nil && !slices.Contains(h["Vary"], clientCert) {
		h["Vary"] = append(h["Vary"], clientCert)
	}
	if id := identityFrom(r.Context()); !id.isBy(a) || !id.underDPoP || a.cfg.DPoP == nil {
		return
	}
	if a.setNonce(h) && len(h["Cache-Control"]) == 0 {
		h.Set("Cache-Control", "no-store")
	}
}

func (a *Authenticator) setNonce(h http.Header) bool {
	nonce := a.cfg.DPoP.Nonce()
	if !isValue(nonce) { // none is demanded; or a NonceSource has made one that no header can have
		return false
	}
	h["Dpop-Nonce"] = []string{nonce}
	return true
}

// credentials are what a request has, of which nothing is believed yet.
type credentials struct {
	token       string
	underDPoP   bool   // the scheme is DPoP
	certificate string // the hash of the client's, "" without one
}

// credentials finds r's token, never empty, by its scheme. Its error is a [*validator.Error]; the scheme is known with
// an error too.
func (a *Authenticator) credentials(r *http.Request) (c credentials, err error) {
	if c.certificate, err = a.certificateHash(r); err != nil {
		return c, refusal(validator.CodeRequest, err)
	}
	// A token that is bound to a certificate may come under the scheme DPoP too, without a proof: Auth0 calls its type so.
	if a.cfg.DPoP != nil || c.certificate != "" {
		if fields := r.Header["Authorization"]; len(fields) == 1 && hasScheme(fields[0], "DPoP") {
			c.underDPoP = true
			c.token, err = schemeToken(r, "DPoP")
			if err == nil && a.cfg.Token != nil {
				err = a.checkAlone(r, c.token)
			}
			return c, err
		}
	}
	c.token, err = a.token(r)
	return c, err
}

// checkAlone refuses a request that has another token where Config.Token looks for one.
func (a *Authenticator) checkAlone(r *http.Request, token string) error {
	switch other, err := a.token(r); {
	case validator.CodeOf(err) == validator.CodeMissing, err == nil && other == token:
		return nil
	case err == nil:
		return invalid(errBesideHeader)
	default:
		return err
	}
}

func hasScheme(field, scheme string) bool { return strings.EqualFold(field[:schemeEnd(field)], scheme) }

// validate returns the claims of a request's token if they are to be accepted, and the key that they may be bound to is
// proven.
func (a *Authenticator) validate(r *http.Request, c credentials) (*validator.Claims, error) {
	proven := validator.Confirmation{X5TS256: c.certificate}
	proof, err := a.verifyProof(r, c)
	if err != nil {
		return nil, err
	}
	if proof != nil {
		proven.JKT = proof.Thumbprint
	}

	ctx := r.Context()
	if proven != (validator.Confirmation{}) {
		ctx = validator.WithConfirmed(ctx, proven)
	}
	claims, err := a.cfg.Validator.Validate(ctx, c.token)
	if err != nil {
		return nil, refusal(validator.CodeRefused, err)
	}
	if claims == nil {
		return nil, &fault{text: "the Validator returned neither claims nor an error"}
	}
	if err := a.checkBinding(ctx, claims.Confirmation, c); err != nil {
		return nil, err
	}
	if proof == nil {
		return claims, nil
	}
	// Last, so that only good proofs are remembered; but before a route's checks, which may have effects.
	if err := a.cfg.DPoP.Redeem(ctx, proof, claims); err != nil {
		return nil, err
	}
	return claims, nil
}

// verifyProof returns the proof of a request under the scheme DPoP. There need be none if there is a certificate.
func (a *Authenticator) verifyProof(r *http.Request, c credentials) (*dpop.Proof, error) {
	proofs := r.Header["Dpop"]
	if !c.underDPoP || a.cfg.DPoP == nil || len(proofs) == 0 && c.certificate != "" {
		return nil, nil
	}
	base, err := a.origin(r)
	if err != nil {
		return nil, err
	}
	url, err := targetOf(base, r)
	if err != nil {
		return nil, refusal(validator.CodeRequest, err)
	}
	return a.cfg.DPoP.Verify(dpop.Request{Method: r.Method, URL: url, Proofs: proofs, Token: c.token})
}

// checkBinding demands that a token that is bound is proven, whoever the Validator is, and that it is bound where
// it must be.
func (a *Authenticator) checkBinding(ctx context.Context, bound *validator.Confirmation, c credentials) error {
	if bound != nil {
		return bound.Proven(ctx)
	}
	if c.underDPoP || a.cfg.DPoP != nil && a.cfg.DPoP.Required() {
		return &validator.Error{Code: validator.CodeBinding, Err: errUnbound}
	}
	return nil
}

var errUnbound = errors.New("the token is bound to nothing, and only bound ones are accepted under this scheme")

// An underDPoP is the refusal of a request whose scheme is DPoP, as the challenge will be.
type underDPoP struct{ error }

func (e *underDPoP) Unwrap() error { return e.error }

// withScheme remembers the scheme of a refusal.
func withScheme(err error, dpop bool) error {
	if err == nil || !dpop {
		return err
	}
	return &underDPoP{err}
}

// usesDPoP reports whether the challenge that tells of err is that of DPoP.
func (a *Authenticator) usesDPoP(err error) bool {
	var under *underDPoP
	switch validator.CodeOf(err) {
	case validator.CodeProof, validator.CodeReplayed, validator.CodeNonce:
		return true
	}
	return errors.As(err, &under) || a.cfg.DPoP != nil && a.cfg.DPoP.Required()
}

func algorithmList(v *dpop.Verifier) string {
	if v == nil {
		return ""
	}
	var algs []string
	for _, alg := range v.Algorithms() {
		algs = append(algs, string(alg))
	}
	return strings.Join(algs, " ")
}
