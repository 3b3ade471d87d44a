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

	delay          // of the issuer's own address
	ownErr error   // the last one's
	err    error   // the same, and those of Config.FallbackURLs
	places []place // Config.FallbackURLs
	spare  *spare  // the keys of one of them, or nil

	// Keys that the issuer has withdrawn, the newest last. They are noted only
	// if there are Config.FallbackURLs.
	withdrawn []Key

	discovery       error // of the last discovery; the keys may be fine
	discoveryLogged bool

	logged phase
}

// with returns s with other keys to serve.
func (s *snapshot) with(set *keySet) *snapshot {
	served := *s
	served.set = set
	return &served
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
	if s.serves(now) {
		return s.waitAfter(s.backoff, now)
	}
	return s.waitUrgently(false, now)
}

// mustWaitUrgently is mustWait for a fetch for an unknown kid.
func (s *snapshot) mustWaitUrgently(now time.Time) time.Duration {
	return s.waitUrgently(true, now)
}

// waitUrgently returns how long it is until one of the addresses may be asked.
func (s *snapshot) waitUrgently(forced bool, now time.Time) time.Duration {
	wait := s.waitAfter(s.urgent, now)
	for i := range s.places {
		p := &s.places[i]
		other := p.waitAfter(p.urgent, now)
		if other == 0 && forced {
			return min(wait, p.missed.until(now)) // it answers, so the others are not asked
		}
		wait = min(wait, other)
	}
	return wait
}

// A delay is the time after failures in which an address is not asked.
type delay struct {
	failures int           // in a row
	failing  time.Time     // when the first of them began
	failed   time.Time     // when the last of them began
	backoff  time.Duration // from there to the next fetch
	urgent   time.Duration // the same, if something can't be served without it
}

func (d *delay) delayFor(urgent bool) time.Duration {
	if urgent {
		return d.urgent
	}
	return d.backoff
}

func (d *delay) waitAfter(backoff time.Duration, now time.Time) time.Duration {
	if d.failures == 0 {
		return 0
	}
	passed := elapsed(d.failed, now)
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

func times(n int, d time.Duration) time.Duration { return time.Duration(int64(n) * int64(d)) }

// extend sets how long the next fetch must wait after a failure, of which d
// has the number and the times. If there are several addresses, each is asked
// more rarely, so that an issuer that is behind all of them does not get more
// requests. The issuer asked for asked. As much again is added at random,
// because a fleet is asked at the same time, or for the same time.
func (d *delay) extend(now time.Time, asked time.Duration, empty bool, addresses int, spread jitter) {
	most := maxUrgent
	if empty {
		asked = min(asked, maxEmptyRetryAfter)
		most = emptyBackoff
		if elapsed(d.failing, d.failed) >= emptySoon {
			most = emptyBackoffLater
		}
	}
	d.urgent = backoff(d.failures, times(addresses, minUrgent), times(addresses, most), spread)
	d.backoff = backoff(d.failures, times(addresses, minBackoff), times(addresses, maxBackoff), spread)
	if asked > 0 {
		asked = elapsed(d.failed, now) + asked + spread.below(asked)
		d.backoff, d.urgent = max(d.backoff, asked), max(d.urgent, asked)
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
