package revocation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/validator"
)

// Watch returns a channel that is closed when a token with these claims is
// revoked or ends, and when ctx is done. It is for what lasts longer than a
// request usually does, such as a WebSocket. [List.WatchContext] tells why the
// channel was closed. If the token can't be watched, the channel is closed at
// once.
func (l *List) Watch(ctx context.Context, c *validator.Claims) <-chan struct{} {
	watched, err := l.WatchContext(ctx, c)
	if err != nil {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	return watched.Done()
}

// WatchContext returns a copy of ctx that is done when a token with these claims
// would no longer be accepted. Its [context.Cause] then is a
// [*validator.Error] with one of these codes:
//
//   - [validator.CodeRevoked] once a rule names the token. It is done before
//     [List.Revoke] returns, and on other replicas as soon as they have the
//     rule. If the rule names over a thousand watched tokens, the others end one
//     after the other in the background, and Revoke waits for that until its
//     context is done.
//   - [validator.CodeExpired] at [validator.Claims.AcceptedUntil] by Config.Now.
//     If that clock steps, it is done within a second. Claims without ExpiresAt
//     do not expire.
//   - [validator.CodeUnavailable] within a second if the Feed says that tokens
//     must not be accepted, or Config.Now returns the zero time, and
//     [validator.CodeInternal] if one of them panics.
//
// The claims must be verified, and not change. Each watch ends with ctx, so ctx
// should end with what the token was accepted for. A watch of a ctx that never
// ends takes up its place until the token ends.
//
// There is one timer for all watches, and no goroutine but the one that ends
// many. The error has the same codes for a token that is not accepted any more,
// and CodeUnavailable if Config.MaxWatches tokens are watched.
func (l *List) WatchContext(ctx context.Context, c *validator.Claims) (context.Context, error) {
	if l == nil || l.key == nil {
		return nil, unavailable(errNotMade)
	}
	watched, cancel := context.WithCancelCause(ctx)
	select {
	case <-ctx.Done():
		cancel(nil)
		return watched, nil
	default:
	}
	w := &watch{claims: c, until: c.AcceptedUntil(), cancel: cancel}
	err := l.begin(w)
	if err == nil {
		// A rule that is added from here on finds w, and one from before is
		// found here.
		err = l.verdict(w)
	}
	if err != nil {
		l.watches.remove(w)
		cancel(err)
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { l.watches.remove(w) })
	l.watches.attach(w, stop)
	return watched, nil
}

// begin puts w among the watches.
func (l *List) begin(w *watch) error {
	now, err := l.timeFor(w)
	if err != nil {
		return err
	}
	keys := make([]uint64, 0, dimensions+3)
	keys = append(keys, l.key.issuerKey(w.claims.Issuer))
	subject, clientID := actorOf(w.claims)
	for d, value := range [...]string{w.claims.ID, w.claims.Subject, w.claims.SessionID, w.claims.ClientID, w.claims.OrgID, subject} {
		if value != "" {
			keys = append(keys, l.key.value(dimension(d), value))
		}
	}
	if clientID != "" && clientID != subject {
		keys = append(keys, l.key.value(byActor, clientID))
	}
	if !l.watches.add(w, keys, l.cfg.MaxWatches) {
		return unavailable(fmt.Errorf("%d tokens are watched, which is Config.MaxWatches", l.cfg.MaxWatches))
	}
	l.watches.wake(pause(now, w.until), l.tick)
	return nil
}

// timeFor returns the time, or the error of a token that has ended by it.
func (l *List) timeFor(w *watch) (now time.Time, err error) {
	if panicked := fault.Contain(func() { now, err = l.now() }); panicked != nil {
		return now, &validator.Error{Code: validator.CodeInternal, Err: panicked}
	}
	if err != nil {
		return now, unavailable(err)
	}
	if w != nil && w.hasEnded(now) {
		return now, w.expired()
	}
	return now, nil
}

func (w *watch) expired() error {
	return &validator.Error{Code: validator.CodeExpired, Err: errors.New("the token of a request that goes on has expired: exp is " +
		w.claims.ExpiresAt.UTC().Format(time.RFC3339))}
}

// verdict returns why a token is not accepted any more, or nil.
func (l *List) verdict(w *watch) (err error) {
	if panicked := fault.Contain(func() { err = l.Check(context.Background(), w.claims) }); panicked != nil {
		return &validator.Error{Code: validator.CodeInternal, Err: panicked}
	}
	return err
}

// tick ends the watches of tokens that have ended. It is called by the timer.
func (l *List) tick() {
	now, err := l.timeFor(nil)
	if err == nil && l.cfg.Feed != nil {
		if panicked := fault.Contain(func() { err = l.cfg.Feed.Current() }); panicked != nil {
			err = &validator.Error{Code: validator.CodeInternal, Err: panicked}
		} else if err != nil {
			err = unavailable(err)
		}
	}
	if err != nil {
		l.endAll(err)
	} else {
		l.endExpired(now)
	}
	l.watches.sleep(now)
}
