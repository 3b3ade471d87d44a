// Package keysat lets package validator look up keys in a jwks.Cache with a
// time that it has already read. Reading the clock takes half of the time of a
// lookup. With an old time, the lookup would return keys that are no longer
// valid, so it is not a part of the API of jwks.
package keysat

// Func is (*jwks.Cache).keysAt, which package jwks puts here:
//
//	func(c *jwks.Cache, ctx context.Context, kid string, now time.Time) ([]jwks.Key, error)
//
// Package jwks imports this one, so its types can't be named here.
var Func any

// Again is (*jwks.Cache).keysAgain, for a token that is otherwise good and whose
// signature is by none of keys. A stranger can send such tokens without end, and
// only a caller that has checked the rest may ask.
//
//	func(c *jwks.Cache, ctx context.Context, kid string, keys []jwks.Key) []jwks.Key
var Again any
