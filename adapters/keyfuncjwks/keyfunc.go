package keyfuncjwks

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A Keyfunc passes the keys of a key source to golang-jwt. It is a
// keyfunc.Keyfunc. It is safe for concurrent use.
type Keyfunc struct{ keys validator.KeySource }

var _ keyfunc.Keyfunc = (*Keyfunc)(nil)

// New returns a Keyfunc for a key source, such as a [*jwks.Cache] or a
// [jwks.Set]. It returns an error if keys is nil.
func New(keys validator.KeySource) (*Keyfunc, error) {
	if isnil.Value(keys) {
		return nil, errors.New("keyfuncjwks: no key source")
	}
	return &Keyfunc{keys}, nil
}

// Keyfunc returns the key that must verify a token. It is a jwt.Keyfunc, and
// has the signature of echo-jwt's Config.KeyFunc. It may wait for the issuer.
// Use KeyfuncCtx to end that wait with the request.
func (k *Keyfunc) Keyfunc(token *jwt.Token) (any, error) {
	return k.KeyfuncCtx(context.Background())(token)
}

// KeyfuncCtx returns a Keyfunc whose wait for the issuer ends with ctx.
//
// Exactly one key must have the token's "kid" and fit its "alg" by type, curve,
// size and the key's own "alg". A key that the key set assigns to another
// issuer doesn't count (see [jwks.Key.SignsFor]). If the token has no "kid",
// exactly one of all keys must fit. If several keys fit, the result is an
// error, and none is tried. A token with "crit", or with a "b64" other than
// true, is an error too.
//
// All errors wrap keyfunc.ErrKeyfunc. The error for an unknown kid also wraps
// jwkset.ErrKeyNotFound, and the error for an issuer that can't be reached
// wraps [jwks.ErrUnavailable]. An error of ctx is wrapped as well.
func (k *Keyfunc) KeyfuncCtx(ctx context.Context) jwt.Keyfunc {
	return func(token *jwt.Token) (any, error) {
		kid, alg, err := read(token)
		if err != nil {
			return nil, failure(err)
		}
		keys, err := k.source().Keys(ctx, kid)
		if err != nil {
			return nil, failure(err)
		}
		key, err := choose(keys, kid, alg, token)
		if err != nil {
			return nil, failure(err)
		}
		return key, nil
	}
}

// Storage returns a read-only view of the keys as a jwkset.Storage. Its methods
// that would change it fail with [errors.ErrUnsupported]. Keys that name an
// issuer are left out, since a jwkset.JWK can't say so.
func (k *Keyfunc) Storage() jwkset.Storage { return &storage{k.source()} }

// source is the key source, also that of a Keyfunc that New has not made.
func (k *Keyfunc) source() validator.KeySource {
	if k.keys == nil {
		return noKeys{}
	}
	return k.keys
}

// noKeys is a key source that has never had keys.
type noKeys struct{}

func (noKeys) Keys(context.Context, string) ([]jwks.Key, error) {
	return nil, fmt.Errorf("%w: the Keyfunc was not made by New", jwks.ErrUnavailable)
}

// VerificationKeySet returns all keys, for golang-jwt to try one by one.
// KeyfuncCtx never does that. Keys that name an issuer are left out, since
// there is no token yet to compare it with.
func (k *Keyfunc) VerificationKeySet(ctx context.Context) (jwt.VerificationKeySet, error) {
	keys, err := k.source().Keys(ctx, "")
	if err != nil {
		return jwt.VerificationKeySet{}, failure(err)
	}
	var all jwt.VerificationKeySet
	for _, key := range keys {
		if key.Issuer == "" {
			all.Keys = append(all.Keys, key.Public)
		}
	}
	return all, nil
}

// read returns the members of a token's header that concern its key.
func read(token *jwt.Token) (kid, alg string, err error) {
	if token == nil {
		return "", "", errors.New("no token")
	}
	if value, ok := token.Header["kid"]; ok {
		if kid, ok = value.(string); !ok {
			return "", "", errors.New(`the token's "kid" is not a string`)
		}
	}
	if alg, _ = token.Header["alg"].(string); !jose.Known(alg) {
		return "", "", fmt.Errorf(`the token's "alg" is %.32q`, fmt.Sprint(token.Header["alg"]))
	}
	// RFC 7515, Section 4.1.11 and RFC 7797, Section 6. golang-jwt ignores both
	// headers.
	if _, ok := token.Header["crit"]; ok {
		return "", "", errors.New(`the token's header has "crit"`)
	}
	if b64, ok := token.Header["b64"]; ok && b64 != true {
		return "", "", errors.New(`the token's header has "b64" other than true`)
	}
	return kid, alg, nil
}

// choose returns the only key that fits the token.
func choose(keys []jwks.Key, kid, alg string, token *jwt.Token) (crypto.PublicKey, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: kid %.64q", jwkset.ErrKeyNotFound, kid)
	}
	var found crypto.PublicKey
	fitting, foreign := 0, 0
	for _, key := range keys {
		switch {
		case key.Algorithm != "" && !jose.SameAlgorithm(key.Algorithm, alg) || !jose.Fits(alg, key.Public):
		case key.Issuer != "" && !key.SignsFor(issuerAndTenant(token)):
			foreign++
		default:
			found = key.Public
			fitting++
		}
	}
	if fitting == 0 && foreign > 0 {
		return nil, fmt.Errorf("kid %.64q: the key set says that the key signs for another issuer", kid)
	}
	if fitting != 1 {
		return nil, fmt.Errorf("kid %.64q: %d keys fit the algorithm %s, not one", kid, fitting, alg)
	}
	return found, nil
}

// issuerAndTenant reads the claims "iss" and "tid" from the token's text,
// whatever type its claims are read into. They are empty if they can't be read.
func issuerAndTenant(token *jwt.Token) (issuer, tenant string) {
	var t jose.Token
	if t.Parse(token.Raw, len(token.Raw)) != nil {
		return "", ""
	}
	payload, err := t.Payload()
	if err != nil {
		return "", ""
	}
	members, _ := jose.ParseObject(nil, payload, jose.ClaimsLimits(len(token.Raw)))
	iss, _ := jose.Lookup(members, "iss")
	tid, _ := jose.Lookup(members, "tid")
	issuer, _ = iss.Text()
	tenant, _ = tid.Text()
	return issuer, tenant
}

func failure(err error) error {
	return fmt.Errorf("%w: %w", keyfunc.ErrKeyfunc, err)
}
