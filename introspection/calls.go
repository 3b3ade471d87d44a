package introspection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/jwks"
)

// The bounds of calls for tokens of one kind, known or not.
const (
	maxRunning = 64   // at once
	maxCalls   = 1024 // running, and waiting to run
	maxWaiting = 4096 // requests that wait for a call
	tolerated  = 5    // failures in a row that close nothing
	minBackoff = time.Second
	maxBackoff = 30 * time.Second
)

// calls are those in progress, and how they have fared.
type calls struct {
	cfg *Config

	mu      sync.Mutex // never held during a call
	flights map[string]*flight
	known   lane // for tokens that are known: their answer has become too old
	unknown lane // for all others
	total   int

	answered time.Time // when the last call was answered
	warned   time.Time // of a mistake
	told     time.Time // that calls fail
	failing  bool      // has been told, and that they work again has not
	phase    phase     // that Config.Observe was told of
	teller   *observing.Teller
}

// A lane has the limits of calls of one kind. What is in it is guarded by
// calls.mu, except slots.
type lane struct {
	slots    chan struct{}
	rate     *rate.Limiter // nil for none
	calls    int
	waiting  int
	failures int // in a row
	err      error

	closed   time.Time // when the lane was closed last
	closings int       // in a row
	failed   time.Time // when the call began that closed it
	backoff  time.Duration
}

// A flight is one call, and the requests that wait for its answer.
type flight struct {
	done   chan struct{}
	answer answer // to be read when done is closed
	err    error

	forgotten bool // by Forget, so that its answer is not kept; guarded by calls.mu
}

// An answer of the server: an entry, or the word that a token is not active.
type answer struct {
	entry    *entry
	inactive bool
}

func newCalls(cfg *Config) *calls {
	c := &calls{cfg: cfg, flights: make(map[string]*flight), phase: phase{state: jwks.Empty}, teller: newTeller(cfg)}
	c.known.slots = make(chan struct{}, maxRunning)
	c.unknown.slots = make(chan struct{}, maxRunning)
	if cfg.MaxRate > 0 {
		c.unknown.rate = rate.NewLimiter(rate.Limit(cfg.MaxRate), cfg.MaxRate)
	}
	return c
}

// ask returns the server's answer about token. All requests that ask about one
// at a time share a call, which goes on when they are gone. Known is what is
// known of the token already, or nil.
func (in *Introspector) ask(ctx context.Context, token string, known *entry, now time.Time) (answer, error) {
	c := in.calls
	l := &c.unknown
	if known != nil {
		l = &c.known
	}
	c.mu.Lock()
	if l.waiting >= maxWaiting {
		c.mu.Unlock()
		return answer{}, &unavailable{errBusy, time.Second}
	}
	f := c.flights[token]
	if f == nil {
		if err := l.admit(now); err != nil {
			c.mu.Unlock()
			return answer{}, err
		}
		f = &flight{done: make(chan struct{}), err: errEnded}
		c.flights[token] = f
		l.calls++
		c.total++
		go in.fly(f, l, token) //nolint:gosec // G118: the call belongs to all who wait, and has a time limit of its own
	}
	l.waiting++
	c.mu.Unlock()

	defer func() {
		c.mu.Lock()
		l.waiting--
		c.mu.Unlock()
	}()
	select {
	case <-f.done:
		return f.answer, f.err
	case <-ctx.Done():
		return answer{}, fmt.Errorf("waiting for the introspection endpoint: %w", ctx.Err())
	}
}

var (
	errBusy  = errors.New("too many calls have not returned")
	errRate  = errors.New("too many tokens that are not known: see Config.MaxRate")
	errEnded = &unavailable{errors.New("the call was ended from within"), time.Second}
)

// admit says why no call may begin now.
func (l *lane) admit(now time.Time) error {
	if wait := l.mustWait(now); wait > 0 {
		return &unavailable{l.err, max(wait, time.Second)}
	}
	if l.calls >= maxCalls {
		return &unavailable{errBusy, time.Second}
	}
	if l.rate != nil && !l.rate.AllowN(now, 1) {
		return &unavailable{errRate, time.Second}
	}
	return nil
}

// mustWait returns for how long there are no calls after failures.
func (l *lane) mustWait(now time.Time) time.Duration {
	if l.backoff == 0 {
		return 0
	}
	passed := now.Sub(l.failed)
	if passed < 0 {
		return 0 // the clock was set back
	}
	return max(0, l.backoff-passed)
}

// fail counts a failure. Calls that began before the lane was closed fail for
// the same reason, and close it no longer.
func (l *lane) fail(err error, began, now time.Time) {
	l.failures++
	l.err = err
	if l.failures >= tolerated && (l.closings == 0 || !began.Before(l.closed) || now.Before(l.closed)) {
		l.closings++
		l.closed, l.failed, l.backoff = now, began, backoff(l.closings)
	}
	if asked := askedFor(err); asked > l.mustWait(now) {
		l.failed, l.backoff = began, asked
	}
}

// fly makes a call. It belongs to no request.
func (in *Introspector) fly(f *flight, l *lane, token string) {
	c := in.calls
	ctx, cancel := context.WithTimeout(context.Background(), in.cfg.Timeout)
	defer cancel()
	began := in.cfg.Now()
	var a answer
	err := error(errEnded)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the call panicked with a %T", p)
		}
		c.land(f, l, token, a, err, began)
	}()
	select {
	case l.slots <- struct{}{}:
		a, err = in.call(ctx, l.slots, token)
	case <-ctx.Done():
		err = errBusy
	}
	if err == nil {
		in.keep(f, token, a, began)
	}
}

// keep remembers the answer of a call.
func (in *Introspector) keep(f *flight, token string, a answer, began time.Time) {
	now := in.cfg.Now()
	in.calls.mu.Lock()
	defer in.calls.mu.Unlock()
	switch {
	case a.inactive && !f.forgotten:
		in.memory.rememberInactive(token, now)
	case a.inactive:
	default:
		a.entry.asked = began
		if !f.forgotten {
			in.memory.remember(token, a.entry)
		}
	}
}

// forget leaves a call about token to those that wait for it already.
func (c *calls) forget(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[token]; f != nil {
		f.forgotten = true
		delete(c.flights, token)
	}
}

// land hands on the outcome of a call.
func (c *calls) land(f *flight, l *lane, token string, a answer, err error, began time.Time) {
	c.mu.Lock()
	now := c.cfg.Now()
	if c.flights[token] == f {
		delete(c.flights, token)
	}
	l.calls--
	was := l.failures
	var level slog.Level
	tell := false
	switch {
	case err == nil:
		f.answer, f.err = a, nil
		l.failures, l.closings, l.backoff, l.err = 0, 0, 0, nil
		c.answered = now
		tell, c.failing = c.failing && was > 0, c.failing && was == 0
	case c.isAboutToken(err, now):
		f.err = &unavailable{err, time.Second}
	default:
		l.fail(err, began, now)
		f.err = &unavailable{err, max(l.mustWait(now), time.Second)}
		level, tell = c.mustTell(err, now)
	}
	before := c.phase
	c.phase = c.newPhase()
	is := c.phase
	close(f.done)
	c.mu.Unlock()
	c.tellPhase(is, before)
	if tell {
		c.log(level, err, was)
	}
}

// isAboutToken reports whether the server, which has answered lately, rejects a
// request for the sake of its token. Anyone can send such tokens, and they must
// not keep others from being asked about.
func (c *calls) isAboutToken(err error, now time.Time) bool {
	var about interface{ isAboutToken() bool }
	return errors.As(err, &about) && about.isAboutToken() && within(now, c.answered, time.Minute)
}

// mustTell reports whether a failure is logged: a mistake once a minute, and
// that calls begin to fail at most as often.
func (c *calls) mustTell(err error, now time.Time) (slog.Level, bool) {
	if errors.Is(err, jwks.ErrConfig) {
		if within(now, c.warned, time.Minute) {
			return 0, false
		}
		c.warned, c.failing = now, true
		return slog.LevelError, true
	}
	if c.failing || within(now, c.told, time.Minute) {
		return 0, false
	}
	c.told, c.failing = now, true
	return slog.LevelWarn, true
}

// log writes a line where something begins or ends.
func (c *calls) log(level slog.Level, err error, failures int) {
	issuer := slog.String("issuer", c.cfg.Issuer)
	switch {
	case err == nil:
		c.write(slog.LevelInfo, "introspection works again", issuer, slog.Int("failures", failures))
	case level == slog.LevelError:
		c.write(level, "introspection refused", issuer, slog.String("error", err.Error()))
	default:
		c.write(level, "introspection fails", issuer, slog.String("error", err.Error()))
	}
}

func (c *calls) write(level slog.Level, text string, attrs ...slog.Attr) {
	logging.Write(context.Background(), c.cfg.Logger, level, text, attrs...)
}

// backoff returns a time that doubles with every closing in a row, half of it
// random, so that instances that failed together don't ask together.
func backoff(closings int) time.Duration {
	d := maxBackoff
	if doublings := closings - 1; doublings < 6 {
		d = min(minBackoff<<doublings, maxBackoff)
	}
	return d/2 + rand.N(d/2) //nolint:gosec // G404: spreading requests needs no secrecy
}

// An unavailable error says why the endpoint was not asked, or did not answer.
type unavailable struct {
	cause error
	after time.Duration
}

func (e *unavailable) Error() string { return fmt.Sprintf("%v: %v", ErrUnavailable, e.cause) }

func (e *unavailable) Unwrap() []error {
	if errors.Is(e.cause, jwks.ErrConfig) {
		return []error{ErrUnavailable, jwks.ErrConfig}
	}
	return []error{ErrUnavailable}
}

// RetryAfter returns the time until another attempt can succeed.
func (e *unavailable) RetryAfter() time.Duration { return e.after }

// A Status describes an [Introspector], for a probe or a page for operators.
type Status struct {
	// State is [jwks.Empty] before the first answer, [jwks.Fresh] if the last
	// call was answered, and [jwks.Expired] if it failed.
	State jwks.State

	// Calls is how many calls have begun, and Running how many have not ended.
	Calls, Running int

	// Failures is how many calls have failed since the last that did not, of
	// tokens that are known and others together, and LastError the last one's.
	Failures  int
	LastError error

	// NextCall is the earliest time of the next call for a token that is not
	// known.
	NextCall time.Time
}

// Status returns the status. It does no I/O.
func (in *Introspector) Status() Status {
	if in.cfg == nil {
		return Status{State: jwks.Empty}
	}
	c := in.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	now := in.cfg.Now()
	return Status{
		State: c.state(), Calls: c.total, Running: c.known.calls + c.unknown.calls,
		Failures: c.known.failures + c.unknown.failures, LastError: c.lastError(),
		NextCall: now.Add(c.unknown.mustWait(now)),
	}
}

// state returns the state of [Status]. c.mu is held.
func (c *calls) state() jwks.State {
	switch {
	case c.known.failures+c.unknown.failures > 0:
		return jwks.Expired
	case c.total > c.known.calls+c.unknown.calls:
		return jwks.Fresh
	}
	return jwks.Empty
}

func (c *calls) lastError() error {
	if c.unknown.err != nil {
		return c.unknown.err
	}
	return c.known.err
}
