// Package redisreplay remembers DPoP proofs in Redis or Valkey, so that the
// servers of one API together accept each proof only once.
//
//	client := redis.NewClient(&redis.Options{
//		Addr:                  "redis.internal:6379",
//		ContextTimeoutEnabled: true,
//		MaxRetries:            -1,
//	})
//	replays, err := redisreplay.New(redisreplay.Config{Client: client})
//	proofs, err := dpop.New(dpop.Config{Replays: replays})
//
// Each proof takes one command, SET with NX and PX, which is atomic, and one
// key, which Redis removes by itself. With maxmemory, use the policy
// noeviction, since a proof whose key is evicted can be used again. Replication
// is asynchronous, so a failover can lose the proofs of the last moments.
//
// Redis removes keys by its own clock. If the clock of a server is set back by
// more than ClockSkew, its Store can't know which of the proofs that become
// valid again were used before. For these it returns an error, and their
// requests get 503, until the clock is where it was. A Store that is made after
// such a step doesn't know of it.
package redisreplay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/observe"
)

// The defaults of a [Config].
const (
	DefaultPrefix  = "rsguard:dpop:"
	DefaultTimeout = 250 * time.Millisecond

	DefaultClockSkew = time.Minute
)

// maxTimeout is the largest Config.Timeout.
const maxTimeout = 10 * time.Second

// A Config says how Redis is used. Client is required. The zero value of every
// other field is its default.
type Config struct {
	// Client is a *redis.Client, *redis.ClusterClient or *redis.Ring. The
	// caller makes, shares and closes it. Each command has a single key, so a
	// cluster needs no hash tags.
	//
	// Its options must have ContextTimeoutEnabled. Without it, Timeout would
	// have no effect. MaxRetries should be -1. Otherwise, if a response is
	// lost, the client repeats a command that was carried out, and a new proof
	// looks used.
	Client interface {
		Process(ctx context.Context, cmd redis.Cmder) error
	}

	// Prefix begins each key. If empty, [DefaultPrefix] is used. Services that
	// share a Redis should have different ones. Otherwise they reject each
	// other's proofs, which is safe.
	Prefix string

	// Timeout bounds how long a request waits for Redis. If zero,
	// [DefaultTimeout] is used. A negative value and more than 10 seconds are
	// errors.
	Timeout time.Duration

	// ClockSkew is the largest difference between the clocks of the servers
	// that share the Redis. A key is kept that much longer, because a server
	// whose clock is behind accepts a proof that much longer. If zero,
	// [DefaultClockSkew] is used. If negative, none.
	ClockSkew time.Duration

	// Observe is told of each command when it begins and when it ends, and of
	// changes of the state: "UP" or "DOWN", as the last command ended. Before
	// the first one it is "". It is called with the context of the request, by
	// many goroutines at a time, and must return soon, since the request waits
	// for it. A panic is contained and logged to [slog.Default]. If nil, nothing
	// is told, and nothing is allocated for it.
	Observe func(context.Context, observe.Event)

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time
}

// A Store is a [dpop.ReplayStore]. Make one with [New]. It is safe for
// concurrent use.
type Store struct {
	cfg    Config
	clock  *clock
	teller *observing.Teller
	state  *atomic.Pointer[string] // that Observe was told of
}

// A clock notices if it is set back. Its fields are in Unix nanoseconds, and
// only grow.
type clock struct {
	latest   atomic.Int64 // the latest time read
	farthest atomic.Int64 // the expiry of a key
	unknown  atomic.Int64 // keys that expire until then may have been forgotten
}

var _ dpop.ReplayStore = (*Store)(nil)

// New returns a Store for cfg. It does no I/O. The error joins all faults of
// cfg.
func New(cfg Config) (*Store, error) {
	var errs []error
	if isnil.Value(cfg.Client) {
		errs = append(errs, errors.New("redisreplay: Config.Client is nil"))
	} else if !heedsContexts(cfg.Client) {
		errs = append(errs, errors.New("redisreplay: Config.Client has options without ContextTimeoutEnabled"))
	}
	if cfg.Timeout < 0 || cfg.Timeout > maxTimeout {
		errs = append(errs, fmt.Errorf("redisreplay: Config.Timeout is %v; it must not be negative or over %v", cfg.Timeout, maxTimeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	cfg.ClockSkew = max(cmp.Or(cfg.ClockSkew, DefaultClockSkew), 0)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg, new(clock), newTeller(&cfg), new(atomic.Pointer[string])}
	s.state.Store(&unknown)
	return s, nil
}

// heedsContexts reports whether a deadline ends a client's wait. For other
// types of client it reports true.
func heedsContexts(client any) bool {
	switch client := client.(type) {
	case *redis.Client:
		return client.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return client.Options().ContextTimeoutEnabled
	case *redis.Ring:
		return client.Options().ContextTimeoutEnabled
	}
	return true
}

// Add implements [dpop.ReplayStore]. The error is that of the client, of ctx or
// of the Timeout.
//
// A command whose answer is lost may have been carried out. The proof is then
// used, and is rejected if the client sends it again. A client must make a new
// proof for each attempt (RFC 9449, Section 7.3).
func (s *Store) Add(ctx context.Context, key string, expires time.Time) (bool, error) {
	if s.cfg.Client == nil {
		return false, errNotMade
	}
	now, err := s.checkClock(expires)
	if err != nil {
		return false, err
	}
	lifetime := expires.Sub(now)
	if lifetime <= 0 {
		return false, nil
	}
	// PX counts milliseconds, so the time is rounded up.
	milliseconds := (lifetime + s.cfg.ClockSkew).Milliseconds() + 1

	return s.set(ctx, s.cfg.Prefix+key, milliseconds)
}

// set sends the command, and reports whether the key is new.
func (s *Store) set(ctx context.Context, key string, milliseconds int64) (isNew bool, err error) {
	request := s.teller.Begin(ctx, observe.AddProof, addressOf(s.cfg.Client))
	defer func(ctx context.Context) { s.tellEnd(ctx, &request, err) }(ctx)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	err = errEnded // until it is known
	set := redis.NewStatusCmd(ctx, "set", key, "", "nx", "px", milliseconds)
	switch err = s.cfg.Client.Process(ctx, set); {
	case errors.Is(err, redis.Nil): // the key was there
		return false, nil
	case err != nil:
		return false, fmt.Errorf("redisreplay: %w", err)
	}
	return true, nil
}

// Ping asks Redis for an answer within the Timeout, for a probe of readiness.
// It returns the error of the client, of ctx or of the Timeout. A cluster's
// answer is that of one node.
func (s *Store) Ping(ctx context.Context) error {
	if s.cfg.Client == nil {
		return errNotMade
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if err := s.cfg.Client.Process(ctx, redis.NewStatusCmd(ctx, "ping")); err != nil {
		return fmt.Errorf("redisreplay: %w", err)
	}
	return nil
}

var (
	errNotMade = errors.New("redisreplay: the Store was not made by New")
	errEnded   = errors.New("redisreplay: the command was ended from within")
)

// checkClock returns the time. It returns an error if a key with that expiry
// may have been removed too early, because the clock was set back since it was
// added.
func (s *Store) checkClock(expires time.Time) (time.Time, error) {
	latest := s.clock.latest.Load() // before the clock is read, so that no other call can be ahead
	now := s.cfg.Now()
	if behind := latest - now.UnixNano(); latest != 0 && behind > int64(s.cfg.ClockSkew) { // for which keys are kept longer
		raise(&s.clock.unknown, s.clock.farthest.Load())
	}
	raise(&s.clock.latest, now.UnixNano())
	if expires.UnixNano() <= s.clock.unknown.Load() {
		return now, errClock
	}
	raise(&s.clock.farthest, expires.UnixNano())
	return now, nil
}

var errClock = errors.New("redisreplay: the clock was set back: which proofs were used can't be told until it is where it was")

// raise sets v to n if n is larger.
func raise(v *atomic.Int64, n int64) {
	for old := v.Load(); old < n && !v.CompareAndSwap(old, n); {
		old = v.Load()
	}
}
