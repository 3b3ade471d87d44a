package jwks

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"
)

// maxWaiters is how many lookups of unknown kids wait for one fetch. With more,
// a flood of made-up tokens would accumulate behind a slow issuer.
const maxWaiters = 64

// A lookup is what was so when it began.
type lookup struct {
	successes int // behind the snapshot
	began     time.Time
}

// answers reports whether s is the response to a fetch that began after l. One
// that began before may have been answered before a key was published, and so
// may one that a cache has answered.
func (s *snapshot) answers(l lookup) bool {
	return s.successes != l.successes && !s.cached && elapsed(s.fetched, l.began) <= 0
}

// findUnknown looks for a kid that isn't in the snapshot that l has seen. The result is empty only if a fetch that
// succeeded lately didn't bring the kid. If the issuer could not be asked, the
// error wraps [ErrUnavailable], because the token may be good.
func (c *Cache) findUnknown(ctx context.Context, kid string, l lookup) ([]Key, error) {
	for start := time.Now(); ; {
		f, own, err := c.flightFor(kid, l)
		if err != nil {
			return nil, err
		}
		if f == nil {
			keys, _ := c.serving(c.current.Load(), c.cfg.Now()).find(kid)
			return keys, nil
		}
		ended, err := f.wait(ctx, max(c.cfg.Timeout-time.Since(start), 1))
		if !ended {
			c.mu.Lock()
			f.waiters--
			c.mu.Unlock()
		}
		if err != nil {
			return nil, err
		}
		s := c.current.Load()
		keys, ok := c.serving(s, c.cfg.Now()).find(kid)
		switch {
		case ok:
			return keys, nil
		case !ended || f.err != nil:
			return nil, s.couldNotLook(c.cfg.Now())
		case own:
			c.remember(kid)
			return nil, nil
		case s.answers(l):
			return nil, nil
		}
		l.successes = s.successes // the next fetch begins now, and passes caches
	}
}

var errNotAsked = errors.New("the issuer has not answered yet whether it has the key")

// couldNotLook is the error of a lookup of an unknown kid if the issuer could
// not be asked for it.
func (s *snapshot) couldNotLook(now time.Time) error {
	cause := s.err
	if cause == nil {
		cause = errNotAsked
	}
	return &unavailable{cause, max(s.mustWaitUrgently(now), time.Second)}
}

// flightFor returns the fetch that a lookup of an unknown kid is to wait for,
// if any, and whether it began for it. Without a fetch and an error, the issuer
// was asked lately enough.
func (c *Cache) flightFor(kid string, l lookup) (f *flight, own bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.cfg.Now()
	flying := s.inFlight(now)
	switch {
	case c.isMissing(kid, now) || c.serving(s, now).holds(kid):
		return nil, false, nil
	case s.answers(l):
		return nil, false, nil
	case flying != nil && flying.waiters < maxWaiters:
		flying.waiters++
		return flying, false, nil
	case c.cfg.UnknownKeyInterval >= 0 && !c.mayForce(now):
		return nil, false, nil // another one's fetch didn't bring it
	case flying != nil || s.failures > 0 && (c.cfg.UnknownKeyInterval < 0 || s.mustWaitUrgently(now) > 0):
		return nil, false, s.couldNotLook(now)
	case c.cfg.UnknownKeyInterval < 0:
		return nil, false, nil
	}
	f = c.begin(&flight{forced: true, kid: strings.Clone(kid), waiters: 1}) // kid is part of a token
	return f, true, nil
}

// landForced notes the success of a fetch that was not a regular one. A fetch
// that failed doesn't begin an interval, since the backoff applies to it. One
// that found its kid begins another one, and only the second within that counts,
// so that it doesn't delay the next rotation. c.mu is held.
func (c *Cache) landForced(f *flight, set *keySet) {
	switch _, found := set.keys.Find(f.kid); {
	case f.again:
		c.again = c.newInterval(f.began)
	case !f.forced:
	case !found || c.found.until(f.began) > 0:
		c.missed = c.newInterval(f.began)
	default:
		c.found = c.newInterval(f.began)
	}
}

// mayForce reports whether the last forced fetch was long enough ago.
func (c *Cache) mayForce(now time.Time) bool {
	return c.cfg.UnknownKeyInterval >= 0 && c.missed.until(now) == 0
}

// How many kids are remembered as unknown, and for how long. The time matters
// only if UnknownKeyInterval is shorter.
const (
	maxMissing = 1024
	missingFor = 30 * time.Second
)

func (c *Cache) isMissing(kid string, now time.Time) bool {
	at, ok := c.missing[kid]
	return ok && isRecent(at, now)
}

func isRecent(missing, now time.Time) bool {
	passed := elapsed(missing, now)
	return 0 <= passed && passed < missingFor
}

func (c *Cache) remember(kid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	if len(c.missing) >= maxMissing {
		maps.DeleteFunc(c.missing, func(_ string, at time.Time) bool { return !isRecent(at, now) })
	}
	if len(c.missing) < maxMissing {
		c.missing[strings.Clone(kid)] = now // kid is part of a token, which must not be kept
	}
}
