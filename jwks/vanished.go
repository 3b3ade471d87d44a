package jwks

import (
	"slices"
	"time"
)

// agreement is the least time between two responses that agree that a key is
// gone. The servers of a CDN that are updated one after the other don't agree
// for a while.
const agreement = 10 * time.Second

// maxVanished bounds the keys that are held although the last response lacks
// them. An issuer withdraws a few keys at a time.
const maxVanished = 100

// A vanishedKey is still held although the last response lacks it.
type vanishedKey struct {
	key   Key
	since time.Time // when the fetch of the first response without it began
}

// vanish changes a copy of the snapshot after the response of f. A key that was
// in the response before is held until another one agrees that it is gone,
// unless there is another key with its ID. Keys without an ID are not
// recognized, so they are not held. Nor are keys that no response has confirmed
// within the TTL, because the issuer was asked first for that reason.
func (s *snapshot) vanish(f *flight) {
	before := s.vanished
	s.vanished = nil
	if state := s.state(f.began); f.explicit || state != Fresh && state != Revalidate {
		return
	}
	for _, key := range s.set.keys.All() {
		if key.ID == "" {
			continue
		}
		if _, ok := s.answered.keys.Find(key.ID); ok {
			continue
		}
		since := f.began
		if i := slices.IndexFunc(before, func(v vanishedKey) bool { return v.key.ID == key.ID }); i >= 0 {
			since = before[i].since
		}
		if passed := elapsed(since, f.began); passed < 0 || passed >= agreement || len(s.vanished) == maxVanished {
			continue
		}
		s.vanished = append(s.vanished, vanishedKey{key, since})
	}
}

// hold returns the set of the last response and of the keys that have vanished
// from it.
func (s *snapshot) hold() *keySet {
	generation := 1
	if s.set != nil {
		generation += s.set.generation
	}
	held := slices.Clone(s.answered.keys.All())
	for _, v := range s.vanished {
		held = append(held, v.key)
	}
	return s.answered.with(s.withSpare(held), generation)
}
