package redisjwks

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// A store coordinates the fetches of processes. It counts those that begin, so
// that a response is known to be of a fetch that began later than a request,
// without comparing the clocks of two machines. All times are by its own clock.
type store interface {
	// begin returns what is stored, and whether the caller is to fetch.
	begin(ctx context.Context, q query) (found, error)
	// end stores the outcome of a fetch.
	end(ctx context.Context, e ending) error
}

// Values of query.after besides a number of a fetch.
const (
	anyTime = -1
	fromNow = -2 // any fetch that has not yet begun
)

type query struct {
	name                   string
	after                  int64 // the response must be of a fetch that began after this one
	ignoreGood, ignoreFail int64 // the numbers of fetches whose outcome is unusable
	maxAge, interval, keep time.Duration
}

type found struct {
	granted bool  // the caller is to fetch
	fresh   bool  // good is what the query wants
	failing bool  // the last fetch failed, and the next must wait
	leased  bool  // another process is fetching
	after   int64 // the query's, as a number
	seq     int64 // of the fetch that is granted
	now     int64 // by the store's clock, in milliseconds
	wait    time.Duration

	good, fail       []byte // the last ones, also if they are too old
	goodSeq, failSeq int64
}

type ending struct {
	name      string
	seq       int64
	began     int64 // found.now
	blob      []byte
	failedFor time.Duration // zero for a success
	keep      time.Duration
}

// A redisStore keeps one hash for each URL.
type redisStore struct {
	client interface {
		Process(ctx context.Context, cmd redis.Cmder) error
	}
	timeout time.Duration
}

// beginScript decides alone, so that one of many processes fetches. A time that
// is farther ahead than it can be, after Redis's clock was set back, counts as
// passed.
const beginScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local after, maxage, interval, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, ignoregood, ignorefail, keep, maxfail = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])
local h = redis.call('HMGET', KEYS[1], 'seq', 'lease', 'next', 'goodseq', 'goodat', 'failseq', 'failuntil')
for i = 1, 7 do h[i] = tonumber(h[i] or 0) or 0 end
local goodseq, goodat, failseq, failuntil = h[4], h[5], h[6], h[7]
local seq = math.max(h[1], goodseq, failseq)
local leased, nextat = h[2], h[3]
if leased > now + lease then leased = 0 end
if nextat > now + interval then nextat = 0 end
if failuntil > now + maxfail then failuntil = 0 end
local good, fail = '', ''
if goodseq > 0 and goodseq ~= ignoregood and redis.call('HSTRLEN', KEYS[1], 'good') <= limit then
  good = redis.call('HGET', KEYS[1], 'good') or ''
end
if failseq > 0 and failseq ~= ignorefail and redis.call('HSTRLEN', KEYS[1], 'fail') <= limit then
  fail = redis.call('HGET', KEYS[1], 'fail') or ''
end
if after == -2 then after = seq end
local fresh, failing, granted, held, wait = 0, 0, 0, 0, 0
if good ~= '' and ((after >= 0 and goodseq > after) or (after < 0 and goodat <= now and now - goodat < maxage)) then
  fresh = 1
elseif fail ~= '' and failuntil > now then
  failing = 1
  wait = failuntil - now
elseif leased > now then
  held = 1
  wait = leased - now
elseif nextat > now then
  wait = nextat - now
else
  granted = 1
  seq = seq + 1
  redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', seq), 'lease', string.format('%.0f', now + lease),
    'next', string.format('%.0f', now + interval))
  redis.call('PEXPIRE', KEYS[1], keep)
end
return {granted, fresh, failing, held, after, seq, now, wait, goodseq, failseq, good, fail}
`

// endScript lets an earlier fetch that ends late replace nothing of a later
// one.
const endScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local seq, failedfor = tonumber(ARGV[1]), tonumber(ARGV[4])
local h = redis.call('HMGET', KEYS[1], 'seq', 'goodseq', 'failseq')
for i = 1, 3 do h[i] = tonumber(h[i] or 0) or 0 end
if failedfor == 0 then
  if seq > h[2] then redis.call('HSET', KEYS[1], 'good', ARGV[3], 'goodseq', ARGV[1], 'goodat', ARGV[2]) end
  if seq > h[3] then redis.call('HDEL', KEYS[1], 'fail', 'failseq', 'failuntil') end
elseif seq > h[2] and seq > h[3] then
  redis.call('HSET', KEYS[1], 'fail', ARGV[3], 'failseq', ARGV[1], 'failuntil', string.format('%.0f', now + failedfor))
end
if seq >= h[1] then redis.call('HDEL', KEYS[1], 'lease') end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
`

func (s *redisStore) begin(ctx context.Context, q query) (found, error) {
	values, err := s.eval(ctx, beginScript, q.name, q.after, q.maxAge.Milliseconds(), q.interval.Milliseconds(), lease.Milliseconds(),
		maxStored, q.ignoreGood, q.ignoreFail, q.keep.Milliseconds(), max(maxFailure, q.interval).Milliseconds()).Slice()
	if err != nil {
		return found{}, fmt.Errorf("redisjwks: %w", err)
	}
	return decode(values)
}

var errAnswer = errors.New("redisjwks: the answer of the script is not what it returns")

func decode(values []any) (found, error) {
	const numbers = 10
	if len(values) != numbers+2 {
		return found{}, errAnswer
	}
	var n [numbers]int64
	for i := range n {
		var ok bool
		if n[i], ok = values[i].(int64); !ok {
			return found{}, errAnswer
		}
	}
	good, ok1 := values[numbers].(string)
	fail, ok2 := values[numbers+1].(string)
	if !ok1 || !ok2 {
		return found{}, errAnswer
	}
	return found{
		granted: n[0] == 1, fresh: n[1] == 1, failing: n[2] == 1, leased: n[3] == 1, after: n[4], seq: n[5], now: n[6],
		wait: time.Duration(n[7]) * time.Millisecond, goodSeq: n[8], failSeq: n[9], good: []byte(good), fail: []byte(fail),
	}, nil
}

func (s *redisStore) end(ctx context.Context, e ending) error {
	err := s.eval(ctx, endScript, e.name, strconv.FormatInt(e.seq, 10), strconv.FormatInt(e.began, 10), e.blob,
		e.failedFor.Milliseconds(), e.keep.Milliseconds()).Err()
	if err != nil {
		return fmt.Errorf("redisjwks: %w", err)
	}
	return nil
}

func (s *redisStore) eval(ctx context.Context, script, name string, args ...any) *redis.Cmd {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	cmd := redis.NewCmd(ctx, append([]any{"eval", script, 1, name}, args...)...)
	if err := s.client.Process(ctx, cmd); err != nil && cmd.Err() == nil {
		cmd.SetErr(err)
	}
	return cmd
}
