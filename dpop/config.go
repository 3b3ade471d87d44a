package dpop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/validator"
)

// The defaults of a [Config].
const (
	DefaultMaxAge = 60 * time.Second
	DefaultLeeway = 30 * time.Second
)

// The limits of a [Config], whose documentation has the numbers. What exceeds
// them is most likely a mistake in the unit.
const (
	maxMaxAge = 10 * time.Minute
	maxLeeway = 5 * time.Minute
)

// A Config says which proofs are accepted. The zero Config is the recommended
// one.
type Config struct {
	// Algorithms are the algorithms that a proof may be signed with, in the
	// order in which challenges list them. If empty, they are ES256, EdDSA,
	// PS256 and RS256. EdDSA allows Ed25519 too, which is its name in newer
	// clients (RFC 9864). Ed25519 alone does not allow EdDSA.
	Algorithms []validator.Algorithm

	// MaxAge is the largest age of a proof, by its "iat". If zero,
	// [DefaultMaxAge] is used. A negative value and more than 10 minutes are
	// errors.
	MaxAge time.Duration

	// Leeway is how far in the future a proof's "iat" may be. The clocks of
	// phones can be wrong by tens of seconds, and so can those of servers that
	// share a store. A proof is remembered for so much longer. If zero,
	// [DefaultLeeway] is used. If negative, none. More than 5 minutes is an
	// error.
	Leeway time.Duration

	// Replays remembers the proofs that were used. If nil, a new [MemoryStore]
	// is used, which suits a service of one process. Several processes behind
	// one name need a store that they share.
	Replays ReplayStore

	// Nonces makes and checks the nonces that proofs must have. If nil, no
	// nonce is required.
	Nonces NonceSource

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time
}

// A ReplayStore remembers keys. Add must be safe for concurrent use, and must
// return true to at most one of several concurrent calls with the same key.
// Package testutil has TestReplayStore for implementations.
type ReplayStore interface {
	// Add remembers key until expires and reports whether it was new. A key
	// that has already expired by the store's clock can't be remembered, and is
	// not new. A key has 43 characters of the base64url alphabet. If Add
	// returns an error, the request is rejected with
	// [validator.CodeUnavailable].
	Add(ctx context.Context, key string, expires time.Time) (bool, error)
}

// A NonceSource makes and checks nonces (RFC 9449, Section 9). It must be safe
// for concurrent use.
type NonceSource interface {
	// Nonce returns the nonce that clients must use from now on. It must be
	// unpredictable and not empty. Its characters are those of RFC 9449,
	// Section 8.1: printable ASCII except space, quotation mark and backslash.
	Nonce() string

	// Valid reports whether Nonce has returned this nonce recently.
	Valid(nonce string) bool
}

func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("dpop: "+format, args...)) }

	for i, alg := range cfg.Algorithms {
		// RFC 9449, Section 11.6: only asymmetric algorithms.
		if !jose.Known(string(alg)) {
			wrong("Config.Algorithms has %q, which is not known, or not asymmetric", alg)
		}
		if slices.Contains(cfg.Algorithms[:i], alg) {
			wrong("Config.Algorithms has %q twice", alg)
		}
	}
	if cfg.MaxAge < 0 || cfg.MaxAge > maxMaxAge {
		wrong("Config.MaxAge is %v; it must not be negative or over %v", cfg.MaxAge, maxMaxAge)
	}
	if cfg.Leeway > maxLeeway {
		wrong("Config.Leeway is %v; it must not be over %v", cfg.Leeway, maxLeeway)
	}
	if cfg.Replays != nil && isnil.Value(cfg.Replays) {
		wrong("Config.Replays is a nil %T", cfg.Replays)
	}
	if cfg.Nonces != nil && isnil.Value(cfg.Nonces) {
		wrong("Config.Nonces is a nil %T", cfg.Nonces)
	}
	return errors.Join(errs...)
}

// withDefaults also copies what the caller could change.
func (cfg Config) withDefaults() Config {
	cfg.Algorithms = slices.Clone(cfg.Algorithms)
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []validator.Algorithm{validator.ES256, validator.EdDSA, validator.PS256, validator.RS256}
	}
	cfg.MaxAge = cmp.Or(cfg.MaxAge, DefaultMaxAge)
	cfg.Leeway = max(cmp.Or(cfg.Leeway, DefaultLeeway), 0)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Replays == nil {
		cfg.Replays = &MemoryStore{Now: cfg.Now}
	}
	return cfg
}
