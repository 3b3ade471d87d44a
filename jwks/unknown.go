package jwks

import (
	"context"
	"maps"
	"strings"
	"time"
)

// maxWaiters is how many lookups of unknown kids wait for one fetch. With more,
// a flood of made-up tokens would accumulate behind a slow issuer.
const maxWaiters = 64

// findUnknown looks up a kid that isn't in a snapshot with this many successful
// fetches.
func (c *Cache) findUnknown(ctx context.Context, kid string, successes int) ([]Key, error) {
	f, own := c.flightFor(kid, successes)
	ended := false
	if f != nil {
		var err error
		if ended, err = f.wait(ctx, c.cfg.Timeout); !ended {
			c.mu.Lock()
			f.waiters--
			c.mu.Unlock()
		}
		if err != nil {
			return nil, err
		}
	}
	keys, ok := c.current.Load().set.keys.Find(kid)
	if !ok && own && ended && f.err == nil {
		c.remember(kid)
	}
	return keys, nil
}

// flightFor returns the fetch that a lookup of an unknown kid must wait for, if
// any, and reports whether the lookup has caused it.
func (c *Cache) flightFor(kid string, successes int) (f *flight, own bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.cfg.Now()
	switch {
	case c.isMissing(kid, now):
		return nil, false
	case s.successes != successes:
		return nil, false // the lookup began before this set
	case s.flight != nil && s.flight.waiters < maxWaiters:
		s.flight.waiters++
		return s.flight, false
	case s.flight != nil || s.mustWait(now) > 0 || !c.mayForce(now):
		return nil, false
	}
	c.forced, c.everBeen = now, true
	f = c.begin()
	f.waiters++
	return f, true
}

// mayForce reports whether the last forced fetch was long enough ago.
func (c *Cache) mayForce(now time.Time) bool {
	if c.cfg.UnknownKeyInterval < 0 {
		return false
	}
	passed := elapsed(c.forced, now)
	return !c.everBeen || passed < 0 || passed >= c.cfg.UnknownKeyInterval
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
