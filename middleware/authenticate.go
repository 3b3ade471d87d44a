package middleware

import (
	"errors"
	"net/http"
	"slices"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/validator"
)

// An Authenticator guards the routes of one API. It is made by [New], and safe
// for concurrent use.
type Authenticator struct {
	cfg      Config
	varies   bool              // by the field Client-Cert
	dpopOnly bool              // no challenge but that of DPoP is of use
	algs     string            // those of DPoP proofs, for challenges
	metadata *metadataDocument // nil if there is none
}

// A Guard decides about the requests of one route. It is made by
// [Authenticator.Guard], and safe for concurrent use.
type Guard struct {
	auth   *Authenticator
	checks []validator.Check
	scopes string // that the checks ask for, for challenges
}

// Guard returns the decision for a route with these checks. The checks run in
// order, until one fails. Guard panics if a check is nil.
func (a *Authenticator) Guard(checks ...validator.Check) *Guard {
	for _, check := range checks {
		if check == nil {
			panic("middleware: Guard: a check is nil")
		}
	}
	return &Guard{
		auth:   a,
		checks: slices.Clone(checks), // append(common, a)... and append(common, b)... may be one array
		scopes: list(validator.RequiredScopes(checks...)),
	}
}

// Do decides about r and sets in h the headers that its response needs,
// whatever the verdict. It returns the request to go on with, whose context has
// the claims, or the rejection, which it has logged. It must be called before
// the response begins, and writes none.
//
// For a rejected request, these are Cache-Control: no-store, and where they
// help WWW-Authenticate, DPoP-Nonce and Retry-After, in place of any that h
// has. For an accepted one they are DPoP-Nonce if it has used a proof and
// nonces are required (RFC 9449, Section 8.2), then with Cache-Control:
// no-store unless there is a Cache-Control, and Vary: Client-Cert with a
// Config.ClientCertificate (RFC 9440, Section 2.4).
//
// Behind a Guard of the same Authenticator, the checks run on the claims that
// were found there, unless the request has come to carry another token since.
// Anywhere else the token is validated: claims of another Authenticator or of
// [ContextWithClaims] are not trusted.
//
// Of a request, Do checks its credentials, its host with Config.IssuerForHost,
// and what a DPoP proof names: its method and URL. It doesn't check whether
// the connection is encrypted, whether a browser was made to send the request,
// how many requests there are, or what the request's path and body ask for.
//
// A panic of a check, of a function of the Config or of the Validator is a
// rejection with status 500, except that [http.ErrAbortHandler] panics on.
func (g *Guard) Do(h http.Header, r *http.Request) (*http.Request, *Refusal) {
	if g.auth == nil { // of a Guard that no Authenticator has made
		g = &Guard{auth: new(Authenticator)}
	}
	id, scheme, err := g.contained(r)
	if err != nil {
		g.auth.logRefusal(r.Context(), err)
		return nil, g.reject(h, scheme, err)
	}
	g.auth.admit(h, id)
	return id.request(r), nil
}

// contained is identify, but a panic in it is an error with
// [validator.CodeInternal], so that the code of others that runs in it cannot
// let a request through by failing. It panics on with a handler's own way to
// abort a response.
func (g *Guard) contained(r *http.Request) (id *identity, scheme string, err error) {
	if panicked := fault.Contain(func() { id, scheme, err = g.identify(r) }); panicked != nil {
		id, err = nil, internal(panicked)
	}
	if validator.CodeOf(err) == validator.CodeInternal && fault.Aborts(err) { // also what Validate has contained
		panic(http.ErrAbortHandler)
	}
	return id, scheme, err
}

// internal returns the rejection for a fault of the program, and not of the
// request.
func internal(cause error) error {
	return &validator.Error{Code: validator.CodeInternal, Err: cause}
}

// identify returns whose request r is, and the scheme of its credentials. The
// identity is nil for a request without credentials that may pass.
func (g *Guard) identify(r *http.Request) (id *identity, scheme string, err error) {
	a := g.auth
	c, err := a.credentials(r)
	anonymous := c.missing && (a.cfg.Optional && len(g.checks) == 0 || a.cfg.AllowPreflight && isPreflight(r))
	id = identityFrom(r.Context())
	switch {
	case id.isBy(a) && (c.missing || err == nil && c.token == id.token):
		// A handler in between may have removed the token, but if it
		// put another in its place, then the request is a new one, made
		// with the context of the old: the claims found are not its
		// sender's.
		c.scheme = id.scheme
	case anonymous:
		return nil, c.scheme, nil
	case err != nil:
		return nil, c.scheme, err
	default:
		claims, err := a.claimsOf(r, c)
		if err != nil {
			return nil, c.scheme, err
		}
		id = newIdentity(r.Context(), found{by: a, token: c.token, scheme: c.scheme, claims: claims})
	}

	if err := a.checkHost(r, id.claims); err != nil {
		return nil, c.scheme, err
	}
	for _, check := range g.checks {
		if err := check(r.Context(), id.claims); err != nil {
			return nil, c.scheme, refusalOf(id.claims, err)
		}
	}
	return id, c.scheme, nil
}

// claimsOf returns the claims of a request's token if they are to be accepted,
// and the key that they may be bound to is proven.
func (a *Authenticator) claimsOf(r *http.Request, c credentials) (*validator.Claims, error) {
	proof, err := a.readProof(r, c)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if c.certificate != "" {
		ctx = validator.ContextWithConfirmation(ctx, validator.Confirmation{X5TS256: c.certificate})
	}
	if proof != nil {
		// Anybody can make a key. By one that costs ten times as much as a
		// token, the proof is verified once the token is known to be bound to
		// it.
		ctx = validator.ContextWithProof(ctx, proof.Thumbprint, proof.Verify)
	}

	claims, err := a.cfg.Validator.Validate(ctx, c.token)
	switch {
	case err != nil:
		return nil, refusal(validator.CodeRefused, err)
	case claims == nil:
		return nil, internal(errNeither)
	case claims.Confirmation != nil:
		// Again, whatever the Validator is.
		if err := claims.Confirmation.Proven(ctx); err != nil {
			return nil, err
		}
	case c.scheme == schemeDPoP:
		return nil, &validator.Error{Code: validator.CodeBinding, Err: errUnboundDPoP}
	case a.cfg.RequireBinding:
		return nil, &validator.Error{Code: validator.CodeBinding, Err: errUnbound}
	}
	if proof == nil {
		return claims, nil
	}
	// Last, so that only good proofs are remembered; but before a route's
	// checks, which may have effects.
	if err := a.cfg.DPoP.Redeem(ctx, proof, claims); err != nil {
		return nil, err
	}
	return claims, nil
}

var (
	errNeither     = errors.New("the Validator returned neither claims nor an error")
	errUnboundDPoP = errors.New("the token is bound to nothing: under the scheme DPoP it has to be bound to a key")
	errUnbound     = errors.New("the token is bound to nothing, and Config.RequireBinding accepts only those that are bound")
)
