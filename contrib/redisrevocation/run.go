package redisrevocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/revocation"
)

const (
	// maxBeat is how often, at least, the place in the stream is checked.
	maxBeat = time.Second
	// After a failure, Run waits from minWait to maxWait.
	minWait = 50 * time.Millisecond
	maxWait = 2 * time.Second
	// batch is how many rules one command reads or stores.
	batch = 500
	// fullAgain is how often rules are read again for which there was no room.
	fullAgain = time.Minute
)

// Run brings the rules of other replicas to list until ctx is done, and returns
// ctx's error. List must be that of whose Config the Feed is a part. The caller
// starts it as a goroutine. Until that has begun, every request gets 503. When
// it has ended, the feed is lost.
func (f *Feed) Run(ctx context.Context, list *revocation.List) error {
	if f == nil || f.cfg.Client == nil {
		return errNotMade
	}
	if list == nil {
		return errors.New("redisrevocation: the List is nil")
	}
	if !f.running.CompareAndSwap(false, true) {
		return errors.New("redisrevocation: Run is running already")
	}
	defer f.running.Store(false)
	now := f.cfg.Now()
	f.began.CompareAndSwap(nil, &now)
	r := &reader{feed: f, list: list}
	for wait := minWait; ctx.Err() == nil; {
		r.working = false
		err := f.follow(ctx, r)
		if ctx.Err() != nil {
			break
		}
		f.failure.Store(&err)
		f.tellIfLate(ctx)
		if r.working {
			wait = minWait
		}
		// Between half and all of it, so that replicas don't come all at once.
		timer := time.NewTimer(wait/2 + rand.N(wait/2)) //nolint:gosec // it spreads load
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		wait = min(2*wait, maxWait)
	}
	return ctx.Err()
}

// A reader is the state of Run.
type reader struct {
	feed    *Feed
	list    *revocation.List
	mark    string    // of the set
	place   string    // of the last entry that was read
	checked time.Time // when mark and place were
	filled  time.Time // when the set was read
	working bool      // there was a success since the last failure
}

// follow reads rules until an error. A panic of the Client is one, since it must
// not end the service.
func (f *Feed) follow(ctx context.Context, r *reader) (err error) {
	if panicked := fault.Contain(func() { err = r.follow(ctx) }); panicked != nil {
		return panicked
	}
	return err
}

func (r *reader) follow(ctx context.Context) error {
	r.checked = time.Time{} // whatever was, it is another connection
	for {
		if time.Since(r.checked) >= r.feed.beat() {
			if err := r.check(ctx); err != nil {
				return err
			}
		}
		if err := r.read(ctx); err != nil {
			return err
		}
	}
}

// check makes sure that nothing was lost: neither by the set, nor from the
// stream after the reader's place.
func (r *reader) check(ctx context.Context) error {
	f := r.feed
	began := f.cfg.Now()
	cmd, err := f.call(ctx, helloScript, newMark(), r.place)
	if err != nil {
		return err
	}
	mark, last, there, err := hello(cmd)
	if err != nil {
		return err
	}
	if mark != r.mark || !there || f.full.Load() && time.Since(r.filled) >= fullAgain {
		// The stream is read from where it ended before the set is read, so
		// nothing is missed in between.
		if err := r.fill(ctx); err != nil {
			return err
		}
		r.mark, r.place = mark, last
	}
	r.checked = time.Now()
	f.current(ctx, began)
	r.working = true
	return nil
}

func hello(cmd *redis.Cmd) (mark, last string, there bool, err error) {
	values, err := cmd.Slice()
	if err == nil && len(values) == 3 {
		var ok [3]bool
		var n int64
		mark, ok[0] = values[0].(string)
		last, ok[1] = values[1].(string)
		n, ok[2] = values[2].(int64)
		if ok == [3]bool{true, true, true} {
			return mark, last, n == 1, nil
		}
	}
	return "", "", false, fmt.Errorf("redisrevocation: an unexpected answer: %w", err)
}

// fill stores what Redis has lost, and reads the set. The order matters to those
// that start later.
func (r *reader) fill(ctx context.Context) error {
	f := r.feed
	if r.mark != "" { // not at the start, when Redis has lost nothing that f has
		for live := f.kept.live(f.cfg.Now()); len(live) > 0; {
			n := min(batch, len(live))
			missing, err := r.missing(ctx, live[:n])
			if err != nil {
				return err
			}
			if len(missing) > 0 {
				if err := f.store(ctx, missing); err != nil {
					return err
				}
			}
			live = live[n:]
		}
	}
	f.full.Store(false)
	for cursor := "0"; ; {
		scan := redis.NewCmd(ctx, "zscan", f.rules, cursor, "count", batch)
		if err := f.process(ctx, scan); err != nil {
			return err
		}
		next, members, err := scanned(scan)
		if err != nil {
			return err
		}
		for i := 0; i < len(members); i += 2 {
			if member, ok := members[i].(string); ok && !strings.HasPrefix(member, "mark:") {
				r.apply(ctx, member)
			}
		}
		if next == "0" {
			r.filled = time.Now()
			f.synced.Store(true)
			return nil
		}
		cursor = next
	}
}

func scanned(cmd *redis.Cmd) (next string, members []any, err error) {
	values, err := cmd.Slice()
	if err == nil && len(values) == 2 {
		next, isText := values[0].(string)
		members, isList := values[1].([]any)
		if isText && isList {
			return next, members, nil
		}
	}
	return "", nil, fmt.Errorf("redisrevocation: an unexpected answer: %w", err)
}

// missing returns those of the entries that the set doesn't have.
func (r *reader) missing(ctx context.Context, entries []entry) ([]entry, error) {
	args := []any{"zmscore", r.feed.rules}
	for _, e := range entries {
		args = append(args, e.record)
	}
	cmd := redis.NewCmd(ctx, args...)
	if err := r.feed.process(ctx, cmd); err != nil {
		return nil, err
	}
	scores, err := cmd.Slice()
	if err != nil || len(scores) != len(entries) {
		return nil, fmt.Errorf("redisrevocation: an unexpected answer: %w", err)
	}
	var missing []entry
	for i, score := range scores {
		if score == nil {
			missing = append(missing, entries[i])
		}
	}
	return missing, nil
}

// beat is how often the place in the stream is checked, and how long a command
// waits for rules.
func (f *Feed) beat() time.Duration { return min(maxBeat, f.cfg.MaxLag/4) }

// read waits for rules, and reads those that there are.
func (r *reader) read(ctx context.Context) error {
	f := r.feed
	waiting, cancel := context.WithTimeout(ctx, f.beat()+f.cfg.Timeout)
	defer cancel()
	err := f.cfg.Client.XRead(waiting, &redis.XReadArgs{Streams: []string{f.stream, r.place}, Count: 1, Block: f.beat()}).Err()
	if errors.Is(err, redis.Nil) { // none in that time
		return nil
	}
	if err != nil {
		return fmt.Errorf("redisrevocation: %w", err)
	}
	for {
		// Again, and from the place on that was read: if that is gone, so may be
		// what came after it.
		messages := redis.NewXMessageSliceCmd(ctx, "xrange", f.stream, r.place, "+", "count", batch+1)
		if err := f.process(ctx, messages); err != nil {
			return err
		}
		all := messages.Val()
		if len(all) == 0 || all[0].ID != r.place {
			r.place, r.checked = "", time.Time{}
			return nil // check reads the set
		}
		for _, message := range all[1:] {
			if text, ok := message.Values["r"].(string); ok {
				r.apply(ctx, text)
			}
			r.place = message.ID
		}
		if len(all) <= batch {
			return nil
		}
	}
}

// apply adds a rule to the List.
func (r *reader) apply(ctx context.Context, text string) {
	f := r.feed
	rule, err := decode(text)
	if err == nil {
		err = r.list.Apply(rule)
	}
	switch {
	case err == nil:
		f.kept.add(text, rule.Until)
		f.applied.Add(1)
		return
	case errors.Is(err, revocation.ErrFull):
		f.full.Store(true)
	default:
		f.skipped.Add(1)
	}
	now := f.cfg.Now().UnixNano()
	if last := f.warned.Load(); (last == 0 || now-last > int64(time.Minute)) && f.warned.CompareAndSwap(last, now) {
		logging.Write(ctx, f.cfg.Logger, slog.LevelWarn, "a revocation was not applied", slog.String("error", err.Error()))
	}
}
