package revocation

import (
	"hash/maphash"
	"math"
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

// withActor is the set of the masks that have byActor.
const withActor = maskSet(math.MaxUint64 << (1 << byActor) & math.MaxUint64)

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

// An issuerKey is the issuer of the latest rule and its hash. It is compared
// with faster than hashed, and most services have one issuer.
type issuerKey struct {
	issuer string
	hash   uint64
}

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

// hashes are those of a token's values, each made when it is first needed.
type hashes struct {
	of     *hasher
	claims *validator.Claims
	actor  string
	issuer uint64
	values [dimensions]uint64
	known  mask // the values that were looked at
	absent mask // those of them that the token doesn't have
}

// key returns the hash of those values that m compares. It reports false if the
// token doesn't have all of them.
func (h *hashes) key(m mask) (hash uint64, ok bool) {
	hash = h.issuer
	for rest := m; rest != 0; rest &= rest - 1 {
		d := dimension(bits.TrailingZeros8(uint8(rest)))
		if !h.known.has(d) {
			h.known |= 1 << d
			if value := claim(h.claims, h.actor, d); value != "" {
				h.values[d] = maphash.String(h.of.seeds[d], value)
			} else {
				h.absent |= 1 << d
			}
		}
		hash ^= h.values[d]
	}
	return hash, m&h.absent == 0
}

// claim returns what a token has for a dimension, or "".
func claim(c *validator.Claims, actor string, d dimension) string {
	switch d {
	case byID:
		return c.ID
	case bySubject:
		return c.Subject
	case bySessionID:
		return c.SessionID
	case byClientID:
		return c.ClientID
	case byOrgID:
		return c.OrgID
	case byActor:
		return actor
	}
	return ""
}
