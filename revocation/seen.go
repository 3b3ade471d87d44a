package revocation

import (
	"crypto/sha256"
	"sync"
)

// A seen remembers the latest signals that were taken, by their issuer and jti.
// When it is full, it forgets the oldest. Only an issuer can add to it. A signal
// that was forgotten and comes again leads to the rules that it has led to
// before, so it changes nothing. The zero seen is ready for use. It is safe for
// concurrent use.
type seen struct {
	mu     sync.Mutex
	known  map[seenKey]struct{}
	oldest []seenKey // a ring
	at     int
}

// keptSignals is how many signals a seen remembers.
const keptSignals = 16 << 10

// A seenKey is half of a hash.
type seenKey [16]byte

func markOf(issuer, id string) seenKey {
	sum := sha256.Sum256([]byte(issuer + "\x00" + id)) // JSON allows the byte, but a URL has none
	return seenKey(sum[:16])
}

// has reports whether the signal was taken before.
func (s *seen) has(issuer, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known[markOf(issuer, id)]
	return ok
}

// add remembers a signal that was taken.
func (s *seen) add(issuer, id string) {
	key := markOf(issuer, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.known[key]; ok {
		return
	}
	if s.known == nil {
		s.known = make(map[seenKey]struct{})
	}
	if len(s.oldest) < keptSignals {
		s.oldest = append(s.oldest, key)
	} else {
		delete(s.known, s.oldest[s.at])
		s.oldest[s.at] = key
		s.at = (s.at + 1) % keptSignals
	}
	s.known[key] = struct{}{}
}
