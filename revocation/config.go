package revocation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/internal/isnil"
)

// The defaults of a [Config].
const (
	DefaultCapacity      = 1 << 20
	DefaultTokenLifetime = 24 * time.Hour
	DefaultMaxWatches    = 1 << 20
)

// A Config says how a [List] keeps its rules. The zero Config is that of a
// service of one process whose tokens live for a day at most.
type Config struct {
	// Capacity is how many rules are held at most. A rule takes at most 100
	// bytes. If zero, [DefaultCapacity] is used. A negative value is an error,
	// and so is one over 1<<28.
	Capacity int

	// TokenLifetime is the longest time for which an access token of any of the
	// issuers is valid. It is the default of Rule.Until. If it is too short, a
	// revoked token is accepted again at the end of its rule. If zero,
	// [DefaultTokenLifetime] is used. A negative value is an error, and so is
	// one over 366 days.
	TokenLifetime time.Duration

	// MaxWatches is how many tokens [List.Watch] and [List.WatchContext] watch
	// at a time. A watch takes about 1 KiB. If zero, [DefaultMaxWatches] is
	// used. A negative value is an error.
	MaxWatches int

	// Feed carries rules between the replicas of a service. If nil, rules are
	// those of this process alone and end with it.
	Feed Feed

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time
}

// A Feed carries rules to other Lists, and those of other Lists to this one, to
// which it gives them by [List.Apply]. Its methods must be safe for concurrent
// use.
type Feed interface {
	// Publish stores the rule for all replicas, including those that start
	// later, until its end. It returns nil only if that is certain. It may be
	// called more than once with the same rule.
	Publish(ctx context.Context, rule Rule) error

	// Current returns an error if rules of other replicas may be missing and
	// tokens must not be accepted without them. It is called for every request
	// whose token no known rule names, and must not wait for anything.
	Current() error
}

// The limits of a [Config].
const (
	maxCapacity = 1 << 28
	maxLifetime = 366 * 24 * time.Hour
)

func (cfg Config) check() error {
	var errs []error
	if cfg.Capacity < 0 || cfg.Capacity > maxCapacity {
		errs = append(errs, fmt.Errorf("revocation: Config.Capacity is %d; it must not be negative or over %d", cfg.Capacity, maxCapacity))
	}
	if cfg.TokenLifetime < 0 || cfg.TokenLifetime > maxLifetime {
		errs = append(errs, fmt.Errorf("revocation: Config.TokenLifetime is %v; it must not be negative or over %v", cfg.TokenLifetime, maxLifetime))
	}
	if cfg.MaxWatches < 0 {
		errs = append(errs, fmt.Errorf("revocation: Config.MaxWatches is %d; it must not be negative", cfg.MaxWatches))
	}
	if cfg.Feed != nil && isnil.Value(cfg.Feed) {
		errs = append(errs, fmt.Errorf("revocation: Config.Feed is a nil %T", cfg.Feed))
	}
	return errors.Join(errs...)
}

func (cfg Config) withDefaults() Config {
	cfg.Capacity = cmp.Or(cfg.Capacity, DefaultCapacity)
	cfg.TokenLifetime = cmp.Or(cfg.TokenLifetime, DefaultTokenLifetime)
	cfg.MaxWatches = cmp.Or(cfg.MaxWatches, DefaultMaxWatches)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}
