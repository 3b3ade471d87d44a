package validator

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
)

// A memory holds tokens that were accepted, so that what can't change need not be found out again: what the token says,
// and that its key has signed it. What can change is asked every time.
type memory struct {
	tokens *otter.Cache[string, *remembered]
}

type remembered struct {
	token  string
	header struct{ algorithm, keyID string }
	key    crypto.PublicKey // nil if a secret signed it
	claims *Claims
}

// copyClaims returns claims for one request. They share what their slices hold.
func (r *remembered) copyClaims() *Claims {
	c := *r.claims
	return &c
}

func newMemory(size int) *memory {
	return &memory{otter.Must(&otter.Options[string, *remembered]{MaximumSize: size})}
}

// memoryKey is the end of the token, which is of the signature and so as good as random. It is for finding only: a
// token is recognized by all of it. Nobody can fill the memory with look-alikes, as only what was signed gets in.
func memoryKey(token string) string { return token[max(0, len(token)-32):] }

func (m *memory) recall(token string) *remembered {
	if m == nil {
		return nil
	}
	r, ok := m.tokens.GetIfPresent(memoryKey(token))
	if !ok || r.token != token {
		return nil
	}
	return r
}

// remember keeps a token that was accepted.
func (m *memory) remember(token string, x *examination) {
	if m == nil {
		return
	}
	token = strings.Clone(token) // lest a whole request is kept with it
	r := &remembered{token: token, claims: x.Claims}
	x.Claims = r.copyClaims() // what the caller does to them must not be remembered
	r.header.algorithm, r.header.keyID = x.token.Header.Algorithm, x.token.Header.KeyID
	if x.signedBy != nil {
		r.key = x.signedBy.Public
	}
	m.tokens.Set(memoryKey(token), r)
}

// recognize decides about a token that was accepted before, with claims of its own for each request. It reports false if
// there was none, or if the key that has signed it is no longer the issuer's: then the token is to be examined as any other.
func (m *memory) recognize(ctx context.Context, v *Validator, token string) (c *Claims, known bool, err error) {
	r := m.recall(token)
	if r == nil {
		return nil, false, nil
	}
	now := v.cfg.Now()
	held, err := r.held(ctx, v, now)
	switch {
	case err != nil:
	case !held:
		m.tokens.Invalidate(memoryKey(r.token))
		return nil, false, nil
	default:
		c = r.copyClaims()
		err = r.accept(ctx, v, c, now)
	}
	if err != nil {
		return nil, true, refusal(err, r.claims, r.header.keyID)
	}
	return c, true, nil
}

// held reports whether the key that has signed the token is still the issuer's. It doesn't ask for an expired one.
func (r *remembered) held(ctx context.Context, v *Validator, now time.Time) (bool, error) {
	if err := r.claims.expired(v, now); err != nil {
		return false, err
	}
	if r.key == nil {
		return true, nil
	}
	keys, err := v.cfg.Keys.Keys(ctx, r.header.keyID)
	if err != nil {
		return false, &Error{Code: CodeUnavailable, Err: err}
	}
	for i := range keys {
		if same(keys[i].Public, r.key) && fits(&keys[i], r.header.algorithm) {
			return true, nil
		}
	}
	return false, nil
}

// accept asks what else has to be asked every time.
func (r *remembered) accept(ctx context.Context, v *Validator, c *Claims, now time.Time) error {
	if c.Confirmation != nil {
		if err := c.Confirmation.Proven(ctx); err != nil {
			return err
		}
	}
	var p progress
	return p.accept(ctx, v, c, now)
}

// same reports whether two keys are one. Equal is not enough for pointers, as it isn't free: a key that was fetched anew is
// another one, which costs one signature check for each token after each fetch.
func same(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return a == b
	case ed25519.PublicKey:
		return a.Equal(b)
	}
	return false
}
