package jwks

import (
	"context"
	"slices"
	"time"

	"github.com/rsguard/rsguard/internal/keysat"
)

// currentFor is how long after a fetch its keys are known to be the issuer's.
const currentFor = time.Minute

// keysAgain is for a caller with a token whose signature is by none of these
// keys, which Keys has returned for kid, and which is otherwise good. The issuer
// may have replaced a key by another with the same ID. If the keys were fetched
// more than a minute ago, keysAgain fetches them, but no more often than
// UnknownKeyInterval allows. It returns the keys with this ID, or nil if they
// are the same, or if there was no such fetch.
//
// These fetches are counted apart from those for unknown kids. Otherwise a
// client with bad signatures would delay each new key.
func (c *Cache) keysAgain(ctx context.Context, kid string, keys []Key) []Key {
	f := c.flightAgain()
	if f == nil {
		return nil
	}
	ended, err := f.wait(ctx, c.cfg.Timeout)
	if !ended {
		c.mu.Lock()
		f.waiters--
		c.mu.Unlock()
	}
	if err != nil || !ended || f.err != nil {
		return nil // by the keys that the issuer has last confirmed, the signature is wrong
	}
	now, _ := c.current.Load().set.keys.Find(kid)
	if slices.EqualFunc(keys, now, Key.equal) {
		return nil
	}
	return now
}

// flightAgain returns the fetch that keysAgain waits for, or nil.
func (c *Cache) flightAgain() *flight {
	if c.cfg.UnknownKeyInterval < 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.cfg.Now()
	if s == nil || s.set == nil {
		return nil
	}
	if f := s.inFlight(now); f != nil {
		if f.waiters == maxWaiters {
			return nil
		}
		f.waiters++
		return f
	}
	if age := elapsed(s.fetched, now); 0 <= age && age < currentFor || c.again.until(now) > 0 || s.waitAfter(s.urgent, now) > 0 {
		return nil
	}
	return c.begin(&flight{again: true, waiters: 1})
}

// An interval is a time in which no fetch of a kind begins.
type interval struct {
	began time.Time
	lasts time.Duration
}

// until returns how long i still lasts.
func (i *interval) until(now time.Time) time.Duration {
	passed := elapsed(i.began, now)
	if passed < 0 {
		return 0 // the clock was set back
	}
	return max(0, i.lasts-passed)
}

// newInterval returns an interval that begins with a fetch.
func (c *Cache) newInterval(began time.Time) interval {
	return interval{began, c.cfg.UnknownKeyInterval + c.jitter.below(c.cfg.UnknownKeyInterval)}
}

func init() { keysat.Again = (*Cache).keysAgain } //nolint:gochecknoinits // an address is put in place, no work is done
