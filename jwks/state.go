package jwks

import (
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
	version  version       // of the response, for conditional requests

	answered *keySet       // the set of the last response
	vanished []vanishedKey // keys of set that are not in answered

	flight    *flight // the fetch in progress, or nil
	fetches   int     // begun
	successes int
	cached    bool // the last success was a cache's, which may not have the newest keys

	failures int           // in a row
	failing  time.Time     // when the first of them began
	failed   time.Time     // when the last of them began
	backoff  time.Duration // from there to the next fetch
	urgent   time.Duration // the same, if something can't be served without it
	err      error         // the last one's

	discovery       error // of the last discovery; the keys may be fine
	discoveryLogged bool

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
	if state := s.state(now); state == Empty || state == Dead {
		return s.waitAfter(s.urgent, now)
	}
	return s.waitAfter(s.backoff, now)
}

// mustWaitUrgently is mustWait for a fetch for an unknown kid.
func (s *snapshot) mustWaitUrgently(now time.Time) time.Duration {
	return s.waitAfter(s.urgent, now)
}

func (s *snapshot) waitAfter(backoff time.Duration, now time.Time) time.Duration {
	if s.failures == 0 {
		return 0
	}
	passed := elapsed(s.failed, now)
	if passed < 0 {
		return 0 // the clock was set back: don't wait until it has caught up
	}
	return max(0, backoff-passed)
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

// The bounds of the time from the start of a failed fetch to the next. Half of
// each is random, so that instances that failed together don't retry together.
const (
	minBackoff = 4 * time.Minute // for a refresh, while keys are served,
	maxBackoff = 5 * time.Minute // which is not urgent

	minUrgent = time.Second // for a kid that is not held, or if DEAD
	maxUrgent = time.Minute

	emptyBackoff      = 5 * time.Second // nothing is served, so retry soon
	emptyBackoffLater = 30 * time.Second
	emptySoon         = 2 * time.Minute // the time until later

	maxRetryAfter      = 5 * time.Minute  // the issuer may ask for more
	maxEmptyRetryAfter = 30 * time.Second // while nothing is served
)

// backoff returns a time from first to most that doubles with every failure in
// a row. Half of it is random.
func backoff(failures int, first, most time.Duration, spread jitter) time.Duration {
	d := most
	if doublings := failures - 1; doublings < 10 {
		d = min(first<<doublings, most)
	}
	return d - spread.below(d/2)
}

// retryAfterFailure sets how long the next fetch must wait. The issuer asked
// for asked. As much again is added at random, because a fleet is asked at the
// same time, or for the same time.
func (s *snapshot) retryAfterFailure(began, now time.Time, asked time.Duration, spread jitter) {
	if s.set == nil {
		asked = min(asked, maxEmptyRetryAfter)
		most := emptyBackoff
		if elapsed(s.failing, began) >= emptySoon {
			most = emptyBackoffLater
		}
		s.urgent = backoff(s.failures, minUrgent, most, spread)
	} else {
		s.urgent = backoff(s.failures, minUrgent, maxUrgent, spread)
	}
	s.backoff = backoff(s.failures, minBackoff, maxBackoff, spread)
	if asked > 0 {
		asked = elapsed(began, now) + asked + spread.below(asked)
		s.backoff, s.urgent = max(s.backoff, asked), max(s.urgent, asked)
	}
}

// A jitter returns a random number below n, which is positive.
type jitter func(n int64) int64

// below returns a random duration less than d.
func (j jitter) below(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(j(int64(d)))
}
