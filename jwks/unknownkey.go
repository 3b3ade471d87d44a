package jwks

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unknown says why c has no key with this key ID, right after [Cache.Keys] has
// returned none. The text has the age and the IDs of the keys held, and the
// time until the next fetch for an unknown key. Unknown does no I/O, and the
// text is made when it is read.
func (c *Cache) Unknown(kid string) error {
	if c.current.Load() == nil {
		return errNotMade
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.cfg.Now()
	e := &unknownKey{
		set:      s.set,
		age:      max(0, elapsed(s.fetched, now)),
		fetching: s.inFlight(now) != nil,
		failed:   s.failures > 0,
		never:    c.cfg.UnknownKeyInterval < 0,
		asked:    c.isMissing(kid, now) || elapsed(s.fetched, now) < time.Second,
	}
	// The next fetch is a regular one, or one for an unknown key.
	e.next = max(0, s.freshFor-e.age)
	if !e.never {
		e.next = min(e.next, c.unforced(kid, now))
	}
	e.next = max(e.next, s.mustWaitUrgently(now))
	return e
}

// unforced returns how long no fetch begins for this unknown kid.
func (c *Cache) unforced(kid string, now time.Time) time.Duration {
	wait := c.missed.until(now)
	if c.isMissing(kid, now) {
		wait = max(wait, missingFor-elapsed(c.missing[kid], now))
	}
	return wait
}

// Unknown says why s has no key with this key ID.
func (s Set) Unknown(string) error { return &unknownInSet{s} }

// An unknownInSet is the error for a key that is not in a Set.
type unknownInSet struct{ set Set }

func (e *unknownInSet) Error() string {
	return "the Set has no such key, and is never fetched again; held are " + kids(e.set)
}

// An unknownKey is the error for a key that a Cache doesn't hold.
type unknownKey struct {
	set                     *keySet // nil while EMPTY
	age                     time.Duration
	next                    time.Duration // until the next fetch
	fetching, failed, never bool
	asked                   bool // for this very key lately, or just now
}

// Asked reports whether the issuer was asked for this very key lately, or for
// its keys just now, and not only for others. A caller that can't afford to miss
// a good signature waits until it was.
func (e *unknownKey) Asked() bool { return e.asked }

func (e *unknownKey) Error() string {
	if e.set == nil {
		return "no keys are held"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the keys held, fetched %s, have no such key; ", ago(e.age))
	switch {
	case e.fetching:
		b.WriteString("a fetch is in progress")
	case e.failed:
		b.WriteString("the last fetch failed; the next one " + in(e.next))
	case e.never:
		b.WriteString("none are fetched for an unknown key, by UnknownKeyInterval; the next fetch " + in(e.next))
	default:
		b.WriteString("the next fetch for an unknown key " + in(e.next))
	}
	b.WriteString("; held are ")
	b.WriteString(kids(e.set.keys.All()))
	return b.String()
}

func ago(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return inWords(d.Truncate(time.Second)) + " ago"
}

func in(d time.Duration) string {
	if d <= 0 {
		return "with the next lookup"
	}
	return "in " + inWords((d + time.Second - 1).Truncate(time.Second)) // by then it is due
}

// inWords writes whole seconds.
func inWords(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	return d.String()
}

// kids lists the first key IDs.
func kids(keys []Key) string {
	const most = 8
	var b strings.Builder
	for i := range keys {
		switch {
		case i == most:
			fmt.Fprintf(&b, " and %d more", len(keys)-i)
			return b.String()
		case i > 0:
			b.WriteByte(' ')
		}
		if keys[i].ID == "" {
			b.WriteString("one without a kid")
		} else {
			fmt.Fprintf(&b, "%.64q", keys[i].ID)
		}
	}
	return b.String()
}
