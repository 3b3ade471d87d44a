package validator

import (
	"context"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// keys asks for the keys with this kid. Now is the time, by v's clock.
func (v *Validator) keys(ctx context.Context, kid string, now time.Time) ([]jwks.Key, error) {
	if v.cache != nil {
		return v.cache.KeysAt(ctx, kid, now)
	}
	return v.cfg.Keys.Keys(ctx, kid)
}

// A keyIndex is a Set that finds a key at once.
type keyIndex struct {
	all  []jwks.Key
	byID map[string][]jwks.Key
}

func indexed(set jwks.Set) *keyIndex {
	index := &keyIndex{byID: make(map[string][]jwks.Key, len(set))}
	index.all = append(index.all, set...)
	for _, key := range index.all {
		index.byID[key.ID] = append(index.byID[key.ID], key)
	}
	return index
}

func (index *keyIndex) Keys(_ context.Context, kid string) ([]jwks.Key, error) {
	if kid == "" {
		return index.all, nil
	}
	return index.byID[kid], nil
}
