package redisrevocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/observe"
)

// Status is the state of a [Feed].
type Status struct {
	// Late is whether rules of other replicas may be missing, since the feed is
	// lost for longer than Config.MaxLag, the List has no room for all of them,
	// or Run has not read them yet.
	Late bool

	// Contact is when nothing was missing for the last time. It is zero if Run
	// has not read the rules yet.
	Contact time.Time

	// Applied is how many rules have arrived, also if they were known. Skipped
	// is how many couldn't be read. Kept is how many are kept to bring them back
	// to Redis.
	Applied, Skipped, Kept int

	// Err is the last failure, or nil if there was a success since.
	Err error
}

// Status returns the state of f.
func (f *Feed) Status() Status {
	s := Status{Late: true, Err: errNotMade}
	if f == nil || f.cfg.Client == nil {
		return s
	}
	err := f.lost()
	s = Status{Late: err != nil, Applied: int(f.applied.Load()), Skipped: int(f.skipped.Load()), Kept: f.kept.len(), Err: err}
	if t := f.contact.Load(); t != nil {
		s.Contact = *t
	}
	if failure := f.failure.Load(); failure != nil {
		s.Err = *failure
	}
	return s
}

var (
	errNotRunning = errors.New("redisrevocation: Run was not called")
	errNotRead    = errors.New("redisrevocation: the rules have not been read yet")
	errSetBack    = errors.New("redisrevocation: the clock was set back since the rules were last read")
	errNoRoom     = errors.New("redisrevocation: the List has no room for all rules; raise revocation.Config.Capacity")
)

// Current implements [revocation.Feed]. With Config.RejectIfLate it returns an
// error if the feed is late. Without it, it returns one until Run has read the
// rules, but no longer than MaxLag after Run was called.
func (f *Feed) Current() error {
	switch {
	case f == nil || f.cfg.Client == nil:
		return errNotMade
	case f.began.Load() == nil:
		return errNotRunning
	case f.cfg.RejectIfLate:
		return f.lost()
	case f.synced.Load():
		return nil
	}
	if f.cfg.Now().Sub(*f.began.Load()) < f.cfg.MaxLag {
		return errNotRead
	}
	return nil
}

// lost returns an error if the feed is late.
func (f *Feed) lost() error {
	switch contact := f.contact.Load(); {
	case f.began.Load() == nil:
		return errNotRunning
	case contact == nil:
		return errNotRead
	case f.full.Load():
		return errNoRoom
	default:
		lag := f.cfg.Now().Sub(*contact)
		if lag < -f.cfg.MaxLag {
			return errSetBack
		}
		if lag > f.cfg.MaxLag {
			return fmt.Errorf("redisrevocation: rules may be missing since %v, longer than Config.MaxLag", lag.Round(time.Millisecond))
		}
	}
	return nil
}

// current notes that nothing was missing at a time.
func (f *Feed) current(ctx context.Context, at time.Time) {
	f.contact.Store(&at)
	f.failure.Store(nil)
	if f.full.Load() {
		f.tellIfLate(ctx)
		return
	}
	if f.late.CompareAndSwap(true, false) {
		logging.Write(ctx, f.cfg.Logger, slog.LevelInfo, "the revocation feed is back")
		f.teller.Tell(ctx, observe.Event{Kind: observe.StateChanged, State: "current", Was: "late"})
	}
}

// tellIfLate logs that the feed is late, once.
func (f *Feed) tellIfLate(ctx context.Context) {
	err := f.lost()
	if errors.Is(err, errNotRead) && f.cfg.Now().Sub(*f.began.Load()) < f.cfg.MaxLag {
		return
	}
	if err == nil || !f.late.CompareAndSwap(false, true) {
		return
	}
	effect := "tokens that were revoked meanwhile are accepted"
	if f.cfg.RejectIfLate {
		effect = "requests get 503"
	}
	attrs := []slog.Attr{slog.String("effect", effect), slog.String("error", err.Error())}
	if failure := f.failure.Load(); failure != nil {
		attrs = append(attrs, slog.String("cause", (*failure).Error()))
	}
	logging.Write(ctx, f.cfg.Logger, slog.LevelWarn, "the revocation feed is late", attrs...)
	f.teller.Tell(ctx, observe.Event{Kind: observe.StateChanged, State: "late", Was: "current", Failing: true})
}
