package jwks

import (
	"math/rand/v2"
	"time"
)

// A State tells whether the keys of a [Cache] may be served.
type State string

// The states. The package documentation describes what a lookup does in each.
const (
	Empty      State = "EMPTY"      // no keys yet
	Fresh      State = "FRESH"      // served
	Revalidate State = "REVALIDATE" // served, and fetched in the background
	Expired    State = "EXPIRED"    // fetched first, and served if that fails
	Dead       State = "DEAD"       // too old to be served
)

// A snapshot holds all that a lookup needs. It is never changed, only replaced.
type snapshot struct {
	set      *keySet       // nil while EMPTY
	fetched  time.Time     // when the fetch that last confirmed the set began
	freshFor time.Duration // FRESH until this age,
	ttl      time.Duration // REVALIDATE until this one,
	staleFor time.Duration // and EXPIRED for so long after it
	version  version       // of the set, for conditional requests

	flight    *flight // the fetch in progress, or nil
	fetches   int     // begun
	successes int

	failures int           // in a row
	failed   time.Time     // when the last of them began
	backoff  time.Duration // from there to the next fetch
	err      error         // the last one's

	logged phase
}

// state returns the state that follows from the age of s.
func (s *snapshot) state(now time.Time) State {
	if s.set == nil {
		return Empty
	}
	switch age := elapsed(s.fetched, now); {
	case age < 0:
		return Revalidate // the clock was set back, so the age is unknown
	case age < s.freshFor:
		return Fresh
	case age < s.ttl:
		return Revalidate
	case age-s.ttl < s.staleFor:
		return Expired
	}
	return Dead
}

// mustWait returns how long the next fetch must wait after a failure.
func (s *snapshot) mustWait(now time.Time) time.Duration {
	if s.failures == 0 {
		return 0
	}
	passed := elapsed(s.failed, now)
	if passed < 0 {
		return 0 // the clock was set back: don't wait until it has caught up
	}
	return max(0, s.backoff-passed)
}

// lately is how long a failure counts as recent after its backoff has passed.
const lately = 2 * time.Minute

// failedLately reports whether the last fetch failed recently. An old failure,
// after hours without a lookup, says nothing about the issuer now. It may be
// available again, and may have withdrawn a key.
func (s *snapshot) failedLately(now time.Time) bool {
	if s.failures == 0 {
		return false
	}
	passed := elapsed(s.failed, now)
	return 0 <= passed && passed < s.backoff+lately
}

// elapsed returns the time from then to now, by the monotonic clock or by the
// wall clock, whichever is larger. The monotonic clock may stop while the
// machine sleeps, and the wall clock may be set back.
func elapsed(then, now time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

// The bounds of the time from the start of a failed fetch to the next.
const (
	minBackoff      = time.Second
	maxBackoff      = time.Minute
	maxEmptyBackoff = 5 * time.Second // nothing is served, so retry soon
	maxRetryAfter   = 5 * time.Minute // the issuer may ask for more
)

// backoff returns a time that doubles with every failure in a row. Its last
// quarter is random, so that instances that failed together don't retry
// together.
func backoff(failures int, empty bool) time.Duration {
	limit := maxBackoff
	if empty {
		limit = maxEmptyBackoff
	}
	d := limit
	if doublings := failures - 1; doublings < 10 {
		d = min(minBackoff<<doublings, limit)
	}
	return d - jitter(d/4)
}

// jitter returns a random duration less than d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // G404: spreading requests needs no secrecy
}
