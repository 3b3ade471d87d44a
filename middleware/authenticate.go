package middleware

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/redeemed"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// An Authenticator guards the routes of one API. Make one with [New]. It is
// safe for concurrent use.
type Authenticator struct {
	cfg      Config
	varies   bool              // by the field Client-Cert
	dpopOnly bool              // only DPoP's challenge is useful
	algs     string            // those of DPoP proofs, for challenges
	metadata *metadataDocument // nil if there is none
	watches  *revocation.List  // nil unless Config.CancelWithToken counts
}

// A Guard decides about the requests of one route. Make one with
// [Authenticator.Guard]. It is safe for concurrent use.
type Guard struct {
	auth   *Authenticator
	checks []validator.Check
	scopes string // those that the checks require, for challenges
}

// Guard returns the Guard of a route with these checks. They run in order until
// one fails. Guard panics if a check is nil.
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

// Do decides about r. It returns the request to continue with, whose context
// has the claims, or the rejection, which it has logged. In both cases it sets
// in h the header fields that the response needs. It writes no response, and
// must be called before the response begins.
//
// For a rejected request it replaces Cache-Control by no-store, and
// WWW-Authenticate, DPoP-Nonce and Retry-After by the values that the client
// needs, if any. For an accepted request it sets DPoP-Nonce if a proof was used
// and nonces are required (RFC 9449, Section 8.2), then also Cache-Control:
// no-store unless h has a Cache-Control. With Config.ClientCertificate it adds
// Vary: Client-Cert (RFC 9440, Section 2.4).
//
// With Config.CancelWithToken, the context is done once the token has ended. An
// adapter calls [Guard.Done] when the handler has returned.
//
// Behind a Guard of the same Authenticator, the checks run on the claims that
// it has found, unless the request carries another token by now. In all other
// cases the token is validated. Claims of another Authenticator and of
// [ContextWithClaims] are not trusted. Behind an Authenticator whose Config.DPoP
// is the same Verifier, the proof is verified again, and is no replay.
//
// A request whose context was made of that of an accepted one counts as behind
// its Guard. So give a request that comes from elsewhere, such as one of a batch
// or of a tunnel, a context of its own.
//
// Of a request, Do checks the credentials, the host if Config.IssuerForHost is
// set, and the method and URL if there is a DPoP proof. It doesn't check the
// following:
//
//   - whether the connection is encrypted
//   - whether another site made a browser send the request
//   - how many requests a client sends
//   - what the path and the body of the request ask for
//
// A panic in a check, in a function of the Config or in the Validator rejects
// the request with status 500. The exception is [http.ErrAbortHandler], which
// is passed on, and is observed with status 500 although there is no response.
func (g *Guard) Do(h http.Header, r *http.Request) (*http.Request, *Refusal) {
	if g.auth == nil { // no Authenticator has made this Guard
		g = &Guard{auth: new(Authenticator)}
	}
	a := g.auth
	var began time.Time
	if a.cfg.Observe != nil {
		began = time.Now()
	}
	d := g.contained(r)
	var took time.Duration
	if a.cfg.Observe != nil {
		took = time.Since(began)
	}
	switch {
	case d.err == nil:
		a.admit(h, d.id)
		a.observe(r, &d, took)
		return d.id.request(r), nil
	case validator.CodeOf(d.err) == validator.CodeInternal && fault.Aborts(d.err): // Validate may have contained it
		a.observe(r, &d, took)
		panic(http.ErrAbortHandler)
	}
	return g.refuse(h, r, &d, took)
}

// Reject is [Guard.Do] for a request that is rejected because of err. It is for
// adapters to transports that find a fault in a request by themselves, such as
// two fields of which their server keeps one. If err has no code, it counts as
// [validator.CodeRequest]. net/http has no use for it, because its server
// rejects such requests. It is also for the end of a stream whose token has
// expired or was revoked. If r is what Do has returned, the record and the event have the
// claims. The request is nil unless Config.InsecureReportOnly is set.
func (g *Guard) Reject(h http.Header, r *http.Request, err error) (*http.Request, *Refusal) {
	if g.auth == nil { // no Authenticator has made this Guard
		g = &Guard{auth: new(Authenticator)}
	}
	d := decision{scheme: schemeBearer, err: refusal(validator.CodeRequest, err)}
	if g.auth.cfg.DPoP != nil && hasScheme(r, schemeDPoP) {
		d.scheme = schemeDPoP
	}
	if id := identityFrom(r.Context()); id.isBy(g.auth) {
		d.scheme, d.token, d.claims, d.known = id.scheme, id.token, id.claims, true
		if id.claims != nil {
			d.err = refusalOf(id.claims, d.err)
		}
	}
	return g.refuse(h, r, &d, 0)
}

// refuse responds to a decision with an error.
func (g *Guard) refuse(h http.Header, r *http.Request, d *decision, took time.Duration) (*http.Request, *Refusal) {
	a := g.auth
	a.logRefusal(r, d)
	if a.cfg.InsecureReportOnly {
		a.observe(r, d, took)
		return d.id.request(r), nil // with the claims if only a check has rejected them
	}
	refusal := g.reject(h, d.scheme, d.err)
	a.observe(r, d, took)
	return nil, refusal
}

// A decision is what a Guard decides about a request.
type decision struct {
	id     *identity         // nil if the request has none; that of a rejected request must not be used
	claims *validator.Claims // that the Validator has accepted, even if err is not nil
	scheme string            // of the credentials
	token  string            // of the request, or ""
	known  bool              // a Guard of the same Authenticator has found id before
	err    error             // why the request is rejected
}

// outcome is the decision in a word.
func (d *decision) outcome(ctx context.Context) Outcome {
	switch {
	case d.err != nil && abandoned(ctx, d.err):
		return Abandoned
	case d.err != nil:
		return Rejected
	case d.claims == nil:
		return Anonymous
	}
	return Accepted
}

// contained is decide, except that a panic becomes an error with
// [validator.CodeInternal]. Functions of others that run in it therefore can't
// let a request through by failing.
func (g *Guard) contained(r *http.Request) (d decision) {
	if panicked := fault.Contain(func() { d.err = g.decide(r, &d) }); panicked != nil {
		d.err = internal(panicked)
	}
	return d
}

// internal returns the rejection for a fault of the program.
func internal(cause error) error {
	return &validator.Error{Code: validator.CodeInternal, Err: cause}
}

// decide fills in d and returns why the request is rejected. The identity is
// nil if a request without credentials is accepted.
func (g *Guard) decide(r *http.Request, d *decision) error {
	a := g.auth
	c, err := a.credentials(r)
	d.scheme, d.token = c.scheme, c.token
	anonymous := c.missing && (a.cfg.Optional && len(g.checks) == 0 || a.cfg.AllowPreflight && isPreflight(r))
	id := identityFrom(r.Context())
	switch {
	case id.isBy(a) && (c.missing || err == nil && c.token == id.token):
		// A handler in between may have removed the token. If it has replaced
		// the token by another, the request is a new one with the context of
		// the old one, and the claims found are not its sender's.
		c.scheme = id.scheme
		d.scheme, d.claims, d.known = id.scheme, id.claims, true
		if err := a.checkRequest(r, id.claims); err != nil {
			return err
		}
	case anonymous:
		return nil
	case err != nil:
		return err
	default:
		ctx, err := a.claimsOf(r, c, d)
		if err != nil {
			return err
		}
		id = newIdentity(ctx, found{by: a, token: c.token, scheme: c.scheme, claims: d.claims})
	}

	d.id = id
	for _, check := range g.checks {
		if err := check(r.Context(), id.claims); err != nil {
			return refusalOf(id.claims, err)
		}
	}
	return a.watch(id, d.known)
}

// claimsOf finds the claims of a request's token. It returns an error if the
// token is not accepted, or if the key that it may be bound to is not proven.
// The context that it returns is the request's, and remembers the proof that
// was redeemed.
func (a *Authenticator) claimsOf(r *http.Request, c credentials, d *decision) (context.Context, error) {
	proof, err := a.readProof(r, c)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if c.certificate != "" {
		ctx = validator.ContextWithConfirmation(ctx, validator.Confirmation{X5TS256: c.certificate})
	}
	if proof != nil {
		// Any client can make a key. If the check of a proof is ten times as
		// expensive as that of a token, it comes after the token is known to be
		// bound to the key.
		ctx = validator.ContextWithProof(ctx, proof.Thumbprint, proof.Verify)
	}

	claims, err := a.cfg.Validator.Validate(ctx, c.token)
	switch {
	case err != nil:
		return nil, refusal(validator.CodeRefused, err)
	case claims == nil:
		return nil, internal(errNeither)
	}
	d.claims = claims
	switch {
	case claims.Confirmation != nil:
		// Checked again, because the Validator may be the caller's own.
		if err := claims.Confirmation.Proven(ctx); err != nil {
			return nil, err
		}
	case c.scheme == schemeDPoP:
		return nil, &validator.Error{Code: validator.CodeBinding, Err: errUnboundDPoP}
	case a.cfg.RequireBinding:
		return nil, &validator.Error{Code: validator.CodeBinding, Err: errUnbound}
	}
	if err := a.checkRequest(r, claims); err != nil {
		return nil, err
	}
	if proof == nil {
		return r.Context(), nil
	}
	// This comes last, so that only good proofs are remembered. It comes before
	// a route's checks, because they may have effects.
	remembering, end := redeemed.Context(r.Context())
	defer end()
	return remembering, a.cfg.DPoP.Redeem(remembering, proof, claims)
}

// checkRequest asks Config.Revocations and Config.IssuerForHost about a token
// that is good otherwise.
func (a *Authenticator) checkRequest(r *http.Request, claims *validator.Claims) error {
	if a.cfg.Revocations != nil {
		if err := a.cfg.Revocations.Check(r.Context(), claims); err != nil {
			return refusalOf(claims, err)
		}
	}
	return a.checkHost(r, claims)
}

var (
	errNeither     = errors.New("the Validator returned neither claims nor an error")
	errUnboundDPoP = errors.New("the token is bound to nothing: under the scheme DPoP it has to be bound to a key")
	errUnbound     = errors.New("the token is bound to nothing, and Config.RequireBinding accepts only those that are bound")
)
