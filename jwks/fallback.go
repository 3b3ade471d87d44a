package jwks

import "time"

// serving returns the keys that may be served, or nil if there are none.
func (c *Cache) serving(s *snapshot, now time.Time) *keySet {
	// A set that was fetched without a failure is served once, even if the
	// fetch took longer than the set is valid.
	if state := s.state(now); s.failures == 0 || state != Empty && state != Dead {
		return s.set
	}
	if s.spare.alive(now) {
		return s.spare.set
	}
	if c.fallback != nil && now.Before(c.cfg.FallbackUntil) {
		return c.fallback
	}
	return nil
}

// fallsBack reports whether lookups are served from Config.Fallback. That is so
// if nothing that was fetched may be served, the last fetch failed, and the time
// of the Fallback has not passed.
func (c *Cache) fallsBack(s *snapshot, now time.Time) bool {
	return c.fallback != nil && c.serving(s, now) == c.fallback
}
