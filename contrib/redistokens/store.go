package redistokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/clientauth"
)

// Each name is one hash with the fields value, holder, and until, when the
// lease ends by the clock of Redis.

// loadScript returns no value that is too large, before it is sent.
const loadScript = `
if redis.call('HSTRLEN', KEYS[1], 'value') > tonumber(ARGV[1]) then return false end
return redis.call('HGET', KEYS[1], 'value')
`

// leaseScript grants a lease if there is none, or if it is farther ahead than
// one can be, after Redis's clock was set back.
const leaseScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease = tonumber(ARGV[2])
local until_ = tonumber(redis.call('HGET', KEYS[1], 'until') or 0) or 0
if until_ > now and until_ <= now + lease then return 0 end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + lease))
if redis.call('PTTL', KEYS[1]) < lease then redis.call('PEXPIRE', KEYS[1], lease) end
return 1
`

// saveScript takes the lease of its holder alone. A key of another type is in
// the way, and goes.
const saveScript = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then redis.call('HDEL', KEYS[1], 'holder', 'until') end
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'value', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
`

// Load implements [clientauth.Store]. The error is that of the client, of ctx
// or of the Timeout.
func (s *Store) Load(ctx context.Context, name string) ([]byte, error) {
	text, err := s.eval(ctx, loadScript, name, clientauth.MaxStored).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("redistokens: %w", err)
	}
	return []byte(text), nil
}

// Lease implements [clientauth.Store].
func (s *Store) Lease(ctx context.Context, name, holder string, lease time.Duration) (bool, error) {
	granted, err := s.eval(ctx, leaseScript, name, holder, max(lease.Milliseconds(), 1)).Int()
	if err != nil {
		return false, fmt.Errorf("redistokens: %w", err)
	}
	return granted == 1, nil
}

// Save implements [clientauth.Store].
func (s *Store) Save(ctx context.Context, name, holder string, value []byte, life time.Duration) error {
	if err := s.eval(ctx, saveScript, name, holder, value, max(life.Milliseconds(), 1)).Err(); err != nil {
		return fmt.Errorf("redistokens: %w", err)
	}
	return nil
}

// Ping asks Redis for an answer within the Timeout, for a probe of readiness.
// It returns the error of the client, of ctx or of the Timeout. A service
// without Redis has tokens all the same, so it is rarely unready then.
func (s *Store) Ping(ctx context.Context) error {
	if s.cfg.Client == nil {
		return errNotMade
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if err := s.cfg.Client.Process(ctx, redis.NewStatusCmd(ctx, "ping")); err != nil {
		return fmt.Errorf("redistokens: %w", err)
	}
	return nil
}

var errNotMade = errors.New("the Store was not made by New")

func (s *Store) eval(ctx context.Context, script, name string, args ...any) *redis.Cmd {
	if s.cfg.Client == nil {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(errNotMade)
		return cmd
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	cmd := redis.NewCmd(ctx, append([]any{"eval", script, 1, s.cfg.Prefix + name}, args...)...)
	if err := s.cfg.Client.Process(ctx, cmd); err != nil && cmd.Err() == nil {
		cmd.SetErr(err)
	}
	return cmd
}
