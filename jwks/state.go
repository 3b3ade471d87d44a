package jwks

import (
	"math/rand/v2"
	"time"
)

// A State is how good the keys are that a [Cache] holds.
type State string

// The states. The package's documentation says what a lookup does in each.
const (
	Empty      State = "EMPTY"      // no keys were ever had
	Fresh      State = "FRESH"      // served
	Revalidate State = "REVALIDATE" // served, and fetched anew behind the request
	Expired    State = "EXPIRED"    // fetched anew first; if that fails, served
	Dead       State = "DEAD"       // too old to be served
)

// A snapshot is everything that a lookup needs to know, as of one moment. It is never changed, only replaced.
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

// state is where a snapshot's age puts it.
func (s *snapshot) state(now time.Time) State {
	if s.set == nil {
		return Empty
	}
	switch age := elapsed(s.fetched, now); {
	case age < 0:
		return Revalidate // the clock was set back: who knows how old it is
	case age < s.freshFor:
		return Fresh
	case age < s.ttl:
		return Revalidate
	case age-s.ttl < s.staleFor:
		return Expired
	}
	return Dead
}

// mustWait is how long the next fetch has to wait after a failure.
func (s *snapshot) mustWait(now time.Time) time.Duration {
	if s.failures == 0 {
		return 0
	}
	passed := elapsed(s.failed, now)
	if passed < 0 {
		return 0 // the clock was set back, and would else forbid fetches until it is where it was
	}
	return max(0, s.backoff-passed)
}

// lately is how long after the time for the next fetch a failure still tells of the issuer as it is now.
const lately = 2 * time.Minute

// failedLately reports whether the last fetch failed and there was no time since in which the next should have begun,
// as there is when nobody asks for hours. What such a failure said of the issuer is worth nothing: it may long be back,
// and have withdrawn a key.
func (s *snapshot) failedLately(now time.Time) bool {
	if s.failures == 0 {
		return false
	}
	passed := elapsed(s.failed, now)
	return 0 <= passed && passed < s.backoff+lately
}

// elapsed is the time from then to now by the monotonic clock or by the wall clock, whichever says more: the first
// stands still while a laptop sleeps, the second may be set back.
func elapsed(then, now time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

// The bounds of the time from the beginning of a failed fetch to that of the next.
const (
	minBackoff      = time.Second
	maxBackoff      = time.Minute
	maxEmptyBackoff = 5 * time.Second // nothing is served at all: be back soon
	maxRetryAfter   = 5 * time.Minute // the issuer may ask for more
)

// backoff doubles with every failure in a row. It is spread over its last quarter, so that the instances of a
// service that failed together don't come back together.
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

// jitter is a random time less than d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // G404: spreading requests needs no secrecy
}
