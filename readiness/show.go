package readiness

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns the fields of cfg for logs: of Caches and Introspectors how
// many there are, and of Checks the names.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("caches", len(cfg.Caches)),
		slog.Int("introspectors", len(cfg.Introspectors)),
		slog.Any("checks", slices.Sorted(maps.Keys(cfg.Checks))),
		slog.Duration("interval", cfg.Interval),
		slog.Duration("timeout", cfg.Timeout),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "readiness.Config", cfg.LogValue()) }

// LogValue returns that of h's Config.
func (h *Handler) LogValue() slog.Value { return h.cfg.LogValue() }

// Format writes what [Handler.LogValue] shows, for every verb of package fmt.
func (h *Handler) Format(f fmt.State, _ rune) { show.Format(f, "readiness.Handler", h.LogValue()) }
