package validator

import (
	"context"

	"github.com/rsguard/rsguard/jwks"
)

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
