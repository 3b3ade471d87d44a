package redisjwks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/outbound"
)

// The defaults of a [Config].
const (
	DefaultPrefix   = "rsguard:jwks:"
	DefaultTimeout  = 250 * time.Millisecond
	DefaultInterval = time.Second
	DefaultMaxAge   = time.Minute
	DefaultMaxStale = 24 * time.Hour
)

// maxTimeout is the largest Config.Timeout, and minKey the shortest Config.Key.
const (
	maxTimeout = 10 * time.Second
	minKey     = 32
)

// A Config says how Redis is used. Client is required, and so is Key, unless
// InsecureUnsealed is set. The zero value of every other field is its default.
type Config struct {
	// Client is a *redis.Client, *redis.ClusterClient or *redis.Ring. The
	// caller makes, shares and closes it. Each command is a script (EVAL) with
	// one key, so a cluster needs no hash tags.
	//
	// Its options must have ContextTimeoutEnabled. Without it, Timeout would
	// have no effect. MaxRetries should be -1.
	Client interface {
		Process(ctx context.Context, cmd redis.Cmder) error
	}

	// Key seals what is stored. It is a secret of at least 32 random bytes that
	// the processes share. Processes with different Keys share nothing.
	Key []byte

	// InsecureUnsealed stores responses without a Key. Anyone that can write to
	// the Redis can then add keys, and sign any token.
	InsecureUnsealed bool

	// Transport sends the requests. If nil, one is used that takes its proxy
	// from [http.ProxyFromEnvironment] and keeps no connection open. All
	// processes that share the Key trust the responses that it gets.
	Transport http.RoundTripper

	// Prefix begins each key in Redis. If empty, [DefaultPrefix] is used.
	Prefix string

	// Interval is the shortest time between two fetches of a URL by all
	// processes together. If zero, [DefaultInterval] is used. A negative value
	// and more than a minute are errors.
	Interval time.Duration

	// MaxAge is how old a response may be that another process has fetched. A
	// key that the issuer withdraws is used for that much longer than without
	// this package. If zero, [DefaultMaxAge] is used. A value less than
	// Interval is an error.
	MaxAge time.Duration

	// MaxStale is how old a response may be while the issuer fails, so that new
	// processes have keys in an outage. A cache that gets such a response doesn't
	// know of the outage, so the Transport logs it. Forced fetches get none. If zero, [DefaultMaxStale] is used. If
	// negative, none is used that is older than MaxAge.
	MaxStale time.Duration

	// Timeout bounds each command. If zero, [DefaultTimeout] is used. A
	// negative value and more than 10 seconds are errors.
	Timeout time.Duration

	// Logger gets a line when Redis or the issuer fails and when it is back, and
	// at most one a minute for a response without a valid seal. If nil, [slog.Default] is
	// used.
	Logger *slog.Logger
}

func (cfg Config) withDefaults() Config {
	cfg.Key = slices.Clone(cfg.Key)
	cfg.Prefix = cmp.Or(cfg.Prefix, DefaultPrefix)
	cfg.Interval = cmp.Or(cfg.Interval, DefaultInterval)
	cfg.MaxAge = cmp.Or(cfg.MaxAge, DefaultMaxAge)
	cfg.MaxStale = max(cmp.Or(cfg.MaxStale, DefaultMaxStale), 0)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	if cfg.Transport == nil {
		cfg.Transport = outbound.ForKeys()
	}
	return cfg
}

// check joins all faults of cfg, which has its defaults.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("redisjwks: Config."+format, args...))
	}
	if isnil.Value(cfg.Client) {
		wrong("Client is nil")
	} else if !heedsContexts(cfg.Client) {
		wrong("Client has options without ContextTimeoutEnabled")
	}
	switch {
	case cfg.InsecureUnsealed && len(cfg.Key) > 0:
		wrong("Key and Config.InsecureUnsealed exclude each other")
	case !cfg.InsecureUnsealed && len(cfg.Key) < minKey:
		wrong("Key has %d bytes, and must have %d or more, of a random secret", len(cfg.Key), minKey)
	}
	if cfg.Interval < time.Millisecond || cfg.Interval > time.Minute {
		wrong("Interval is %v; it must be from 1ms to 1m", cfg.Interval)
	}
	if cfg.MaxAge < cfg.Interval {
		wrong("MaxAge, %v, is less than Interval, %v", cfg.MaxAge, cfg.Interval)
	}
	if cfg.Timeout < 0 || cfg.Timeout > maxTimeout {
		wrong("Timeout is %v; it must not be negative or over %v", cfg.Timeout, maxTimeout)
	}
	return errors.Join(errs...)
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
