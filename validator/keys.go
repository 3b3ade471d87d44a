package validator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/internal/keyindex"
	"github.com/rsguard/rsguard/internal/keysat"
	"github.com/rsguard/rsguard/jwks"
)

// A trust is one of Config.Issuers with the keys that may sign its tokens. If
// the caller has given the keys, all issuers have the same. Otherwise each has
// its own, so that no issuer can sign tokens of another.
type trust struct {
	issuer  string
	isAuth0 bool        // as far as that is known
	keys    KeySource   // nil if there is a Secret
	cache   *jwks.Cache // keys, if it is one and the Validator has the system's time
}

// trusts pairs the issuers of cfg with their keys.
func (cfg *Config) trusts() ([]trust, error) {
	shared := cfg.Keys
	if set, ok := shared.(jwks.Set); ok {
		shared = indexed(set)
	}
	all := make([]trust, len(cfg.Issuers))
	for i, issuer := range cfg.Issuers {
		keys := shared
		if keys == nil && cfg.Secret == nil {
			cache, err := jwks.NewCache(jwks.Config{Issuer: issuer, Now: cfg.Now, InsecureHTTP: cfg.InsecureHTTP})
			if err != nil {
				return nil, fmt.Errorf("validator: %w", err)
			}
			keys = cache
		}
		all[i] = trust{issuer: issuer, isAuth0: cfg.isAuth0(issuer), keys: keys}
		if cfg.Now == nil {
			all[i].cache, _ = keys.(*jwks.Cache)
		}
	}
	return all, nil
}

// find returns the keys with this kid. The time by the Validator's clock is
// now.
func (t *trust) find(ctx context.Context, kid string, now time.Time) ([]jwks.Key, error) {
	if t.cache != nil {
		return keysAt(t.cache, ctx, kid, now)
	}
	return t.keys.Keys(ctx, kid)
}

// keysAt is Keys of a Cache that uses the system's time, which is now.
var keysAt = keysat.Func.(func(*jwks.Cache, context.Context, string, time.Time) ([]jwks.Key, error))

// again returns the keys with this kid if the issuer has replaced those that
// find returned, and otherwise nil.
func (t *trust) again(ctx context.Context, kid string, keys []jwks.Key) []jwks.Key {
	if cache, ok := t.keys.(*jwks.Cache); ok {
		return keysAgain(cache, ctx, kid, keys)
	}
	return nil
}

var keysAgain = keysat.Again.(func(*jwks.Cache, context.Context, string, []jwks.Key) []jwks.Key)

// unknown says why there is no key with this kid.
func (t *trust) unknown(kid string) error {
	if keys, ok := t.keys.(interface{ Unknown(kid string) error }); ok {
		return keys.Unknown(kid)
	}
	return errUnknown
}

var errUnknown = errors.New("Config.Keys has no such key")

// An indexedSet is a copy of a Set whose lookups cost the same however large it
// is.
type indexedSet struct{ keys keyindex.Index[jwks.Key] }

func indexed(set jwks.Set) *indexedSet {
	return &indexedSet{keyindex.New(set, func(k *jwks.Key) string { return k.ID })}
}

func (s *indexedSet) Keys(_ context.Context, kid string) ([]jwks.Key, error) {
	keys, _ := s.keys.Find(kid)
	return keys, nil
}

// Unknown says why there is no key with this kid.
func (s *indexedSet) Unknown(kid string) error { return jwks.Set(s.keys.All()).Unknown(kid) }
