package jwks

import (
	"context"
	"crypto"
	"fmt"
	"slices"
	"time"
)

// A place is what is known of one of Config.FallbackURLs.
type place struct {
	delay
	missed interval // after a fetch for an unknown kid that did not bring it
	err    string   // of the last fetch, if it failed
}

// A spare is the key set of one of Config.FallbackURLs. It is held while the
// issuer's own address fails. It adds keys to those that the issuer has
// confirmed itself, and takes none away.
type spare struct {
	url           string
	set           *keySet
	fetched       time.Time
	freshFor      time.Duration
	ttl, staleFor time.Duration
}

// alive reports whether the keys may be served.
func (p *spare) alive(now time.Time) bool {
	return p != nil && elapsed(p.fetched, now) < p.ttl+p.staleFor
}

// fresh reports whether the keys need no refresh.
func (p *spare) fresh(now time.Time) bool {
	if p == nil {
		return false
	}
	age := elapsed(p.fetched, now)
	return 0 <= age && age < p.freshFor
}

// serves reports whether there are keys that were fetched and may be served.
func (s *snapshot) serves(now time.Time) bool {
	state := s.state(now)
	return state != Empty && state != Dead || s.spare.alive(now)
}

// plan decides which addresses f may ask. Each has a delay of its own, so that
// one that is down, or that asks to be left alone, does not silence another.
func (s *snapshot) plan(f *flight) {
	urgent := f.forced || f.again || !s.serves(f.began)
	f.own = f.explicit || s.waitAfter(s.delayFor(urgent), f.began) == 0
	if f.again || !urgent && !f.explicit && s.spare.fresh(f.began) {
		return
	}
	for i := range s.places {
		p := &s.places[i]
		switch {
		case f.explicit:
		case p.waitAfter(p.delayFor(urgent), f.began) > 0:
			continue
		case f.forced && p.missed.until(f.began) > 0:
			return // it answers, so the others are not asked
		}
		f.further = append(f.further, i)
	}
}

// isWithdrawn reports whether the issuer's own address has had k, and then had it
// no more.
func (s *snapshot) isWithdrawn(k Key) bool {
	return slices.ContainsFunc(s.withdrawn, k.samePublic) ||
		slices.ContainsFunc(s.vanished, func(v vanishedKey) bool { return k.samePublic(v.key) })
}

// An attempt is what a fetch from one of Config.FallbackURLs has brought.
type attempt struct {
	place int
	answer
	err error
}

// further asks the addresses that f may, in their order, until one has an
// answer with a key that is not withdrawn.
func (s *source) further(ctx context.Context, f *flight, isWithdrawn func(Key) bool) (attempts []attempt) {
	other := *s
	other.requests = s.furtherRequests // requests that never end must not keep these from being sent
	other.seen = true                  // what follows from a mistake there is for the first address alone
	for _, i := range f.further {
		if ctx.Err() != nil {
			break // not asked, so it has not failed
		}
		url := s.cfg.FallbackURLs[i]
		a, err := other.keySet(ctx, url, version{}, f.noCache)
		if a.keys = slices.DeleteFunc(a.keys, isWithdrawn); err == nil && len(a.keys) == 0 {
			err = fmt.Errorf("GET %s: the issuer has withdrawn all of the keys", url)
		}
		attempts = append(attempts, attempt{i, a, err})
		if err == nil {
			break
		}
	}
	return attempts
}

// landFurther changes a copy of the snapshot after the issuer's own address was
// not asked or has failed. c.mu is held.
func (c *Cache) landFurther(s *snapshot, f *flight, now time.Time) {
	if s.spare != nil && !s.spare.alive(now) {
		s.spare = nil
		s.rehold()
	}
	if len(f.attempts) == 0 {
		return
	}
	s.places = slices.Clone(s.places)
	for _, a := range f.attempts {
		p := &s.places[a.place]
		if a.err != nil {
			if p.failures == 0 {
				p.failing = f.began
			}
			p.failures++
			p.failed, p.err = f.began, a.err.Error()
			continue
		}
		p.delay, p.err = delay{}, ""
		f.spared = true
		s.takeSpare(f, a.answer, c.jitter)
		if f.forced && !s.spare.set.holds(f.kid) {
			p.missed = c.newInterval(f.began)
		}
	}
	for _, a := range f.attempts {
		if a.err != nil {
			s.places[a.place].extend(now, askedFor(a.err), s.set == nil, s.asked(), c.jitter)
		}
	}
}

// takeSpare makes an answer the spare.
func (s *snapshot) takeSpare(f *flight, a answer, spread jitter) {
	next := &spare{url: a.version.url, fetched: f.began, ttl: a.ttl, staleFor: a.staleFor}
	next.freshFor = a.ttl/10*8 - spread.below(a.ttl/10*6) // see succeed
	if s.spare != nil && s.spare.set.equal(a.keys, a.leftOut) {
		next.set = s.spare.set
		s.spare = next
		return
	}
	next.set = newKeySet(a.keys, a.leftOut, 0)
	s.spare = next
	s.rehold()
}

// rehold makes the held keys anew, after the spare has changed.
func (s *snapshot) rehold() {
	if s.set != nil {
		s.set = s.hold()
	}
}

// withSpare adds the keys of the spare to those that are held. The issuer's own
// key counts if both have an ID.
func (s *snapshot) withSpare(held []Key) []Key {
	if s.spare == nil {
		return held
	}
	own := held[:len(held):len(held)]
	for _, key := range s.spare.set.keys.All() {
		if !slices.ContainsFunc(own, func(k Key) bool { return k.ID != "" && k.ID == key.ID || k.samePublic(key) }) {
			held = append(held, key)
		}
	}
	return held
}

// dropSpare changes a copy of the snapshot before a response of the issuer's own
// address, which decides alone from now on. In the next outage the delays of the
// other addresses begin anew.
func (s *snapshot) dropSpare(now time.Time) {
	if s.spare != nil {
		s.spare = nil
		s.rehold()
	}
	if len(s.places) > 0 {
		s.places = slices.Clone(s.places)
		for i := range s.places {
			if p := &s.places[i]; p.waitAfter(p.backoff, now) == 0 {
				p.delay = delay{}
			}
		}
	}
}

// ownKeys returns the keys that the issuer's own address had in a response, and
// has not yet withdrawn.
func (s *snapshot) ownKeys() []Key {
	if s.answered == nil {
		return nil
	}
	keys := slices.Clone(s.answered.keys.All())
	for _, v := range s.vanished {
		keys = append(keys, v.key)
	}
	return keys
}

// noteWithdrawn remembers which of the keys before the issuer has withdrawn, so
// that a copy of its key set at another address can't bring them back.
func (s *snapshot) noteWithdrawn(before []Key) {
	now := s.ownKeys()
	isOwn := func(k Key) bool { return slices.ContainsFunc(now, k.samePublic) }
	withdrawn := slices.DeleteFunc(slices.Clone(s.withdrawn), isOwn)
	for _, key := range before {
		if !isOwn(key) && !slices.ContainsFunc(withdrawn, key.samePublic) {
			withdrawn = append(withdrawn, key)
		}
	}
	s.withdrawn = withdrawn[max(0, len(withdrawn)-maxVanished):]
}

// asked returns how many addresses are asked while the issuer's own one fails:
// that, those that fail as well, and the one that answers.
func (s *snapshot) asked() int {
	n := 1
	if s.spare != nil {
		n++
	}
	for i := range s.places {
		if s.places[i].failures > 0 {
			n++
		}
	}
	return n
}

// samePublic reports whether other is the same public key, by whatever ID.
func (k Key) samePublic(other Key) bool {
	public, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(other.Public)
}
