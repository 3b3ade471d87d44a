package clientauth

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
)

// A shared is a Store and what is known of it.
type shared struct {
	store   Store
	seal    seal
	timeout time.Duration
	slots   chan struct{} // one for each call in progress

	failing  atomic.Bool
	reported atomic.Int64 // in Unix nanoseconds
}

// newShared returns the Store of cfg, if there is one, and takes the keys out of
// cfg.
func newShared(cfg *Config) (*shared, error) {
	if cfg.Store == nil {
		return nil, nil //nolint:nilnil // nothing is shared
	}
	s, err := newSeal(cfg.StoreKeys)
	if err != nil {
		return nil, err
	}
	cfg.StoreKeys = nil
	return &shared{store: cfg.Store, seal: s, timeout: cfg.Timeout / 10, slots: make(chan struct{}, maxRunning)}, nil
}

var errHangs = errors.New("earlier calls have not returned")

// call bounds one call of the Store, whatever it does.
func (s *shared) call(ctx context.Context, run func(ctx context.Context) error) error {
	select {
	case s.slots <- struct{}{}:
	default:
		return errHangs
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := errors.New("the call ended its goroutine")
		defer func() {
			<-s.slots
			ended <- err
		}()
		if panicked := fault.Contain(func() { err = run(ctx) }); panicked != nil {
			err = panicked
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noteStore writes one record when the Store begins to fail, and one when it
// answers again.
func (c *state) noteStore(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // the time is up, which says nothing about the Store
	}
	if err == nil {
		if c.shared.failing.CompareAndSwap(true, false) {
			c.tell(slog.LevelInfo, "clientauth: the store answers again", slog.String("client_id", c.cfg.ClientID))
		}
		return
	}
	if c.shared.failing.CompareAndSwap(false, true) {
		c.tell(slog.LevelWarn, "clientauth: the store fails, so tokens are not shared",
			slog.String("client_id", c.cfg.ClientID), slog.String("error", cut(err.Error())))
	}
}

// report writes that a value is not used, at most once a minute.
func (c *state) report(why string) {
	now := c.cfg.Now()
	before := c.shared.reported.Load()
	if before != 0 && between(time.Unix(0, before), now) < reportAgain || !c.shared.reported.CompareAndSwap(before, now.UnixNano()) {
		return
	}
	c.tell(slog.LevelWarn, "clientauth: a stored token is not used", slog.String("client_id", c.cfg.ClientID), slog.String("error", why))
}
