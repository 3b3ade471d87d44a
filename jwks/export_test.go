package jwks

import (
	"context"
	"time"
)

// KeysAt is what package validator calls.
func (c *Cache) KeysAt(ctx context.Context, kid string, now time.Time) ([]Key, error) {
	return c.keysAt(ctx, kid, now)
}
