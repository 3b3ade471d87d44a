package jwks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/internal/wantedkid"
)

// A flight is one fetch, and the lookups that wait for it. It ends within twice
// Config.Timeout.
type flight struct {
	began    time.Time
	source   source        // used by this flight alone
	most     time.Duration // how long it may take
	done     chan struct{}
	own      bool  // it may ask the issuer's own address,
	further  []int // and these of Config.FallbackURLs, if that fails
	attempts []attempt
	spared   bool   // one of them has answered
	regular  bool   // a refresh of keys that are in use
	explicit bool   // Refresh began it
	noCache  bool   // caches on the way must not answer it
	again    bool   // for a token whose signature is by another key
	forced   bool   // for an unknown kid,
	kid      string // which is this one
	err      error  // wraps ErrUnavailable; read it after done is closed
	waiters  int    // lookups for tokens that may be bad; guarded by Cache.mu
}

// wait waits until the flight has ended or until limit has passed, and reports
// whether it has ended. If limit is zero, there is no limit. If ctx ends
// before, the error wraps ctx.Err().
func (f *flight) wait(ctx context.Context, limit time.Duration) (ended bool, err error) {
	select {
	case <-f.done:
		return true, nil
	default:
	}
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-f.done:
		return true, nil
	case <-over:
		return false, nil
	case <-ctx.Done():
		return false, fmt.Errorf("jwks: waiting for the issuer's keys: %w", ctx.Err())
	}
}

// flight returns the fetch in progress. If there is none, it begins one, unless
// the keys are FRESH or the last failure is too recent. Then it returns nil.
func (c *Cache) flight() *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.cfg.Now()
	if f := s.inFlight(now); f != nil || s.state(now) == Fresh || s.mustWait(now) > 0 {
		return f
	}
	return c.begin(&flight{regular: s.state(now) == Revalidate && s.failures == 0})
}

// inFlight returns the fetch in progress, or nil. One that has lasted longer
// than it may was frozen together with the process, whose timers stood still.
// Its connection is probably dead, so it does not count.
func (s *snapshot) inFlight(now time.Time) *flight {
	if f := s.flight; f != nil && now.Round(0).Sub(f.began.Round(0)) <= f.most {
		return f
	}
	return nil
}

// begin starts a fetch. c.mu is held, and none is in progress.
func (c *Cache) begin(f *flight) *flight {
	s := *c.current.Load()
	f.began, f.source, f.most = c.cfg.Now(), c.source, 2*c.cfg.Timeout
	if len(c.cfg.FallbackURLs) > 0 {
		f.most += c.cfg.Timeout
	}
	f.noCache = f.forced || f.again || f.explicit || len(s.vanished) > 0
	s.plan(f)
	f.done = make(chan struct{})
	s.flight = f
	s.fetches++
	c.current.Store(&s)
	go c.fly(&s)
	return s.flight
}

// fly fetches the keys. It belongs to no request, because the one that began it
// may end before.
func (c *Cache) fly(s *snapshot) {
	var a answer
	f, err := s.flight, errors.New("the fetch was ended from within")
	defer func() {
		// The input comes from outside. A fault of a parser must not end the
		// program.
		if p := recover(); p != nil {
			err = fmt.Errorf("the fetch panicked with a %T", p)
		}
		c.land(f, a, err)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), f.most)
	defer cancel()
	if f.forced && len(s.vanished) == 0 {
		// A response that has the key will do, even if it is of a fetch that
		// began before. It must not be the one that confirms that a key is gone.
		ctx = wantedkid.With(ctx, f.kid)
	}
	if err = errWaits; f.own {
		a, err = f.source.fetch(ctx, s.version, s.set != nil, f)
	}
	if err != nil {
		f.attempts = f.source.further(ctx, f, s.isWithdrawn)
	}
}

var errWaits = errors.New("it is too early to ask the issuer's own address again")

var errFrozen = errors.New("the fetch took too long, and another has taken its place")

// land stores the result of a fetch and wakes the lookups that wait.
func (c *Cache) land(f *flight, a answer, err error) {
	c.mu.Lock()
	now := c.cfg.Now()
	s := *c.current.Load()
	if s.flight != f {
		f.err = &unavailable{errFrozen, time.Second}
		close(f.done)
		c.mu.Unlock()
		return
	}
	s.flight = nil
	c.source = f.source
	discovery := s.noteDiscovery(c.source.where.err, err == nil)
	changed := false
	if err != nil {
		f.err = c.fail(&s, f, now, err)
	} else {
		own := s.ownKeys()
		s.dropSpare(now)
		changed = s.succeed(f, a, c.jitter)
		if len(s.places) > 0 {
			s.noteWithdrawn(own)
		}
		c.landForced(f, s.set)
	}
	if changed {
		clear(c.missing)
	}
	was, before := s.logged, c.current.Load().set
	s.logged = s.phase(now)
	c.current.Store(&s)
	close(f.done)
	c.mu.Unlock()

	c.logPhase(&s, was, now)
	c.logDiscovery(discovery)
	c.tellKeys(before, s.set)
	c.tellUnknown(now)
	if changed && len(s.set.leftOut) > 0 {
		c.logLeftOut(s.set)
	}
}

// fail changes a copy of the snapshot. The keys of the issuer's own address stay
// as they are. c.mu is held.
func (c *Cache) fail(s *snapshot, f *flight, now time.Time, err error) error {
	if f.own {
		if s.failures == 0 {
			s.failing = f.began
		}
		s.failures++
		s.failed, s.ownErr = f.began, &failure{clipped(err.Error()), isMistake(err)}
	}
	c.landFurther(s, f, now)
	if f.own {
		s.extend(now, askedFor(err), s.set == nil, s.asked(), c.jitter)
	}
	s.err = s.ownErr
	text := s.ownErr.Error()
	for i := range s.places {
		if s.places[i].failures > 0 {
			text += "; Config.FallbackURLs: " + s.places[i].err
		}
	}
	if len(text) > len(s.ownErr.Error()) {
		s.err = &failure{clipped(text), errors.Is(s.ownErr, ErrConfig)}
	}
	return &unavailable{s.err, max(s.mustWait(now), time.Second)}
}

// A failure says why a fetch failed, without the errors of the HTTP client and
// the parsers.
type failure struct {
	text    string
	mistake bool // in the Config
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() error {
	if f.mistake {
		return ErrConfig
	}
	return nil
}

// askedFor returns the longest Retry-After of the responses that made a fetch
// fail. There may be one for each document.
func askedFor(err error) time.Duration {
	switch err := err.(type) {
	case *statusError:
		return err.retryAfter
	case interface{ Unwrap() error }:
		return askedFor(err.Unwrap())
	case interface{ Unwrap() []error }:
		var longest time.Duration
		for _, err := range err.Unwrap() {
			longest = max(longest, askedFor(err))
		}
		return longest
	}
	return 0
}

// clipped bounds a text that may be a server's, and keeps joined errors in one
// line.
func clipped(text string) string {
	const most = 1 << 10
	return show.Cut(strings.ReplaceAll(text, "\n", "; "), most)
}

// succeed changes a copy of the snapshot, and reports whether the issuer now has
// another set.
//
// A fetch that is not a regular refresh may have happened in all of a fleet at
// once: after a deploy, an outage or a rotation. Then the next one is at a
// random time, so that it does not happen at once again.
func (s *snapshot) succeed(f *flight, a answer, spread jitter) (changed bool) {
	if !a.notModified && !s.answered.equal(a.keys, a.leftOut) {
		s.answered = newKeySet(a.keys, a.leftOut, 0)
		changed = true
	}
	vanished := len(s.vanished)
	s.vanish(f)
	if changed || len(s.vanished) != vanished {
		s.set = s.hold()
	}

	regular := f.regular && s.failures == 0
	confirmed := s.fetched
	s.successes++
	s.delay, s.ownErr, s.err = delay{}, nil, nil
	s.fetched = f.began
	s.version = a.version
	s.cached = a.cached && !f.noCache
	if !a.notModified || a.said { // RFC 9111, Section 4.3.4: fields that a 304 lacks keep their values
		s.ttl, s.staleFor = a.ttl, a.staleFor
	}
	if regular {
		s.freshFor = s.ttl/10*8 - spread.below(s.ttl/10)
	} else {
		s.freshFor = s.ttl/10*8 - spread.below(s.ttl/10*6)
	}
	if len(s.vanished) > 0 {
		// Ask again soon, so that a withdrawn key is not accepted for longer
		// than the TTL.
		left := min(s.ttl/2, s.ttl-elapsed(confirmed, f.began))
		s.freshFor = min(s.freshFor, agreement+spread.below(left-2*agreement))
	}
	return changed
}
