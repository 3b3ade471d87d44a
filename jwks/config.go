package jwks

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/secureurl"
)

// The defaults of [Config]. The package's documentation has the reason of each.
const (
	DefaultTTL                = 10 * time.Minute
	DefaultMinTTL             = 5 * time.Minute
	DefaultMaxTTL             = time.Hour
	DefaultUnknownKeyInterval = 30 * time.Second
	DefaultMaxStale           = 24 * time.Hour
	DefaultTimeout            = 5 * time.Second
)

// Config says where an issuer's keys are and how they are kept. Of Issuer and URL, one is required; everything else may
// be left out.
type Config struct {
	// Issuer is the issuer's identifier, exactly as in its tokens' "iss". Where its keys are is then asked by OpenID
	// Connect Discovery 1.0, Section 4, and if the issuer doesn't know that, by RFC 8414, Section 3. It is an https
	// URL without query, fragment and credentials, or an http URL on a loopback host.
	Issuer string

	// URL is where the key set is. If it is given, nothing is discovered. It is an https URL without fragment and
	// credentials, or an http URL on a loopback host.
	URL string

	// Client sends the requests. Its Transport should give up when a request's context is done; nobody waits longer
	// if it doesn't, but up to two goroutines hang with it, and no keys come while both do. Redirects are never
	// followed, whatever its CheckRedirect says. Nil means a client of the Cache's own that uses the proxy that
	// the environment names, if any, as [http.ProxyFromEnvironment] does, and keeps no connection open.
	Client *http.Client

	// TTL is how long a set is good if the issuer doesn't say. Zero means [DefaultTTL]; it can't be negative.
	TTL time.Duration

	// MinTTL and MaxTTL bound how long a set is good by the issuer's Cache-Control: max-age. Zero means
	// [DefaultMinTTL] and [DefaultMaxTTL]; they can't be negative, for the one keeps the issuer from being asked at
	// every request and the other bounds the life of a key that was withdrawn.
	MinTTL, MaxTTL time.Duration

	// UnknownKeyInterval is the time from one fetch for the sake of an unknown key ID to the next. Zero means
	// [DefaultUnknownKeyInterval]; a negative value means that there are none: a new key is then found at the
	// next regular fetch.
	UnknownKeyInterval time.Duration

	// MaxStale is how much longer than its TTL a set is served while the issuer can't be reached. An issuer's
	// Cache-Control: stale-if-error can shorten it, down to one hour. Zero means [DefaultMaxStale]; a negative
	// value means not at all: an outage of the issuer then becomes one of the API.
	MaxStale time.Duration

	// Timeout bounds the two steps of a fetch, discovery if it is due and the key set itself, one by one. So a lookup
	// that waits for a fetch waits no longer than this, or twice as long while the issuer is slow and discovery
	// due; for a key that isn't among those that are held never longer than this. Zero means [DefaultTimeout]; it
	// can't be negative.
	Timeout time.Duration

	// Seed are keys to begin with, read from a file by [Parse] for example. The first lookup still waits for the
	// issuer; only if it doesn't answer are they served, until MaxStale has passed from NewCache on. Where the issuer
	// is never in reach, use the Set without a Cache.
	Seed Set

	// Logger gets one line at each change of state and one for the keys that are left out of a set. Nil means
	// [slog.Default].
	Logger *slog.Logger

	// Now tells the time; nil means [time.Now]. Readings without a monotonic clock are fine, but a key set's age is
	// then only as good as the wall clock.
	Now func() time.Time
}

// withDefaults returns cfg with every default in place, and a Seed of its own.
func (cfg Config) withDefaults() Config {
	cfg.TTL = cmp.Or(cfg.TTL, DefaultTTL)
	cfg.MinTTL = cmp.Or(cfg.MinTTL, DefaultMinTTL)
	cfg.MaxTTL = cmp.Or(cfg.MaxTTL, DefaultMaxTTL)
	cfg.UnknownKeyInterval = cmp.Or(cfg.UnknownKeyInterval, DefaultUnknownKeyInterval)
	cfg.MaxStale = max(cmp.Or(cfg.MaxStale, DefaultMaxStale), 0)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.Seed = slices.Clone(cfg.Seed)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// check joins everything that is wrong with cfg, whose defaults are in place.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("jwks: Config."+format, args...)) }

	if cfg.Issuer == "" && cfg.URL == "" {
		wrong("Issuer and Config.URL are both empty")
	}
	if cfg.Issuer != "" {
		if u, err := secureurl.Parse(cfg.Issuer); err != nil {
			wrong("Issuer %w", err)
		} else if strings.Contains(cfg.Issuer, "?") {
			wrong("Issuer of host %q has a query", u.Host) // RFC 8414, Section 2
		}
	}
	if cfg.URL != "" {
		if _, err := secureurl.Parse(cfg.URL); err != nil {
			wrong("URL %w", err)
		}
	}

	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"TTL", cfg.TTL}, {"MinTTL", cfg.MinTTL}, {"MaxTTL", cfg.MaxTTL}, {"Timeout", cfg.Timeout}} {
		if d.value < 0 {
			wrong("%s is negative: %v", d.name, d.value)
		}
	}
	if cfg.MinTTL > cfg.MaxTTL {
		wrong("MinTTL, %v, is over MaxTTL, %v", cfg.MinTTL, cfg.MaxTTL)
	}

	if err := cfg.Seed.check(); err != nil {
		wrong("Seed: %w", err)
	}
	return errors.Join(errs...)
}

// name is what the keys are called in log lines.
func (cfg *Config) name() string {
	if cfg.Issuer != "" {
		return cfg.Issuer
	}
	return cfg.URL
}
