package jwks

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rsguard/rsguard/internal/logging"
)

// A phase is a period that begins with a log line.
type phase struct {
	state   State
	failing bool   // the last fetch failed
	mistake bool   // by a mistake in the Config
	spare   string // the one of Config.FallbackURLs whose keys are served, or empty
}

// phase returns the phase of s.
func (s *snapshot) phase(now time.Time) phase {
	p := phase{state: s.state(now), failing: s.failures > 0}
	p.mistake = p.failing && errors.Is(s.ownErr, ErrConfig)
	if s.spare.alive(now) {
		p.spare = s.spare.url
	}
	return p
}

// with returns p with another spare.
func (p phase) with(spare string) phase {
	p.spare = spare
	return p
}

// observe logs a change of state by age alone. The first lookup that finds it
// calls observe.
func (c *Cache) observe(s *snapshot, state State) {
	if s.logged.state == state && s.logged.failing == (s.failures > 0) {
		return
	}
	c.mu.Lock()
	next, now := *c.current.Load(), c.cfg.Now()
	was := next.logged
	next.logged = next.phase(now)
	if next.logged != was {
		c.current.Store(&next)
	}
	c.mu.Unlock()
	c.logPhase(&next, was, now)
}

// logPhase writes one line if s begins a phase other than was. Ageing and
// refreshing are routine. Keys that can't be refreshed are a warning. Keys that
// are gone are an error, and so is a mistake in the Config.
func (c *Cache) logPhase(s *snapshot, was phase, now time.Time) {
	if s.logged == was {
		return
	}
	if s.logged != was.with(s.logged.spare) {
		c.tellPhase(s.logged, was)
	}
	level := slog.LevelDebug
	switch {
	case s.logged.failing && (s.logged.state == Dead && s.logged.spare == "" || s.logged.mistake):
		level = slog.LevelError
	case s.logged.failing:
		level = slog.LevelWarn
	case was.failing || was.state == Empty || was.state == Dead:
		level = slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.String("issuer", c.cfg.name()),
		slog.String("state", string(s.logged.state)),
		slog.String("was", string(was.state)),
	}
	if s.set != nil {
		attrs = append(attrs,
			slog.Int("keys", len(s.set.keys.All())),
			slog.Int("generation", s.set.generation),
			slog.Duration("age", elapsed(s.fetched, now)))
	}
	if c.fallsBack(s, now) {
		attrs = append(attrs, slog.Time("fallback_until", c.cfg.FallbackUntil))
	}
	if s.logged.spare != "" {
		attrs = append(attrs, slog.String("fallback_url", s.logged.spare))
	}
	if s.logged.failing {
		attrs = append(attrs,
			slog.Int("failures", s.failures),
			slog.Duration("retry_in", s.mustWait(now)),
			slog.String("error", s.err.Error()))
	}
	c.log(level, "jwks: issuer's keys", attrs...)
}

// noteDiscovery changes a copy of the snapshot. It returns the discovery to log,
// or nil. One that fails while the keys are fine is logged once. Discovery
// matters only when the key set moves, so it may fail for weeks.
func (s *snapshot) noteDiscovery(err error, keysAreFine bool) *discoveryNews {
	s.discovery = nil
	if err != nil {
		s.discovery = &failure{clipped(err.Error()), isMistake(err)}
	}
	switch failing := err != nil; {
	case failing && !s.discoveryLogged && keysAreFine:
		s.discoveryLogged = true
		return &discoveryNews{s.discovery}
	case !failing && s.discoveryLogged:
		s.discoveryLogged = false
		return &discoveryNews{}
	}
	return nil
}

// A discoveryNews is the end of a discovery that differs from the last one.
type discoveryNews struct{ err error }

func (c *Cache) logDiscovery(news *discoveryNews) {
	switch {
	case news == nil:
	case news.err == nil:
		c.log(slog.LevelInfo, "jwks: issuer's metadata is found again", slog.String("issuer", c.cfg.name()))
	default:
		c.log(slog.LevelWarn, "jwks: issuer's metadata is not found; keys are fetched from where they were",
			slog.String("issuer", c.cfg.name()), slog.String("error", news.err.Error()))
	}
}

func (c *Cache) logLeftOut(s *keySet) {
	level := slog.LevelWarn
	if s.expected {
		level = slog.LevelDebug
	}
	c.log(level, "jwks: keys left out of the issuer's set",
		slog.String("issuer", c.cfg.name()),
		slog.Int("generation", s.generation),
		slog.Any("reasons", s.leftOut))
}

func (c *Cache) log(level slog.Level, text string, attrs ...slog.Attr) {
	logging.Write(context.Background(), c.cfg.Logger, level, text, attrs...)
}
