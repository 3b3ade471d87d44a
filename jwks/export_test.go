package jwks

import (
	"context"
	"time"
)

// SetJitter replaces the source of randomness, which returns a number below n.
func (c *Cache) SetJitter(jitter func(n int64) int64) { c.jitter = jitter }

// KeysAt is what package validator calls.
func (c *Cache) KeysAt(ctx context.Context, kid string, now time.Time) ([]Key, error) {
	return c.keysAt(ctx, kid, now)
}
