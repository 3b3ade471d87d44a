// Package idtoken decides whether a client of OpenID Connect may believe an ID
// token, and so that a user has signed in.
//
//	v, err := idtoken.New(idtoken.Auth0("tenant.eu.auth0.com", clientID))
//	…
//	claims, err := v.Verify(ctx, rawIDToken, idtoken.Expected{
//		Nonce:       nonce, // of this browser's session
//		AccessToken: token.AccessToken,
//	})
//	if err != nil {
//		return err // the user has not signed in
//	}
//
// The rules are those of OpenID Connect Core 1.0, Section 3.1.3.7, with
// Sections 3.2.2.9 and 3.3.2.10 for hashes of codes and access tokens, and
// Section 12.2 for renewed tokens. A token is read as strictly as package
// validator reads access tokens, by the same code. An access token, a logout
// token and an introspection response are no ID tokens.
//
// # What is not checked
//
// These are left to the client:
//
//   - whether the response belongs to a request of this browser, by its state,
//     and by the verifier of PKCE
//   - whether the response is of the issuer that was asked, by its parameter iss
//     (RFC 9207)
//   - whether a nonce was used before: keep it in the browser's session, and
//     remove it there before Verify is called
//   - the hash of the state, s_hash, of the profiles for financial services
//   - which of the issuer's users may sign in, such as by an organization or a
//     verified email address
//   - encrypted ID tokens, which are rejected
package idtoken

import (
	"context"
	"errors"

	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// A Verifier verifies the ID tokens of one client. Make one with [New]. It is
// safe for concurrent use.
type Verifier struct {
	cfg       *Config // a pointer, so that fmt doesn't show the Secret
	validator *validator.Validator
}

// The functions of package validator that are for this module alone.
var (
	newValidator = vouched.New.(func(validator.Config, string) (*validator.Validator, error))
	examine      = vouched.Examine.(func(context.Context, *validator.Validator, string, *vouched.Kind, *validator.Claims) error)
	explain      = vouched.ExplainKind.(func(context.Context, *validator.Validator, string, *vouched.Kind, *validator.Claims) validator.Report)
)

// New returns a Verifier for cfg. It does no I/O and starts no goroutine. The
// keys are fetched when the first token needs them. The error joins all faults
// of cfg.
func New(cfg Config) (*Verifier, error) {
	inner, err := newValidator(cfg.forValidator(), "idtoken")
	if err := errors.Join(cfg.check(), err); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Verifier{&cfg, inner}, nil
}

// Verify returns the claims of token if it is an ID token for this client, and
// what is expected. Get the token from the issuer's response, and what is
// expected from the browser's session.
//
// The error is a [*validator.Error]. With [validator.CodeUnavailable], the
// token is not known to be bad. Either the keys can't be fetched, or ctx, which
// bounds the wait for them, is done. Other codes say the same as of an access
// token, and these more:
//
//   - [validator.CodeAudience]: aud is not the client, or has others that are
//     not trusted, or azp is another client
//   - [validator.CodeBinding]: the token is not of this login, by nonce, at_hash,
//     c_hash, or the claims that it should share with Expected.Previous
//   - [validator.CodeAuthentication]: by auth_time or acr, the user has to sign
//     in again, or in another way
//   - [validator.CodeOrganization]: the user has signed in to another
//     organization
//   - [validator.CodeExpired]: exp has passed, or iat is older than
//     Config.MaxTokenAge
//   - [validator.CodeInternal]: expected contradicts itself
//
// Verify remembers nothing and logs nothing. A function of the Config that
// panics is an error with [validator.CodeInternal].
func (v *Verifier) Verify(ctx context.Context, token string, expected Expected) (*Claims, error) {
	if v.cfg == nil {
		return nil, errNotMade
	}
	x := &verification{cfg: v.cfg, want: &expected}
	if err := examine(ctx, v.validator, token, x.kind(), &x.token); err != nil {
		return nil, err
	}
	return x.claims(), nil
}

var errNotMade = &validator.Error{Code: validator.CodeUnavailable, Err: errors.New("this Verifier was not made by New")}
