package jwks

import (
	"slices"
	"time"
)

// A Snapshot is what a [Cache] holds at a time, for another process to start
// with. Marshal it with encoding/json, and set [Config].Seed and SeedTime in the
// other process to its Keys and Time:
//
//	stored, err := json.Marshal(snapshot)
//	…
//	var s jwks.Snapshot
//	err := json.Unmarshal(stored, &s)
//	keys, err := jwks.NewCache(jwks.Config{Issuer: issuer, Seed: s.Keys, SeedTime: s.Time})
//
// An attacker that can change what is stored can add keys, and sign any token.
type Snapshot struct {
	Keys Set       `json:"keys"`
	Time time.Time `json:"time"`           // when the fetch began that last confirmed Keys; zero if unknown
	URL  string    `json:"url"`            // where from; empty if Keys are a seed
	ETag string    `json:"etag,omitempty"` // of the response, if it had one
}

// Snapshot returns what c holds. It reports false if there are no keys. While
// keys of the issuer's own address are held, those of a Config.FallbackURLs are
// not in it. It does no I/O and starts no fetch.
func (c *Cache) Snapshot() (Snapshot, bool) {
	s := c.current.Load()
	if s == nil {
		return Snapshot{}, false
	}
	if now := c.cfg.Now(); s.spare.alive(now) && c.serving(s, now) == s.spare.set {
		keys := Set(slices.Clone(s.spare.set.keys.All()))
		return Snapshot{Keys: keys, Time: s.spare.fetched.Round(0), URL: s.spare.url}, true
	}
	if s.set == nil {
		return Snapshot{}, false
	}
	keys := Set(slices.Clone(s.answered.keys.All()))
	if s.successes == 0 { // the seed is as old as it was
		return Snapshot{Keys: keys, Time: c.cfg.SeedTime}, true
	}
	return Snapshot{Keys: keys, Time: s.fetched.Round(0), URL: s.version.url, ETag: s.version.etag}, true
}

// seedSkew is how far in the future a SeedTime may be: the difference between
// two clocks.
const seedSkew = time.Minute

// firstSnapshot returns the snapshot of a new Cache.
func firstSnapshot(cfg *Config, spread jitter) *snapshot {
	s := &snapshot{logged: phase{state: Empty}, places: make([]place, len(cfg.FallbackURLs))}
	if len(cfg.Seed) == 0 {
		return s
	}
	now := cfg.Now()
	s.set, s.staleFor = newKeySet(cfg.Seed, nil, 1), cfg.MaxStale
	s.answered = s.set
	if age := elapsed(cfg.SeedTime, now); cfg.SeedTime.IsZero() || age < -seedSkew {
		// The age is unknown. A TTL of zero makes the seed EXPIRED, so that the
		// issuer is asked first.
		s.fetched = now
	} else {
		age = max(age, 0)
		s.fetched, s.ttl = now.Add(-age), cfg.TTL
		// Processes that start with one seed fetch at random times in the second
		// half of what is left. Those that end before never do.
		left := max(cfg.TTL-age, 0)
		s.freshFor = age + left/2 + spread.below(left/2)
	}
	s.logged.state = s.state(now)
	return s
}
