package jwks

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns c's issuer, or the URL of its key set. [Cache.Status] has
// more.
func (c *Cache) LogValue() slog.Value {
	return slog.GroupValue(slog.String("issuer", c.cfg.name()))
}

// Format writes what [Cache.LogValue] shows, for every verb of package fmt.
func (c *Cache) Format(f fmt.State, _ rune) { show.Format(f, "jwks.Cache", c.LogValue()) }
