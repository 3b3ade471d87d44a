// Package keysat lets package validator look up keys in a jwks.Cache at a time
// that it has read already: to read the clock is half of what a lookup costs.
// With an older time the lookup returns keys that are no longer good, so it is
// no part of the API of jwks.
package keysat

// Func is (*jwks.Cache).keysAt, which package jwks puts here:
//
//	func(c *jwks.Cache, ctx context.Context, kid string, now time.Time) ([]jwks.Key, error)
//
// Package jwks imports this one, so its types can't be named here.
var Func any
