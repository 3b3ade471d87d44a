package keyfuncjwks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/keyindex"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A KeySource is a key source for a validator that reads the keys of a
// keyfunc.Keyfunc. It is safe for concurrent use.
type KeySource struct {
	storage jwkset.Storage
	latest  *atomic.Pointer[reading]
}

// A reading is what a storage held at a time. It is never changed.
type reading struct {
	at   time.Time
	keys keyindex.Index[jwks.Key] // the usable ones
}

// lifetime is how long a reading is used. A storage can be read only as a whole,
// and each of its keys must be checked, so a token would cost more the more keys
// there are.
const lifetime = time.Second

var _ validator.KeySource = (*KeySource)(nil)

// Source returns a KeySource that reads the keys of k. It returns an error if k
// or its storage is nil.
//
// The keyfunc decides when keys are fetched, and how long they are used. What
// its storage holds is read at most once a second, so a key that it drops is
// used for up to a second more. It doesn't return the member "issuer" of a key, which says in Microsoft's common
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
	return &KeySource{s, new(atomic.Pointer[reading])}, nil
}

// Keys returns the keys with the ID kid, or all keys if kid is empty. It leaves
// out those that [jwks.Parse] would leave out: private and symmetric keys, weak
// ones, and those for another use. If there is no such kid, the storage's
// KeyRead is called, which may fetch. The error wraps [jwks.ErrUnavailable] if
// the storage fails or has no usable key, and ctx.Err() if ctx is done. The
// caller must not change the result.
func (s *KeySource) Keys(ctx context.Context, kid string) ([]jwks.Key, error) {
	if s.storage == nil {
		return nil, fmt.Errorf("%w: the KeySource was not made by Source", jwks.ErrUnavailable)
	}
	r := s.latest.Load()
	if r == nil || uint64(time.Since(r.at)) >= uint64(lifetime) { // or if the clock was set back
		var err error
		if r, err = s.read(ctx); err != nil {
			return nil, err
		}
	}
	usable := len(r.keys.All()) > 0
	if keys, ok := r.keys.Find(kid); ok {
		return keys, availability(usable)
	}

	one, err := s.storage.KeyRead(ctx, kid)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, unavailable(ctx, err)
	case err != nil:
		// The key was not found, or was not looked up because there were too many
		// lookups. There are other usable keys then.
		return nil, availability(usable)
	}
	key, ok := keyOf(&one)
	if !ok || key.ID != kid {
		return nil, availability(usable || ok)
	}
	// The key is new. There may be another with its ID.
	if r, err := s.read(ctx); err == nil {
		if keys, ok := r.keys.Find(kid); ok {
			return keys, nil
		}
	}
	return []jwks.Key{key}, nil
}

// read reads all keys.
func (s *KeySource) read(ctx context.Context) (*reading, error) {
	r := &reading{at: time.Now()}
	all, err := s.storage.KeyReadAll(ctx)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	var keys []jwks.Key
	for i := range all {
		if key, ok := keyOf(&all[i]); ok {
			keys = append(keys, key)
		}
	}
	r.keys = keyindex.New(keys, func(k *jwks.Key) string { return k.ID })
	s.latest.Store(r)
	return r, nil
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
