package jwks

import "time"

// fallsBack reports whether lookups are served from Config.Fallback. That is so
// if nothing that was fetched may be served, the last fetch failed, and the time
// of the Fallback has not passed.
func (c *Cache) fallsBack(s *snapshot, now time.Time) bool {
	if c.fallback == nil || s.failures == 0 || !now.Before(c.cfg.FallbackUntil) {
		return false
	}
	state := s.state(now)
	return state == Empty || state == Dead
}

// fallenBack returns s with the keys of the Fallback, if lookups are served from
// it.
func (c *Cache) fallenBack(s *snapshot, now time.Time) (*snapshot, bool) {
	if !c.fallsBack(s, now) {
		return nil, false
	}
	served := *s
	served.set = c.fallback
	return &served, true
}
