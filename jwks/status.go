package jwks

import "time"

// Status is what a [Cache] knows about itself, for a readiness probe or a page for operators.
type Status struct {
	State State

	// Age is the time since the fetch that confirmed the keys last; zero while [Empty], or if the clock was set back to
	// before it.
	Age time.Duration

	// NextRefresh is the time from which on a lookup begins a fetch, whatever key it looks for: now, if the next
	// one will. There is no fetch without a lookup.
	NextRefresh time.Time

	// Fetching tells that a fetch is in progress.
	Fetching bool

	// Failures counts the fetches that failed since the last that did not, and LastError is the last one's error;
	// nil if the last fetch did not fail.
	Failures  int
	LastError error

	// KeyIDs are those of the keys that are held, in the issuer's order; a key without one is an empty string.
	KeyIDs []string

	// LeftOut says why keys of the issuer's set are not held. It may end with how many more there are.
	LeftOut []string

	// Fetches counts the fetches that were begun, and Generation the different sets that they brought.
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
		State:     s.state(now),
		Fetching:  s.flight != nil,
		Failures:  s.failures,
		LastError: s.err,
		Fetches:   s.fetches,
	}
	wait := s.mustWait(now)
	if s.set != nil {
		status.Age = max(0, elapsed(s.fetched, now))
		if status.State == Fresh {
			wait = max(wait, s.freshFor-status.Age)
		}
		status.Generation = s.set.generation
		status.LeftOut = append(status.LeftOut, s.set.leftOut...)
		for _, key := range s.set.keys {
			status.KeyIDs = append(status.KeyIDs, key.ID)
		}
	}
	status.NextRefresh = now.Add(wait)
	return status
}
