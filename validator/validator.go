// Package validator decides whether a resource server may accept an OAuth 2.0
// access token in JWT form.
//
//	v, err := validator.New(validator.Auth0("tenant.eu.auth0.com", "https://api.example.com"))
//	…
//	claims, err := v.Validate(ctx, token)
//	switch {
//	case err == nil:                                          // act on claims
//	case validator.CodeOf(err) == validator.CodeUnavailable:  // ask again later
//	default:                                                  // reject
//	}
//
// A token is read strictly, and once. Its algorithm, type, issuer, audience and
// expiry are checked before its key is looked up. Then come the signature, the
// other times, the key that it may be bound to, and the [Check] functions of
// the [Config] and of the route. Package middleware does all of this for HTTP
// requests.
//
// # What is not checked
//
// Unless a [Check] does so, these are left to the service:
//
//   - whether the token was revoked, or the user blocked, since it was issued
//   - what the token allows: its scopes, permissions, roles and organization
//   - when and how the user signed in
//   - whether the token was used before
//   - whether its subject may act on the object that a request names
//
// The standards are RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (its best
// practices), RFC 9068 (access tokens in JWT form), RFC 9449 and RFC 8705
// (tokens bound to a key), RFC 8693 (actors), RFC 9396 (authorization details)
// and SPIFFE's JWT-SVID.
package validator

import (
	"context"
	"errors"
	"slices"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/jose"
)

// A Validator validates the tokens of one tenant. Make one with [New]. It is
// safe for concurrent use.
type Validator struct {
	cfg         *Config // a pointer for the reason given in show.go
	algorithms  []string
	auth0Advice string  // for a client of Auth0's
	trusts      []trust // in the order of Config.Issuers
	memory      *memory // nil if nothing is remembered; empty in a Mux whose memory is used
}

// New returns a Validator for cfg. It does no I/O and starts no goroutine. The
// keys are fetched when the first token needs them. The error joins all faults
// of cfg.
func New(cfg Config) (*Validator, error) { return newFor(cfg, "validator") }

// newFor is New for a Config of package pkg, whose fields have the same names.
func newFor(cfg Config, pkg string) (*Validator, error) {
	if err := cfg.check(pkg); err != nil {
		return nil, err
	}
	trusts, err := cfg.trusts() // while a nil Now still says that the time is the system's
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	v := &Validator{cfg: &cfg, trusts: trusts, auth0Advice: "request the token with audience=" + cfg.Audiences[0]}
	for _, alg := range cfg.Algorithms {
		v.algorithms = append(v.algorithms, string(alg))
	}
	v.memory = newMemory(cfg.CacheSize)
	return v, nil
}

// Issuers returns the issuers of v's Config.
func (v *Validator) Issuers() []string { return slices.Clone(v.cfg.Issuers) }

// Validate returns the claims of token if it is accepted. The error is an
// [*Error]. With [CodeUnavailable], the token is not known to be bad. Either
// the keys can't be fetched, or ctx, which bounds the wait for them, is done.
// The error then unwraps to [jwks.ErrUnavailable] or to ctx.Err().
//
// A token that is bound to a key is rejected unless ctx says, by
// [ContextWithConfirmation] or [ContextWithProof], that its sender has proven
// to have the key. The package documentation lists what Validate does not
// check.
//
// Validate logs nothing. A panic in a Check, or in any other function of the
// Config, is an error with [CodeInternal]. The error says what panicked and
// where, but not the value. A program thus survives the panic even if it is no
// HTTP server. Package middleware logs what it rejects.
func (v *Validator) Validate(ctx context.Context, token string) (*Claims, error) {
	// This is small enough to be inlined, and validate keeps no reference to
	// the new Claims. If the caller keeps none either, they are on its stack.
	return v.validate(ctx, token, new(Claims))
}

// validate fills in c and returns it.
func (v *Validator) validate(ctx context.Context, token string, c *Claims) (claims *Claims, err error) {
	returned := false
	defer func() { // not fault.Contain: its calls cost a remembered token twice as much
		if !returned {
			claims, err = nil, internal(fault.Of(recover()))
		}
	}()
	if err = v.accept(ctx, token, c); err == nil {
		claims = c
	}
	returned = true
	return claims, err
}

func internal(panicked *fault.Error) error { return &Error{Code: CodeInternal, Err: panicked} }

// accept fills in c if the token is accepted.
func (v *Validator) accept(ctx context.Context, token string, c *Claims) error {
	known, err := v.memory.recognize(ctx, v, v.memory.recall(token), c)
	if known || err != nil {
		return err
	}
	var x examination
	if err := v.examine(ctx, &x, token); err != nil {
		return x.refusal(err)
	}
	v.memory.remember(v, token, &x)
	*c = x.Claims
	return nil
}

// examine runs all steps for a token.
func (v *Validator) examine(ctx context.Context, x *examination, token string) error {
	if v.cfg == nil {
		return &Error{Code: CodeUnavailable, Err: errNotMade}
	}
	if err := x.open(token, v.limit(), v); err != nil {
		return v.advise(err)
	}
	return x.decide(ctx, v)
}

var errNotMade = errors.New("this Validator was not made by New")

func (v *Validator) limit() limit { return limit{v.cfg.MaxTokenSize, "Config.MaxTokenSize"} }

// advise adds to err what to do about a token that is not a JWT.
func (v *Validator) advise(err error) error {
	for i := range v.trusts {
		if !v.trusts[i].isAuth0 {
			return advise(err, adviceOpaque, adviceEncrypted)
		}
	}
	return advise(err, v.auth0Advice, adviceEncryptedAuth0)
}

func advise(err error, opaque, encrypted string) error {
	if e, ok := err.(*Error); ok {
		switch e.Err {
		case jose.ErrOpaque:
			e.Err = &advised{e.Err, opaque}
		case jose.ErrEncrypted:
			e.Err = &advised{e.Err, encrypted}
		}
	}
	return err
}
