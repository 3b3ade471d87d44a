package jwks

import (
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/keyindex"
)

// A keySet is a set of keys as a Cache holds it. It is never changed.
type keySet struct {
	keys       keyindex.Index[Key]
	leftOut    []string // the reasons, as many as are reported
	expected   bool     // all that were left out are for another purpose
	generation int      // counts the different sets of a Cache
}

func newKeySet(keys Set, leftOut []error, generation int) *keySet {
	return &keySet{
		keys:       keyindex.New(keys, func(k *Key) string { return k.ID }),
		leftOut:    shortened(leftOut),
		expected:   !slices.ContainsFunc(leftOut, isNews),
		generation: generation,
	}
}

// with returns s with other keys. What was left out stays as it is.
func (s *keySet) with(keys Set, generation int) *keySet {
	other := *s
	other.keys = keyindex.New(keys, func(k *Key) string { return k.ID })
	other.generation = generation
	return &other
}

// find is Find, of no keys if s is nil.
func (s *keySet) find(kid string) ([]Key, bool) {
	if s == nil {
		return nil, false
	}
	return s.keys.Find(kid)
}

func (s *keySet) holds(kid string) bool {
	_, ok := s.find(kid)
	return ok
}

// equal reports whether a response has the same keys, and the same keys are
// left out.
func (s *keySet) equal(keys Set, leftOut []error) bool {
	return s != nil && slices.EqualFunc(s.keys.All(), keys, Key.equal) && slices.Equal(s.leftOut, shortened(leftOut))
}

func (k Key) equal(other Key) bool {
	public, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID == other.ID && k.Algorithm == other.Algorithm && k.Issuer == other.Issuer &&
		k.X5T == other.X5T && k.X5TS256 == other.X5TS256 && public.Equal(other.Public)
}

// isNews reports whether a reason to leave out a key matters to an operator.
func isNews(reason error) bool { return !errors.Is(reason, jose.ErrOtherPurpose) }

// maxReasons is how many reasons for left-out keys an error or a log line has.
const maxReasons = 10

// shortened returns why keys were left out.
func shortened(leftOut []error) []string {
	var reasons []string
	for _, err := range leftOut[:min(len(leftOut), maxReasons)] {
		reasons = append(reasons, err.Error())
	}
	if more := len(leftOut) - maxReasons; more > 0 {
		reasons = append(reasons, fmt.Sprintf("and %d more", more))
	}
	return reasons
}
