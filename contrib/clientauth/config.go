package clientauth

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/validator"
)

// The defaults of a [Config].
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxLifetime = 30 * 24 * time.Hour
	DefaultLifetime    = 5 * time.Minute
	DefaultCacheSize   = 1024
)

// A Validator decides about tokens. [*validator.Validator] and
// [*introspection.Introspector] are Validators.
//
// [*introspection.Introspector]: https://pkg.go.dev/github.com/rsguard/rsguard/introspection#Introspector
type Validator interface {
	Validate(ctx context.Context, token string) (*validator.Claims, error)
}

// A Config describes a client and its issuer. ClientID, Auth, and Issuer or
// TokenURL are required. The zero value of every other field is its default.
type Config struct {
	// Issuer is the issuer's name, an https URL or an http one on a loopback
	// host. If TokenURL is empty, the token endpoint is discovered by it (RFC
	// 8414, Section 3, or OpenID Connect Discovery 1.0, Section 4) with the
	// first token, and again after a day.
	Issuer string

	// TokenURL is the URL of the token endpoint, an https URL or an http one on
	// a loopback host.
	TokenURL string

	// InsecureHTTP accepts http URLs on any host in Issuer and TokenURL. It is
	// for an issuer in the same cluster or compose file. An attacker on the
	// network in between can then read the client's secret and its tokens.
	InsecureHTTP bool

	// ClientID is the client's name at the issuer, and Auth proves it.
	ClientID string
	Auth     Authentication

	// JSON sends the parameters as a JSON object, and not as a form. Auth0
	// accepts both. No standard describes it.
	JSON bool

	// Key makes tokens that are bound to it (RFC 9449), and proofs. A Bearer
	// token is then rejected. If nil, tokens of the type Bearer are requested.
	Key *Key

	// Certificate is the client's certificate. If Client is nil, token requests
	// are sent over connections with it. A token may be bound to it. The
	// transport that calls the API needs it too. Discovery prefers the endpoint
	// that the metadata has for clients with a certificate (RFC 8705, Section
	// 5), also if Auth is [ClientCertificate], or if Client has a certificate
	// and its Transport is an [http.Transport].
	Certificate *tls.Certificate

	// Validator validates tokens before they are kept. It is for audiences
	// whose tokens can be validated here: those in JWT form, whose keys are
	// public. It must accept the audience of every Source. If nil, the form and
	// the expiry are checked.
	Validator Validator

	// MaxTokenSize is the length of the longest token in bytes. If zero, it is
	// [validator.DefaultMaxTokenSize]. More than 64 KiB is an error.
	MaxTokenSize int

	// MaxLifetime is the longest expires_in that is believed. An answer with
	// more is rejected. If zero, it is [DefaultMaxLifetime].
	MaxLifetime time.Duration

	// Lifetime is how long a token is used if neither expires_in nor its "exp"
	// says when it ends. If zero, it is [DefaultLifetime].
	Lifetime time.Duration

	// InsecureTextLifetime accepts an expires_in that is a string of digits,
	// which some older issuers send (RFC 6749, Section 5.1 has a number).
	InsecureTextLifetime bool

	// Client sends the token requests. If nil, it is one with a transport of
	// its own. Redirects are never followed, since credentials are sent.
	Client *http.Client

	// Timeout bounds each request to the issuer with all that belongs to it,
	// whatever the caller's context says. If zero, it is [DefaultTimeout].
	Timeout time.Duration

	// CacheSize is how many tokens are kept, of all Sources. The one that was
	// used least recently makes room. If zero, it is [DefaultCacheSize].
	CacheSize int

	// Store shares the tokens with other processes. Each process still keeps
	// its own in memory, and looks there when it has none or is to renew it. If
	// nil, nothing is shared.
	Store Store

	// StoreKeys encrypt what the Store keeps (AES-256-GCM). Each is a secret of
	// at least 32 random bytes, which the processes share. The first encrypts,
	// and all decrypt. To replace a key, add the new one at the end in all
	// processes, then move it to the front, then remove the old one. They are
	// required with a Store. At most 8 are used.
	StoreKeys [][]byte

	// Logger gets one record when token requests begin to fail, and one when
	// they succeed again. If nil, it is [slog.Default].
	Logger *slog.Logger

	// Now tells the time. If nil, it is [time.Now].
	Now func() time.Time
}

const (
	maxTokenSize = 64 << 10
	maxStoreKeys = 8
	minStoreKey  = 32 // bytes
)

// check joins everything that is wrong with cfg.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("clientauth: Config."+format, args...))
	}
	for _, u := range []struct{ name, value string }{{"Issuer", cfg.Issuer}, {"TokenURL", cfg.TokenURL}} {
		if u.value == "" || u.name == "Issuer" && cfg.TokenURL != "" {
			continue
		}
		if _, err := cfg.parse(u.value); err != nil {
			wrong("%s %w", u.name, err)
		}
	}
	if cfg.Issuer == "" && cfg.TokenURL == "" {
		wrong("Issuer and Config.TokenURL are empty: name the issuer, or its token endpoint")
	}
	if cfg.ClientID == "" || cfg.Auth == nil {
		wrong("ClientID or Config.Auth is not set: the grants of this package are for clients that authenticate")
	}
	if cfg.Key != nil && cfg.Key.secret == nil {
		wrong("Key was not made by NewKey")
	}
	if cfg.Certificate != nil && len(cfg.Certificate.Certificate) == 0 {
		wrong("Certificate is empty")
	}
	if cfg.Validator != nil && isnil.Value(cfg.Validator) {
		wrong("Validator is a nil %T", cfg.Validator)
	}
	errs = append(errs, cfg.checkStore())
	if cfg.MaxTokenSize < 0 || cfg.MaxTokenSize > maxTokenSize {
		wrong("MaxTokenSize is %d: it must be from 0 to %d", cfg.MaxTokenSize, maxTokenSize)
	}
	if cfg.CacheSize < 0 {
		wrong("CacheSize is negative: %d", cfg.CacheSize)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
		most  time.Duration
	}{{"MaxLifetime", cfg.MaxLifetime, 10 * 365 * 24 * time.Hour}, {"Lifetime", cfg.Lifetime, 24 * time.Hour}, {"Timeout", cfg.Timeout, 5 * time.Minute}} {
		if d.value < 0 || d.value > d.most {
			wrong("%s is %v: it must be from 0 to %v", d.name, d.value, d.most)
		}
	}
	return errors.Join(errs...)
}

func (cfg *Config) checkStore() error {
	var errs []error
	switch n := len(cfg.StoreKeys); {
	case cfg.Store == nil && n > 0:
		errs = append(errs, errors.New("clientauth: Config.StoreKeys is set without Config.Store"))
	case cfg.Store != nil && isnil.Value(cfg.Store):
		errs = append(errs, fmt.Errorf("clientauth: Config.Store is a nil %T", cfg.Store))
	case cfg.Store != nil && (n == 0 || n > maxStoreKeys):
		errs = append(errs, fmt.Errorf("clientauth: Config.StoreKeys has %d keys: it must have from 1 to %d with a Store", n, maxStoreKeys))
	}
	for i, key := range cfg.StoreKeys {
		if len(key) < minStoreKey {
			errs = append(errs, fmt.Errorf("clientauth: Config.StoreKeys[%d] has %d bytes: it must have %d or more, of a random secret", i, len(key), minStoreKey))
		}
	}
	return errors.Join(errs...)
}

// parse parses a URL to which credentials may be sent, or which says where.
func (cfg *Config) parse(raw string) (*url.URL, error) {
	if cfg.InsecureHTTP {
		return secureurl.ParseInsecure(raw)
	}
	return secureurl.Parse(raw)
}

// withDefaults returns cfg with every default in place.
func (cfg Config) withDefaults() Config {
	cfg.MaxTokenSize = cmp.Or(cfg.MaxTokenSize, validator.DefaultMaxTokenSize)
	cfg.MaxLifetime = cmp.Or(cfg.MaxLifetime, DefaultMaxLifetime)
	cfg.Lifetime = cmp.Or(cfg.Lifetime, DefaultLifetime)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.CacheSize = cmp.Or(cfg.CacheSize, DefaultCacheSize)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}
