package testutil

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns k's algorithm and thumbprint.
func (k ProofKey) LogValue() slog.Value {
	return slog.GroupValue(slog.String("alg", string(k.alg)), slog.String("jkt", k.thumbprint))
}

// Format writes what [ProofKey.LogValue] shows, for every verb of package fmt.
func (k ProofKey) Format(f fmt.State, _ rune) { show.Format(f, "testutil.ProofKey", k.LogValue()) }
