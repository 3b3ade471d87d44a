// Package keyindex looks up keys by their key ID.
package keyindex

import "slices"

// An Index holds the keys of a set. A lookup costs the same in a small set and
// in a large one, and allocates nothing. An Index is never changed, so it is
// safe for concurrent use.
type Index[K any] struct {
	all  []K
	byID map[string][]K
}

// New returns an Index of a copy of keys. The function id returns a key's ID.
func New[K any](keys []K, id func(*K) string) Index[K] {
	x := Index[K]{
		all:  slices.Clip(slices.Clone(keys)),
		byID: make(map[string][]K, len(keys)),
	}
	for i := range x.all {
		kid := id(&x.all[i])
		if same, ok := x.byID[kid]; ok {
			x.byID[kid] = append(same, x.all[i]) // rare: two keys of one kid
		} else {
			x.byID[kid] = x.all[i : i+1 : i+1]
		}
	}
	for kid, keys := range x.byID {
		x.byID[kid] = slices.Clip(keys) // a caller that appends must not write into it
	}
	return x
}

// Find returns the keys with the key ID kid and reports whether there are any.
// If kid is empty it returns all keys and true.
func (x *Index[K]) Find(kid string) ([]K, bool) {
	if kid == "" {
		return x.all, true
	}
	keys, ok := x.byID[kid]
	return keys, ok
}

// All returns all keys, in their order.
func (x *Index[K]) All() []K { return x.all }
