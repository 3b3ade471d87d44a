package jwks

import (
	"context"
	"log/slog"
	"time"
)

// A phase is what a line in the log marks the beginning of.
type phase struct {
	state   State
	failing bool // the last fetch failed
}

// observe logs a change of state that came with time alone, by the first lookup that meets it.
func (c *Cache) observe(s *snapshot, state State) {
	if s.logged == (phase{state, s.failures > 0}) {
		return
	}
	c.mu.Lock()
	next, now := *c.current.Load(), c.cfg.Now()
	was := next.logged
	next.logged = phase{next.state(now), next.failures > 0}
	if next.logged != was {
		c.current.Store(&next)
	}
	c.mu.Unlock()
	c.logPhase(&next, was, now)
}

// logPhase writes one line if s begins a phase other than was. Ageing and refreshing is the daily round; keys that
// can't be refreshed are a warning; no keys are an error.
func (c *Cache) logPhase(s *snapshot, was phase, now time.Time) {
	if s.logged == was {
		return
	}
	level := slog.LevelDebug
	switch {
	case s.logged.state == Dead && s.logged.failing:
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
			slog.Int("keys", len(s.set.keys)),
			slog.Int("generation", s.set.generation),
			slog.Duration("age", elapsed(s.fetched, now)))
	}
	if s.logged.failing {
		attrs = append(attrs,
			slog.Int("failures", s.failures),
			slog.Duration("retry_in", s.mustWait(now)),
			slog.String("error", s.err.Error()))
	}
	c.logger().LogAttrs(context.Background(), level, "jwks: issuer's keys", attrs...)
}

func (c *Cache) logLeftOut(s *keySet) {
	level := slog.LevelWarn
	if s.expected {
		level = slog.LevelDebug
	}
	c.logger().LogAttrs(context.Background(), level, "jwks: keys left out of the issuer's set",
		slog.String("issuer", c.cfg.name()),
		slog.Int("generation", s.generation),
		slog.Any("reasons", s.leftOut))
}

func (c *Cache) logger() *slog.Logger {
	if c.cfg.Logger != nil {
		return c.cfg.Logger
	}
	return slog.Default()
}
