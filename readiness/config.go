package readiness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
)

// The defaults of a [Config].
const (
	DefaultInterval = 5 * time.Second
	DefaultTimeout  = 2 * time.Second
)

// A Config says what a service can't do without. At least one part is required.
type Config struct {
	// Caches must have keys that may be served. A probe looks up all keys, as a
	// token does, so that a service without traffic becomes ready and stays so.
	// However many probes come, a Cache fetches no more often than with tokens.
	// Keys that are held through an outage of the issuer count as ready.
	Caches []*jwks.Cache

	// Introspectors must not have suspended their calls after failures. A probe
	// causes no call. When the time until the next call has passed, the
	// Introspector counts as ready, so that requests find out whether it is.
	Introspectors []*introspection.Introspector

	// Checks are further parts, by a name that the response may show. A check
	// returns nil if its part is ready, and otherwise the cause for the log. It
	// is called at most once per Interval, and once at a time, however many
	// probes come. Its context ends after Timeout. A panic is an error. Use it
	// for a replay store's Ping, or for a revocation feed's Current.
	Checks map[string]func(context.Context) error

	// Interval is how long the result of one of Checks is used. If zero, it is
	// [DefaultInterval]. If negative, a check is called whenever none is in
	// progress.
	Interval time.Duration

	// Timeout bounds each response, and each call of one of Checks. It should be
	// less than the probe's own. If zero, it is [DefaultTimeout]. It must not be
	// negative.
	Timeout time.Duration

	// Logger gets one record when a part ceases to be ready, with the cause, and
	// one when all are ready again. If nil, it is [slog.Default].
	Logger *slog.Logger

	// Now tells the time. If nil, it is [time.Now].
	Now func() time.Time
}

func (cfg Config) withDefaults() Config {
	cfg.Caches, cfg.Introspectors = slices.Clone(cfg.Caches), slices.Clone(cfg.Introspectors)
	cfg.Interval = max(cmp.Or(cfg.Interval, DefaultInterval), 0)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// maxName is the length of the longest name of a check, in bytes.
const maxName = 64

// check joins all faults of cfg, which has its defaults.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("readiness: Config."+format, args...))
	}
	if len(cfg.Caches)+len(cfg.Introspectors)+len(cfg.Checks) == 0 {
		wrong("Caches, Introspectors and Checks are all empty")
	}
	for i, c := range cfg.Caches {
		if c == nil {
			wrong("Caches[%d] is nil", i)
		}
	}
	for i, in := range cfg.Introspectors {
		if in == nil {
			wrong("Introspectors[%d] is nil", i)
		}
	}
	for name, check := range cfg.Checks {
		switch {
		case check == nil:
			wrong("Checks[%q] is nil", name)
		case name == "" || len(name) > maxName || slices.ContainsFunc([]byte(name), func(c byte) bool { return c < ' ' || c > '~' || c == ',' }):
			wrong("Checks has the name %.80q; it must be printable ASCII without commas, of 1 to %d bytes", name, maxName)
		}
	}
	if cfg.Timeout < 0 {
		wrong("Timeout is negative: %v", cfg.Timeout)
	}
	return errors.Join(errs...)
}

var errSuspended = errors.New("calls are suspended after failures")

// parts returns what is to be asked, in a fixed order. A Cache and an
// Introspector bound by themselves what a probe causes, so their results are not
// kept.
func (cfg *Config) parts() []*part {
	var parts []*part
	for _, c := range cfg.Caches {
		parts = append(parts, &part{name: "keys", run: func(ctx context.Context) error {
			_, err := c.Keys(ctx, "")
			return err
		}})
	}
	for _, in := range cfg.Introspectors {
		parts = append(parts, &part{name: "introspection", run: func(context.Context) error {
			s := in.Status()
			if s.Failures == 0 || !s.NextCall.After(cfg.Now()) {
				return nil
			}
			if s.LastError != nil {
				return s.LastError
			}
			return errSuspended
		}})
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Checks)) {
		parts = append(parts, &part{name: name, run: cfg.Checks[name], interval: cfg.Interval})
	}
	return parts
}
