package dpop

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue is what logs show of cfg, which is nothing in Replays and Nonces.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("algorithms", cfg.Algorithms),
		slog.Duration("max_age", cfg.MaxAge),
		slog.Duration("leeway", cfg.Leeway),
		show.Type("replays", cfg.Replays),
		show.Type("nonces", cfg.Nonces),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "dpop.Config", cfg.LogValue()) }

// LogValue is what logs show of v: its Config, as [Config.LogValue] has it.
func (v Verifier) LogValue() slog.Value { return v.cfg.LogValue() }

// Format writes what [Verifier.LogValue] shows, for every verb of package fmt.
func (v Verifier) Format(f fmt.State, _ rune) { show.Format(f, "dpop.Verifier", v.LogValue()) }

// LogValue is what logs show of r, which is neither Token nor Proofs, nor URL,
// whose query may have a token and whose path may name people.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.Int("proofs", len(r.Proofs)))
}

// Format writes what [Request.LogValue] shows, for every verb of package fmt.
func (r Request) Format(f fmt.State, _ rune) { show.Format(f, "dpop.Request", r.LogValue()) }

// LogValue is what logs show of m: its capacity.
func (m *MemoryStore) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("capacity", m.Capacity))
}

// Format writes what [MemoryStore.LogValue] shows, for every verb of package
// fmt.
func (m *MemoryStore) Format(f fmt.State, _ rune) { show.Format(f, "dpop.MemoryStore", m.LogValue()) }

// LogValue is what logs show of cfg: how many Secrets there are, and Step.
func (cfg NonceConfig) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("secrets", len(cfg.Secrets)), slog.Duration("step", cfg.Step))
}

// Format writes what [NonceConfig.LogValue] shows, for every verb of package
// fmt. If a NonceConfig is in an unexported field of another struct, fmt prints
// it without calling Format, and Secrets with it.
func (cfg NonceConfig) Format(f fmt.State, _ rune) {
	show.Format(f, "dpop.NonceConfig", cfg.LogValue())
}

// LogValue is what logs show of n: its NonceConfig, as [NonceConfig.LogValue]
// has it.
func (n Nonces) LogValue() slog.Value {
	if n.cfg == nil {
		return slog.GroupValue()
	}
	return n.cfg.LogValue()
}

// Format writes what [Nonces.LogValue] shows, for every verb of package fmt.
// Where fmt does not call it, which is in an unexported field of another
// struct, a wrong verb, such as %s, prints what is behind one pointer, and so
// the address of cfg.
func (n Nonces) Format(f fmt.State, _ rune) { show.Format(f, "dpop.Nonces", n.LogValue()) }
