package jwks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/internal/useragent"
	"github.com/rsguard/rsguard/observe"
)

// The defaults of [Config]. The package documentation gives the reasons.
const (
	DefaultTTL                = 10 * time.Minute
	DefaultMinTTL             = 5 * time.Minute
	DefaultMaxTTL             = time.Hour
	DefaultUnknownKeyInterval = 30 * time.Second
	DefaultMaxStale           = 24 * time.Hour
	DefaultTimeout            = 5 * time.Second
)

// A Config configures a [Cache]. Issuer or URL is required. The zero value of
// every other field is its default.
type Config struct {
	// Issuer is the issuer's identifier, exactly as in the "iss" of its tokens.
	// The URL of the key set is discovered by OpenID Connect Discovery 1.0,
	// Section 4, or, if the issuer doesn't support that, by RFC 8414, Section
	// 3. Issuer must then be an https URL, or an http URL on a loopback host,
	// without query, fragment and credentials. With a MetadataURL it is only
	// compared, and with a URL it only names the keys in log lines, so that any
	// text will do.
	Issuer string

	// MetadataURL is the URL of the issuer's metadata, if that is not where
	// discovery looks for it. It is for an issuer that has a public name and is
	// reached at an internal address. The metadata must still name Issuer:
	//
	//	Issuer:      "https://sso.example.com/realms/shop",
	//	MetadataURL: "https://sso.internal/realms/shop/.well-known/openid-configuration",
	//
	// It must be an https URL, or an http URL on a loopback host, without
	// fragment and credentials. It excludes URL.
	MetadataURL string

	// URL is the URL of the key set. If it is set, nothing is discovered. It
	// must be an https URL, or an http URL on a loopback host, without fragment
	// and credentials.
	URL string

	// FallbackURLs are further URLs of the issuer's key set, at most 4. If the
	// fetch from the address of the fields above fails, they are asked in their
	// order, until one has a usable key set. Each has a backoff of its own. While
	// the issuer's own address fails, the keys of that set are served as well,
	// and those that the issuer has confirmed before stay for MaxStale. A key
	// that the issuer's own address has withdrawn while the Cache was in use does
	// not come back from another one. As soon as the issuer's own address answers
	// again, its keys alone count. Whether a key ID is unknown is also decided by
	// that address alone. Until it answers, a lookup of a key ID that none of
	// them has gets [ErrUnavailable]. The rules for URL apply to each.
	//
	// An attacker that can change one of these key sets can sign any token, and
	// needs only wait for an outage.
	FallbackURLs []string

	// InsecureHTTP accepts http URLs on any host in Issuer, MetadataURL, URL and
	// FallbackURLs, and a key set's http URL in metadata that was fetched over http. It
	// is for an issuer in the same cluster or compose file. An attacker on the
	// network between this program and the issuer can then replace the keys,
	// and sign any token. NewCache logs that it is on.
	InsecureHTTP bool

	// Client sends the requests. Its Transport should return when the request's
	// context is done. If it doesn't, no lookup waits longer, but up to two
	// goroutines stay blocked, and no keys are fetched while both are.
	// Redirects are never followed, and CheckRedirect is ignored. If Client is
	// nil, a client is used that takes its proxy from
	// [http.ProxyFromEnvironment] and keeps no connection open.
	Client *http.Client

	// UserAgent is the User-Agent of the requests, in printable ASCII. If empty,
	// it is "rsguard" with the version of the library.
	UserAgent string

	// TTL is how long a set is valid if the response has no Cache-Control that
	// says so. If zero, [DefaultTTL] is used. It must not be negative.
	TTL time.Duration

	// MinTTL and MaxTTL bound the lifetime that the issuer states in
	// Cache-Control. MinTTL keeps the Cache from asking the issuer at every
	// request, and MaxTTL bounds the life of a withdrawn key. If zero,
	// [DefaultMinTTL] and [DefaultMaxTTL] are used. They must not be negative.
	MinTTL, MaxTTL time.Duration

	// UnknownKeyInterval is the shortest time from a fetch for an unknown key
	// ID that did not bring it to the next such fetch. Up to as much again is
	// added at random. If zero, [DefaultUnknownKeyInterval] is used. If
	// negative, there are no such fetches, and a new key is found at the next
	// regular fetch.
	UnknownKeyInterval time.Duration

	// MaxStale is how long after its TTL a set is still served if the issuer
	// can't be reached. The issuer can shorten it to one hour at least, by the
	// stale-if-error of Cache-Control. If zero, [DefaultMaxStale] is used. If
	// negative, such a set is not served, and an outage of the issuer becomes
	// an outage of the API.
	MaxStale time.Duration

	// Timeout bounds each of the two steps of a fetch: discovery, if it is due,
	// and the key set. A lookup that waits for a fetch waits at most this long,
	// or twice as long if discovery is due, and once more if there are
	// FallbackURLs. A lookup of an unknown key, while
	// others are held, waits at most this long. If zero, [DefaultTimeout] is
	// used. It must not be negative.
	Timeout time.Duration

	// Seed holds keys to start with, such as those that [Parse] read from a
	// file. The first lookup still waits for the issuer. If the issuer doesn't
	// answer, the seed is served until MaxStale after [NewCache]. If the issuer
	// can never be reached, use the Set without a Cache.
	Seed Set

	// SeedTime is when the Seed was fetched, such as the Time of a [Snapshot].
	// A seed younger than TTL is served at once. The keys are fetched in the
	// background, at a random time in the second half of what is left until the
	// seed is as old as TTL. After that the issuer is asked first. The seed is
	// served until MaxStale after that, if the issuer doesn't answer. If
	// SeedTime is zero, or more than a minute in the future, the age of the seed
	// is unknown.
	SeedTime time.Time

	// Fallback holds keys to serve while there are no others: the issuer fails,
	// and nothing that was fetched may be served. They are part of the program
	// or its configuration, so a key that the issuer has withdrawn since is
	// accepted in an outage. FallbackUntil, which is required with Fallback, is
	// when that ends. A lookup of a key ID that is not among them gets
	// [ErrUnavailable].
	Fallback      Set
	FallbackUntil time.Time

	// Logger gets one line at each change of state, and one for the keys that
	// are left out of a set. If nil, [slog.Default] is used.
	Logger *slog.Logger

	// Observe is told of each request to the issuer when it begins and when it
	// ends, of changes of the state and of the keys, and of lookups of unknown
	// keys. It is called outside of locks, by several goroutines at a time, and
	// events may arrive out of order. It must return soon, since a fetch or a
	// lookup waits for it. The context is that of the request, and otherwise
	// empty. A panic is contained and logged. If nil, nothing is told.
	Observe func(context.Context, observe.Event)

	// Now returns the current time. If nil, [time.Now] is used. If its results
	// have no monotonic clock reading, the age of a set follows the wall clock.
	Now func() time.Time
}

// withDefaults returns cfg with all defaults and a copy of Seed.
func (cfg Config) withDefaults() Config {
	cfg.UserAgent = cmp.Or(cfg.UserAgent, useragent.Default())
	cfg.TTL = cmp.Or(cfg.TTL, DefaultTTL)
	cfg.MinTTL = cmp.Or(cfg.MinTTL, DefaultMinTTL)
	cfg.MaxTTL = cmp.Or(cfg.MaxTTL, DefaultMaxTTL)
	cfg.UnknownKeyInterval = cmp.Or(cfg.UnknownKeyInterval, DefaultUnknownKeyInterval)
	cfg.MaxStale = max(cmp.Or(cfg.MaxStale, DefaultMaxStale), 0)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	for _, d := range []*time.Duration{&cfg.TTL, &cfg.MinTTL, &cfg.MaxTTL, &cfg.UnknownKeyInterval, &cfg.MaxStale, &cfg.Timeout} {
		*d = min(*d, longest)
	}
	cfg.FallbackURLs = slices.Clone(cfg.FallbackURLs)
	cfg.Seed = slices.Clone(cfg.Seed)
	cfg.Fallback = slices.Clone(cfg.Fallback)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// longest is the longest time of a Config. The sum of three does not overflow.
const longest = 50 * 365 * 24 * time.Hour

// check joins all faults of cfg, which has its defaults.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("jwks: Config."+format, args...)) }

	if cfg.Issuer == "" && cfg.URL == "" {
		wrong("Issuer and Config.URL are both empty")
	}
	switch {
	case cfg.Issuer == "":
	case cfg.URL != "" || cfg.MetadataURL != "":
		if !utf8.ValidString(cfg.Issuer) || strings.ContainsFunc(cfg.Issuer, func(r rune) bool { return !unicode.IsPrint(r) }) {
			wrong("Issuer has characters that can't be printed")
		}
		if secureurl.HasCredentials(cfg.Issuer) {
			wrong("Issuer has credentials in it")
		}
	default:
		if u, err := cfg.parseURL(cfg.Issuer); err != nil {
			advice := ""
			if !strings.HasPrefix(cfg.Issuer, "http") {
				advice = ": keys are discovered by it; if Config.URL is set, any text can be an issuer"
			}
			wrong("Issuer %w%s", err, advice)
		} else if strings.Contains(cfg.Issuer, "?") {
			wrong("Issuer of host %q has a query", u.Host) // RFC 8414, Section 2
		}
	}
	if cfg.URL != "" {
		if _, err := cfg.parseURL(cfg.URL); err != nil {
			wrong("URL %w", err)
		}
	}
	if cfg.MetadataURL != "" {
		if _, err := cfg.parseURL(cfg.MetadataURL); err != nil {
			wrong("MetadataURL %w", err)
		}
		switch {
		case cfg.URL != "":
			wrong("MetadataURL and Config.URL exclude each other")
		case cfg.Issuer == "":
			wrong("MetadataURL needs Config.Issuer, which the metadata must name")
		}
	}

	if len(cfg.FallbackURLs) > maxFallbackURLs {
		wrong("FallbackURLs has %d URLs, and %d at most are asked", len(cfg.FallbackURLs), maxFallbackURLs)
	}
	for i, further := range cfg.FallbackURLs {
		if _, err := cfg.parseURL(further); err != nil {
			wrong("FallbackURLs[%d] %w", i, err)
		} else if further == cfg.URL || slices.Contains(cfg.FallbackURLs[:i], further) {
			wrong("FallbackURLs[%d] is there twice", i)
		}
	}

	if len(cfg.UserAgent) > maxUserAgent || strings.ContainsFunc(cfg.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		wrong("UserAgent is not printable ASCII of at most %d bytes", maxUserAgent)
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

	if len(cfg.Seed) == 0 && !cfg.SeedTime.IsZero() {
		wrong("SeedTime needs Config.Seed")
	}
	if err := cfg.Seed.check(); err != nil {
		wrong("Seed: %w", err)
	}
	if (len(cfg.Fallback) == 0) != cfg.FallbackUntil.IsZero() {
		wrong("Fallback and Config.FallbackUntil need each other")
	}
	if err := cfg.Fallback.check(); err != nil {
		wrong("Fallback: %w", err)
	}
	return errors.Join(errs...)
}

const (
	maxUserAgent    = 256
	maxFallbackURLs = 4
)

// name returns the name of the keys in log lines.
func (cfg *Config) name() string {
	if cfg.Issuer != "" {
		return cfg.Issuer
	}
	return cfg.URL
}

// parseURL parses a URL of a Config.
func (cfg *Config) parseURL(raw string) (*url.URL, error) {
	if cfg.InsecureHTTP {
		return secureurl.ParseInsecure(raw)
	}
	u, err := secureurl.Parse(raw)
	if scheme := (*secureurl.SchemeError)(nil); errors.As(err, &scheme) && scheme.Scheme == "http" {
		err = fmt.Errorf("%w: Config.InsecureHTTP accepts http inside of a cluster", err)
	}
	return u, err
}
