package idtoken

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// DefaultMaxTokenAge is the default of [Config].MaxTokenAge.
const DefaultMaxTokenAge = 10 * time.Minute

// A Config says which ID tokens are accepted. Issuers and ClientID are
// required. The zero value of every other field is the recommended one.
type Config struct {
	// Issuers are the exact "iss" values of accepted tokens. There is one,
	// unless the issuer has several names. Google, for one, also writes
	// "accounts.google.com". If the keys are discovered, each is an https URL,
	// or an http URL on a loopback host. If Keys or Secret is set, an issuer is
	// only compared.
	Issuers []string

	// ClientID is the name of this client at the issuer. A token's "aud" must
	// have it.
	ClientID string

	// TrustedAudiences are the audiences that a token may have beside ClientID.
	// With any other it is rejected, since that audience could have received it
	// first and sent it here (OpenID Connect Core 1.0, Section 3.1.3.7).
	TrustedAudiences []string

	// AuthorizedParties are the clients, other than ClientID, that "azp" may
	// name. It is for a server that accepts tokens which an app of the same
	// project has got for it. If empty, "azp" is ClientID or absent.
	AuthorizedParties []string

	// InsecureNoAuthorizedParty accepts a token with several audiences and no
	// "azp". It is for issuers that write no "azp". Nothing then says which of
	// the audiences has asked for the token.
	InsecureNoAuthorizedParty bool

	// Keys finds the key that a token names. If nil, each issuer has its own
	// [jwks.Cache], as in [validator.Config].
	Keys validator.KeySource

	// Secret replaces Keys for clients that are registered with HS256, or with
	// the HS algorithms in Algorithms. It is the client's secret as it is
	// written, and at least as long as the hash. It never suits a client that
	// its users can read, such as an app.
	Secret []byte `json:"-"`

	// Algorithms are those that the client is registered with, as
	// "id_token_signed_response_alg". If empty, RS256 alone is accepted, or
	// HS256 if there is a Secret.
	Algorithms []validator.Algorithm

	// Leeway is the accepted difference between the issuer's clock and ours. If
	// zero, [validator.DefaultLeeway] is used. If negative, none. More than 5
	// minutes is an error.
	Leeway time.Duration

	// MaxTokenAge is how long ago a token may have been issued, by "iat". A
	// login is over in seconds, so an old token is one that was kept. If zero,
	// [DefaultMaxTokenAge] is used. If negative, there is no limit.
	MaxTokenAge time.Duration

	// MaxTokenSize is the length in bytes of the longest accepted token. If
	// zero, [validator.DefaultMaxTokenSize] is used. More than 1 MiB is an
	// error.
	MaxTokenSize int

	// InsecureSkipTypeCheck accepts tokens that say that they are of another
	// type. It is for issuers whose ID tokens have claims of access tokens,
	// such as "scope", and no "at_hash". An access token for the same audience
	// is then accepted, if its nonce is right.
	InsecureSkipTypeCheck bool

	// InsecureHTTP accepts issuers with an http URL on any host, as in
	// [validator.Config].
	InsecureHTTP bool

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time
}

// Auth0 returns the Config for a client of an Auth0 tenant. The domain is the
// tenant's or its custom domain, such as "tenant.eu.auth0.com".
func Auth0(domain, clientID string) Config {
	return Config{Issuers: validator.Auth0(domain, clientID).Issuers, ClientID: clientID}
}

// check joins the faults of cfg that package validator doesn't find.
func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("idtoken: Config."+format, args...))
	}
	switch {
	case cfg.ClientID == "":
		wrong("ClientID is empty: name this client, so that tokens for others are rejected")
	case !isName(cfg.ClientID):
		wrong("ClientID %q has space around it", cfg.ClientID)
	}
	for i, issuer := range cfg.Issuers {
		if strings.HasPrefix(issuer, "spiffe://") {
			wrong("Issuers[%d] is a SPIFFE trust domain, which issues no ID tokens", i)
		}
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"TrustedAudiences", cfg.TrustedAudiences}, {"AuthorizedParties", cfg.AuthorizedParties}} {
		for _, value := range list.values {
			if !isName(value) {
				wrong("%s: %q is empty or has space around it", list.name, value)
			}
		}
	}
	return errors.Join(errs...)
}

func isName(s string) bool { return s != "" && strings.TrimSpace(s) == s }

// forValidator returns what cfg has in common with the Config for access
// tokens. The audience is compared by this package.
func (cfg *Config) forValidator() validator.Config {
	return validator.Config{
		Issuers: cfg.Issuers, Audiences: []string{"the client"}, Keys: cfg.Keys, Secret: cfg.Secret,
		Algorithms: cfg.Algorithms, Leeway: cfg.Leeway, MaxTokenSize: cfg.MaxTokenSize,
		InsecureHTTP: cfg.InsecureHTTP, CacheSize: -1, Now: cfg.Now,
	}
}

// withDefaults returns cfg with all defaults, and with copies of its slices. If
// the caller changes its own later, the decision must not change.
func (cfg Config) withDefaults() Config {
	cfg.Issuers = slices.Clone(cfg.Issuers)
	cfg.TrustedAudiences = slices.Clone(cfg.TrustedAudiences)
	cfg.AuthorizedParties = slices.Clone(cfg.AuthorizedParties)
	cfg.Secret = slices.Clone(cfg.Secret)
	cfg.Leeway = max(cmp.Or(cfg.Leeway, validator.DefaultLeeway), 0)
	cfg.MaxTokenAge = cmp.Or(cfg.MaxTokenAge, DefaultMaxTokenAge)
	return cfg
}
