package revocation

import (
	"hash/maphash"
	"math/bits"

	"github.com/rsguard/rsguard/validator"
)

// A mask is a set of dimensions. Together with the issuer, it says which values
// a rule compares.
type mask uint8

// masks is how many there are.
const masks = 1 << dimensions

func (m mask) has(d dimension) bool { return m>>d&1 != 0 }

// A maskSet is a set of masks.
type maskSet uint64

func (s maskSet) first() mask { return mask(bits.TrailingZeros64(uint64(s))) }

// A hasher hashes values such that no one outside the process can find two with
// the same hash. The hash of several values is the exclusive or of theirs. Each
// dimension has a seed of its own, so the same text in two of them does not
// cancel out.
type hasher struct {
	issuer maphash.Seed
	seeds  [dimensions]maphash.Seed
}

func newHasher() *hasher {
	h := &hasher{issuer: maphash.MakeSeed()}
	for d := range h.seeds {
		h.seeds[d] = maphash.MakeSeed()
	}
	return h
}

func (h *hasher) value(d dimension, value string) uint64 { return maphash.String(h.seeds[d], value) }

func (h *hasher) issuerKey(issuer string) uint64 { return maphash.String(h.issuer, issuer) }

// rule returns the hash of a rule's values, and which they are.
func (h *hasher) rule(r *Rule) (hash uint64, m mask) {
	hash = h.issuerKey(r.Issuer)
	for d := range dimensions {
		if value := r.value(d); value != "" {
			hash ^= h.value(d, value)
			m |= 1 << d
		}
	}
	return hash, m
}

// hashes are those of a token's values.
type hashes struct {
	issuer uint64
	values [dimensions]uint64
}

// of returns the hash of those values that m compares.
func (h *hashes) of(m mask) uint64 {
	hash := h.issuer
	for ; m != 0; m &= m - 1 {
		hash ^= h.values[bits.TrailingZeros8(uint8(m))]
	}
	return hash
}

// token returns the hashes of those values in used that a token has, and which
// they are.
func (h *hasher) token(c *validator.Claims, actor string, used mask) (hashes hashes, has mask) {
	hashes.issuer = h.issuerKey(c.Issuer)
	for d, value := range [dimensions]*string{&c.ID, &c.Subject, &c.SessionID, &c.ClientID, &c.OrgID, &actor} {
		if used.has(dimension(d)) && *value != "" {
			hashes.values[d] = maphash.String(h.seeds[d], *value)
			has |= 1 << d
		}
	}
	return hashes, has
}
