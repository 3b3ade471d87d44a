package keyfuncjwks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A KeySource is a key source for a validator that reads the keys of a
// keyfunc.Keyfunc. It is safe for concurrent use.
type KeySource struct{ storage jwkset.Storage }

var _ validator.KeySource = (*KeySource)(nil)

// Source returns a KeySource that reads the keys of k. It returns an error if k
// or its storage is nil.
//
// The keyfunc decides when keys are fetched, and how long they are used. It
// doesn't return the member "issuer" of a key, which says in Microsoft's common
// key set which tokens the key may sign (see [jwks.Key.SignsFor]). Use a
// [jwks.Cache] for that set.
func Source(k keyfunc.Keyfunc) (*KeySource, error) {
	if isnil.Value(k) {
		return nil, errors.New("keyfuncjwks: no keyfunc")
	}
	s := k.Storage()
	if isnil.Value(s) {
		return nil, errors.New("keyfuncjwks: a keyfunc without a storage")
	}
	return &KeySource{s}, nil
}

// Keys returns the keys with the ID kid, or all keys if kid is empty. It leaves
// out those that [jwks.Parse] would leave out: private and symmetric keys, weak
// ones, and those for another use. If there is no such kid, the storage's
// KeyRead is called, which may fetch. The error wraps [jwks.ErrUnavailable] if
// the storage fails or has no usable key, and ctx.Err() if ctx is done.
func (s *KeySource) Keys(ctx context.Context, kid string) ([]jwks.Key, error) {
	if s.storage == nil {
		return nil, fmt.Errorf("%w: the KeySource was not made by Source", jwks.ErrUnavailable)
	}
	all, err := s.storage.KeyReadAll(ctx)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	keys, usable := choice(all, kid)
	if kid == "" || len(keys) > 0 {
		return keys, availability(usable)
	}

	one, err := s.storage.KeyRead(ctx, kid)
	switch {
	case err == nil:
		keys, some := choice([]jwkset.JWK{one}, kid)
		return keys, availability(usable || some)
	case ctx.Err() != nil:
		return nil, unavailable(ctx, err)
	}
	// The key was not found, or was not looked up because there were too many
	// lookups. There are other usable keys then.
	return nil, availability(usable)
}

func availability(usable bool) error {
	if !usable {
		return fmt.Errorf("%w: the keyfunc holds no usable key", jwks.ErrUnavailable)
	}
	return nil
}

func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("keyfuncjwks: waiting for the storage: %w", ctx.Err())
	}
	return fmt.Errorf("%w: %s", jwks.ErrUnavailable, err.Error()) // as text: its context isn't the caller's
}

// choice returns the usable keys with this kid, or all usable keys if kid is
// empty, and reports whether there is any usable key.
func choice(all []jwkset.JWK, kid string) (keys []jwks.Key, usable bool) {
	for i := range all {
		key, ok := keyOf(&all[i])
		if !ok {
			continue
		}
		usable = true
		if kid == "" || key.ID == kid {
			keys = append(keys, key)
		}
	}
	return keys, usable
}

// keyOf applies the rules of a key set that we read ourselves.
func keyOf(k *jwkset.JWK) (jwks.Key, bool) {
	m := k.Marshal()
	key := jwks.Key{ID: m.KID, Algorithm: string(m.ALG), Public: k.Key()}
	switch {
	case m.USE != "" && m.USE != jwkset.UseSig:
	case len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify):
	case jose.CheckPublicKey(key.Public) != nil: // any other type too, such as private keys
	case key.Algorithm != "" && !jose.Fits(key.Algorithm, key.Public):
	default:
		return key, true
	}
	return jwks.Key{}, false
}
