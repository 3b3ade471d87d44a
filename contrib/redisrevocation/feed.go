// Package redisrevocation carries the rules of a revocation.List to all
// replicas of a service, by Redis 7 or Valkey.
//
//	client := redis.NewClient(&redis.Options{
//		Addr:                  "redis.internal:6379",
//		ContextTimeoutEnabled: true,
//		MaxRetries:            -1,
//	})
//	feed, err := redisrevocation.New(redisrevocation.Config{Client: client})
//	list, err := revocation.New(revocation.Config{Feed: feed})
//	auth, err := middleware.New(middleware.Config{Validator: v, Revocations: list})
//	go feed.Run(ctx, list)
//
// Every replica has all rules in memory, so a request waits for nothing. A rule
// is stored in a sorted set of those in force, by its end, and in a stream that
// every replica reads. One that starts, or has lost its place in the stream,
// reads the set.
//
// # What can go wrong
//
// While Redis is down, no rule arrives and List.Revoke returns an error. Rules
// that are known stay in force. After Config.MaxLag, [Feed.Status] says that the
// feed is late, and Config.RejectIfLate decides what happens to requests.
//
// A failover can lose the rules of its last moments, and a Redis without
// persistence loses all of them when it restarts. A replica notices, because
// the mark of the set has changed or its place in the stream is gone. It then
// stores those of the latest Config.Resend rules that are missing. What is lost
// for good are rules that no running replica has kept. With maxmemory, use the
// policy noeviction. Keys that were evicted are stored again in the same way,
// but a replica that starts before that doesn't know of them.
//
// Times in rules are those of the process that has revoked. Redis removes a rule
// an hour after its end by its own clock, so clocks may differ by so much. Rules
// may arrive in any order and more than once.
//
// A program that can write to the Redis can revoke tokens and delete rules, so
// the Redis must be the service's own. The values of rules, such as subjects,
// are stored as they are.
package redisrevocation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/revocation"
)

const (
	// afterEnd is how long Redis has a rule after its Until. A List has it for
	// 10 minutes, and clocks differ.
	afterEnd = time.Hour
	// maxStream is about how many rules the stream has. A replica that is
	// further behind reads the set.
	maxStream = 10_000
	// maxRules is how many records the set has at most.
	maxRules = 4 << 20
)

// ErrFull is the error of Publish if Redis has over 4 million rules.
var ErrFull = errors.New("redisrevocation: Redis has too many rules that have not ended")

// A Feed is a [revocation.Feed]. Make one with [New]. It is safe for concurrent
// use, and must not be copied.
type Feed struct {
	cfg    Config
	rules  string // the key of the sorted set
	stream string
	kept   kept
	teller observing.Teller

	running atomic.Bool
	began   atomic.Pointer[time.Time] // when Run was first called
	contact atomic.Pointer[time.Time] // when nothing was missing for the last time
	synced  atomic.Bool               // the rules have been read
	full    atomic.Bool               // of which the List had no room for all
	late    atomic.Bool               // as it was logged
	applied atomic.Int64
	skipped atomic.Int64
	failure atomic.Pointer[error] // the last one, until the next success
	warned  atomic.Int64          // when an unreadable record was logged, in Unix nanoseconds
}

var _ revocation.Feed = (*Feed)(nil)

// New returns a Feed for cfg. It does no I/O. The error joins all faults of
// cfg.
func New(cfg Config) (*Feed, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Feed{
		cfg: cfg, rules: "{" + cfg.Prefix + "}rules", stream: "{" + cfg.Prefix + "}stream",
		kept:   kept{most: cfg.Resend},
		teller: observing.Teller{Observe: cfg.Observe, Logger: cfg.Logger, Now: cfg.Now, Part: observe.Revocation, Name: cfg.Prefix},
	}, nil
}

// The scripts have both keys: the set of rules and the stream. A rule that is
// in the set is in the stream too, or was, because a script is carried out and
// replicated as a whole. The set's mark is a member with the score inf, which no
// rule has.
//
// publishScript has as arguments pairs of a record and its score, the length of
// the stream, and the size of the set. It removes rules that have ended, a few
// at a time.
const publishScript = `
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. redis.call('TIME')[1], 'LIMIT', 0, 100)
if #ended > 0 then redis.call('ZREM', KEYS[1], unpack(ended)) end
local n = #ARGV
for i = 1, n - 2, 2 do
	if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then
		if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[n]) then return -1 end
		redis.call('ZADD', KEYS[1], ARGV[i+1], ARGV[i])
		redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[n-1], '*', 'r', ARGV[i])
	end
end
return 0`

// helloScript has as arguments a new mark, and the place of the reader in the
// stream. It returns the mark, the place of the last entry, and whether the
// reader's place is still there. A stream without an entry gets one, so that
// every reader has a place. It writes, so it fails on a replica.
const helloScript = `
local mark = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', '+inf')[1]
if not mark then
	mark = ARGV[1]
	redis.call('ZADD', KEYS[1], '+inf', mark)
end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
last = last and last[1] or redis.call('XADD', KEYS[2], '*', 'mark', mark)
local there = 0
if ARGV[2] ~= '' and #redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2]) > 0 then there = 1 end
return {mark, last, there}`

// call runs a script.
func (f *Feed) call(ctx context.Context, script string, args ...any) (*redis.Cmd, error) {
	cmd := redis.NewCmd(ctx, append([]any{"eval", script, 2, f.rules, f.stream}, args...)...)
	return cmd, f.process(ctx, cmd)
}

func (f *Feed) process(ctx context.Context, cmd redis.Cmder) error {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Timeout)
	defer cancel()
	request := f.teller.Begin(ctx, observe.Feed, "")
	err := f.cfg.Client.Process(ctx, cmd)
	if request.On() {
		outcome := observe.OK
		switch {
		case err == nil:
		case isTimeout(err):
			outcome = observe.Timeout
		case errors.Is(err, context.Canceled):
			outcome = observe.Canceled
		default:
			outcome = observe.Failed
		}
		request.End(ctx, outcome, 0, 0)
	}
	if err != nil {
		return fmt.Errorf("redisrevocation: %w", err)
	}
	return nil
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.Timeout()
}

// Publish implements [revocation.Feed]. It returns when Redis has the rule,
// which a failover may still lose. The error is [ErrFull], or that of the
// client, of ctx or of the Timeout. A command whose answer is lost may have been
// carried out.
func (f *Feed) Publish(ctx context.Context, rule revocation.Rule) error {
	if f == nil || f.cfg.Client == nil {
		return errNotMade
	}
	text, err := encode(rule)
	if err != nil {
		return err
	}
	f.kept.add(text, rule.Until) // first, so that nothing can lose it in between
	return f.store(ctx, []entry{{text, rule.Until.Unix()}})
}

var errNotMade = errors.New("redisrevocation: the Feed was not made by New")

func (f *Feed) store(ctx context.Context, entries []entry) error {
	args := make([]any, 0, 2*len(entries)+2)
	for _, e := range entries {
		args = append(args, e.record, strconv.FormatInt(e.until+int64(afterEnd/time.Second), 10))
	}
	cmd, err := f.call(ctx, publishScript, append(args, maxStream, maxRules)...)
	if err != nil {
		return err
	}
	if n, err := cmd.Int(); err != nil {
		return fmt.Errorf("redisrevocation: %w", err)
	} else if n < 0 {
		return ErrFull
	}
	return nil
}

// newMark returns a mark for a set that has none.
func newMark() string { return "mark:" + rand.Text() }
