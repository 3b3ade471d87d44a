package keyfuncjwks

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns the type of k's key source.
func (k Keyfunc) LogValue() slog.Value { return slog.GroupValue(show.Type("keys", k.keys)) }

// Format writes what [Keyfunc.LogValue] shows, for every verb of package fmt.
func (k Keyfunc) Format(f fmt.State, _ rune) { show.Format(f, "keyfuncjwks.Keyfunc", k.LogValue()) }

// LogValue returns the type of s's storage, which may hold private and
// symmetric keys.
func (s KeySource) LogValue() slog.Value { return slog.GroupValue(show.Type("storage", s.storage)) }

// Format writes what [KeySource.LogValue] shows, for every verb of package fmt.
func (s KeySource) Format(f fmt.State, _ rune) { show.Format(f, "keyfuncjwks.KeySource", s.LogValue()) }
