package validator

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// A memory holds tokens that were accepted, so that what can't change need not be found out again: what the token says,
// and that its key has signed it. What can change is asked every time.
//
// It is a table of sets of a few slots each. A token can be in the slots of one set, chosen by a keyed hash, and nowhere
// else: to find it takes no lock, and to forget another for it no search. Whoever was recognized since the set last
// needed a slot stays: a flood of tokens that come once displaces others of their kind.
type memory struct {
	seed maphash.Seed
	sets [][]slot
}

type slot struct{ atomic.Pointer[remembered] }

// slotsInSet is how many tokens share a set.
const slotsInSet = 4

type remembered struct {
	token     string
	algorithm string
	trust     *trust           // of its issuer
	key       crypto.PublicKey // nil if Config.Secret signed it
	keyIssuer string           // whose tokens the key signs, by its key set
	claims    Claims           // of which each request gets a copy, but for what their slices hold
	valid     window           // of the claims
	used      atomic.Bool      // recognized lately
}

// newMemory returns a memory of size tokens at most.
func newMemory(size int) *memory {
	inSet := min(size, slotsInSet)
	m := &memory{seed: maphash.MakeSeed(), sets: make([][]slot, size/inSet)}
	slots := make([]slot, len(m.sets)*inSet)
	for i := range m.sets {
		m.sets[i] = slots[i*inSet : (i+1)*inSet]
	}
	return m
}

// set is where token can be. Its end will do for the hash: it is of the signature, and so as good as random.
func (m *memory) set(token string) []slot {
	hash := maphash.String(m.seed, token[max(0, len(token)-32):])
	return m.sets[hash%uint64(len(m.sets))]
}

// recall finds a token by all of its bytes.
func (m *memory) recall(token string) *remembered {
	if m == nil {
		return nil
	}
	set := m.set(token)
	for i := range set {
		if r := set[i].Load(); r != nil && r.token == token {
			if !r.used.Load() {
				r.used.Store(true)
			}
			return r
		}
	}
	return nil
}

// remember keeps a token that was accepted. Nothing else gets in.
func (m *memory) remember(v *Validator, token string, x *examination) {
	if m == nil {
		return
	}
	token = strings.Clone(token) // lest a whole request is kept with it
	r := &remembered{token: token, algorithm: x.token.Header.Algorithm, trust: x.trust}
	x.copyInto(&r.claims)
	r.valid = x.at.window(&r.claims)
	if x.signedBy != nil {
		r.key, r.keyIssuer = x.signedBy.Public, x.signedBy.Issuer
	}
	slotFor(m.set(token), token).Store(r)
}

// slotFor chooses the token's own slot, or an empty one, or one whose token wasn't recognized lately. Where all were, it
// is time to find out anew which ones are in use.
func slotFor(set []slot, token string) *slot {
	var free, idle *slot
	for i := range set {
		switch r := set[i].Load(); {
		case r == nil:
			free = &set[i]
		case r.token == token: // remembered by another request meanwhile, or with a key that was replaced
			return &set[i]
		case !r.used.Load():
			idle = &set[i]
		}
	}
	if free = cmp.Or(free, idle); free != nil {
		return free
	}
	for i := range set {
		if r := set[i].Load(); r != nil {
			r.used.Store(false)
		}
	}
	return &set[rand.IntN(len(set))] //nolint:gosec // G404: whose turn it is needs no secrecy
}

// forget empties the slot of r.
func (m *memory) forget(r *remembered) {
	set := m.set(r.token)
	for i := range set {
		set[i].CompareAndSwap(r, nil)
	}
}

// recognize decides about a token that was accepted before, and fills in c. It reports false if there was none, or if the
// key that has signed it is no longer the issuer's: then the token is to be examined as any other.
func (m *memory) recognize(ctx context.Context, v *Validator, token string, c *Claims) (known bool, err error) {
	r := m.recall(token)
	if r == nil {
		return false, nil
	}
	at, err := v.moment()
	held := false
	if err == nil {
		held, err = r.held(ctx, v, at)
	}
	switch {
	case err != nil:
	case !held:
		m.forget(r)
		return false, nil
	default:
		r.claims.copyInto(c)
		c.at = at
		err = r.accept(ctx, v, c)
	}
	if err != nil {
		return true, refusal(err, r.claims.Issuer, r.claims.keyID)
	}
	return true, nil
}

// held reports whether the key that has signed the token is still the issuer's, and for its algorithm; that it is fit for
// that was seen when it verified. It doesn't ask for an expired token's.
func (r *remembered) held(ctx context.Context, v *Validator, at moment) (bool, error) {
	if !at.now.Before(r.valid.until) {
		return false, at.checkExpiry(&r.claims)
	}
	if v.cfg.Secret != nil {
		return true, nil
	}
	keys, err := r.trust.find(ctx, r.claims.keyID, at.now)
	if err != nil {
		return false, keysUnavailable(err)
	}
	for i := range keys {
		// What the key set says of the key is part of the verdict. A key that
		// signs for the same issuer as before signs this token.
		if same(keys[i].Public, r.key) && allows(&keys[i], r.algorithm) && keys[i].Issuer == r.keyIssuer {
			return true, nil
		}
	}
	return false, nil
}

// accept asks what else has to be asked every time.
func (r *remembered) accept(ctx context.Context, v *Validator, c *Claims) error {
	var p progress
	if c.at.now.Before(r.valid.from) {
		if err := p.timely(c); err != nil {
			return err
		}
	}
	if c.Confirmation != nil {
		if err := c.Confirmation.Proven(ctx); err != nil {
			return err
		}
	}
	return p.runChecks(ctx, v, c)
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
