package jwks

import "time"

// Status describes a [Cache], for a page for operators or for metrics. For a
// readiness probe, use [Ready].
type Status struct {
	State State

	// Age is the time since the last successful fetch began. It is zero while
	// [Empty], or if the clock was set back to before that fetch.
	Age time.Duration

	// NextRefresh is the earliest time at which a lookup of any key starts a
	// fetch. There is no fetch without a lookup.
	NextRefresh time.Time

	// Fetching reports whether a fetch is in progress.
	Fetching bool

	// Failures is the number of failed fetches since the last success, and
	// LastError the error of the last one. It is nil after a success.
	Failures  int
	LastError error

	// DiscoveryError is the error of the last discovery of the key set's URL,
	// or nil after a success. The keys may still be fetched from the URL that
	// was discovered before. If the key set moves, they no longer are.
	DiscoveryError error

	// URL is where the keys were fetched from at last, at the issuer's own
	// address. It is empty before the first success. FallbackURL is the one of
	// Config.FallbackURLs whose keys are served, and is empty if none are.
	URL, FallbackURL string

	// Fallback reports whether lookups are served from Config.Fallback.
	Fallback bool

	// KeyIDs are the IDs of the keys held, in the issuer's order, and then those
	// of the FallbackURL. The ID of a
	// key without one is empty.
	KeyIDs []string

	// LeftOut lists why keys of the issuer's set are not held. If there are
	// many, the last entry is the number of those not listed.
	LeftOut []string

	// Unknown is the number of lookups of key IDs that the issuer did not have.
	Unknown int

	// Fetches is the number of fetches started, and Generation the number of
	// different sets that they returned.
	Fetches, Generation int
}

// Status returns the cache's status. It does no I/O and starts no fetch.
func (c *Cache) Status() Status {
	s := c.current.Load()
	if s == nil {
		return Status{State: Empty}
	}
	now := c.cfg.Now()
	status := Status{
		State:          s.state(now),
		Fetching:       s.inFlight(now) != nil,
		Failures:       s.failures,
		LastError:      s.err,
		DiscoveryError: s.discovery,
		Fetches:        s.fetches,
		Unknown:        int(c.unknown.total.Load()),
	}
	status.Fallback = c.fallsBack(s, now)
	status.URL = s.version.url
	set := s.set
	if s.spare.alive(now) {
		status.FallbackURL = s.spare.url
		set = c.serving(s, now)
	}
	wait := s.mustWait(now)
	if s.set != nil {
		status.Age = max(0, elapsed(s.fetched, now))
		if status.State == Fresh {
			wait = max(wait, s.freshFor-status.Age)
		}
		status.Generation = s.set.generation
	}
	if set != nil {
		status.LeftOut = append(status.LeftOut, set.leftOut...)
		for _, key := range set.keys.All() {
			status.KeyIDs = append(status.KeyIDs, key.ID)
		}
	}
	status.NextRefresh = now.Add(wait)
	return status
}
