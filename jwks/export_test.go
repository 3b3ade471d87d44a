package jwks

import (
	"context"
	"time"
)

// SetJitter replaces the source of randomness, which returns a number below n.
func (c *Cache) SetJitter(jitter func(n int64) int64) { c.jitter = jitter }

// KeysAgain is what package validator calls after a failed signature.
func (c *Cache) KeysAgain(ctx context.Context, kid string, keys []Key) []Key {
	return c.keysAgain(ctx, kid, keys)
}

// KeysAt is what package validator calls.
func (c *Cache) KeysAt(ctx context.Context, kid string, now time.Time) ([]Key, error) {
	return c.keysAt(ctx, kid, now)
}
