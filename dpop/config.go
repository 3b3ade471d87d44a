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

// The defaults and limits of a [Config].
const (
	DefaultMaxAge = 60 * time.Second
	DefaultLeeway = 30 * time.Second

	// MaxMaxAge and MaxLeeway are more than is ever needed: what is refused is
	// most likely a mistake in the unit.
	MaxMaxAge = 10 * time.Minute
	MaxLeeway = 5 * time.Minute
)

// A Config says which proofs to accept. The zero value is the recommended
// choice.
type Config struct {
	// Algorithms are those that a proof may be signed with. The client is told
	// of them in this order. Empty means ES256, EdDSA, PS256 and RS256. EdDSA
	// allows Ed25519, which is what newer clients call it (RFC 9864). Ed25519
	// alone does not allow EdDSA.
	Algorithms []validator.Algorithm

	// MaxAge is how old a proof may be, by its "iat". Zero means
	// [DefaultMaxAge]; more than [MaxMaxAge] is refused.
	MaxAge time.Duration

	// Leeway is how far in the future its "iat" may be, since clocks disagree:
	// those of phones by tens of seconds, and those of several servers that
	// share a store. A proof is remembered for so much longer. If zero,
	// [DefaultLeeway] is used; a negative value means none; more than
	// [MaxLeeway] is an error.
	Leeway time.Duration

	// Replays remembers the proofs that were used. Nil means a new
	// [MemoryStore], which is right for one process: several behind one name
	// need a store that they share.
	Replays ReplayStore

	// Nonces makes and checks the nonces that proofs must have. Nil means that
	// none are demanded.
	Nonces NonceSource

	// Now tells the time. Nil means [time.Now].
	Now func() time.Time
}

// A ReplayStore remembers keys. Add is safe for concurrent use, and of several
// calls with the same key at the same time one at most gets true. Package
// testutil has TestReplayStore for implementations.
type ReplayStore interface {
	// Add remembers key until expires and reports whether it was new. A key
	// that has expired by the store's clock is not, since it can't be
	// remembered. Keys are of 43 characters of the base64url alphabet. An error
	// says that it can't be known now, and refuses the request with
	// [validator.CodeUnavailable].
	Add(ctx context.Context, key string, expires time.Time) (bool, error)
}

// A NonceSource makes and checks nonces (RFC 9449, Section 9). It is safe for
// concurrent use.
type NonceSource interface {
	// Nonce returns the nonce that clients are to use from now on, not empty,
	// and of the characters of RFC 9449, Section 8.1: printable ASCII but for
	// space, quotation mark and backslash. It must be unpredictable.
	Nonce() string

	// Valid reports whether nonce, as a client has sent it, is one that Nonce
	// has returned lately.
	Valid(nonce string) bool
}

func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("dpop: "+format, args...)) }

	for i, alg := range cfg.Algorithms {
		// RFC 9449, Section 11.6: asymmetric ones only.
		if !jose.Known(string(alg)) {
			wrong("Algorithms: %q is not known, or not one of public keys", alg)
		}
		if slices.Contains(cfg.Algorithms[:i], alg) {
			wrong("Algorithms: %q is named twice", alg)
		}
	}
	if cfg.MaxAge < 0 || cfg.MaxAge > MaxMaxAge {
		wrong("MaxAge is %v; it can be up to %v", cfg.MaxAge, MaxMaxAge)
	}
	if cfg.Leeway > MaxLeeway {
		wrong("Leeway is %v; at most %v makes sense", cfg.Leeway, MaxLeeway)
	}
	if cfg.Replays != nil && isnil.Value(cfg.Replays) {
		wrong("Replays is a nil %T", cfg.Replays)
	}
	if cfg.Nonces != nil && isnil.Value(cfg.Nonces) {
		wrong("Nonces is a nil %T", cfg.Nonces)
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
