package dpop

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns the fields of cfg for logs, without the contents of Replays
// and Nonces.
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

// LogValue returns that of v's Config.
func (v Verifier) LogValue() slog.Value { return v.cfg.LogValue() }

// Format writes what [Verifier.LogValue] shows, for every verb of package fmt.
func (v Verifier) Format(f fmt.State, _ rune) { show.Format(f, "dpop.Verifier", v.LogValue()) }

// LogValue returns the method of r alone. Token and Proofs are secret, the
// query of URL may have a token, and its path may name people.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.Int("proofs", len(r.Proofs)))
}

// Format writes what [Request.LogValue] shows, for every verb of package fmt.
func (r Request) Format(f fmt.State, _ rune) { show.Format(f, "dpop.Request", r.LogValue()) }

// LogValue returns m's capacity.
func (m *MemoryStore) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("capacity", m.Capacity))
}

// Format writes what [MemoryStore.LogValue] shows, for every verb of package
// fmt.
func (m *MemoryStore) Format(f fmt.State, _ rune) { show.Format(f, "dpop.MemoryStore", m.LogValue()) }

// LogValue returns the number of Secrets, and Step.
func (cfg NonceConfig) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("secrets", len(cfg.Secrets)), slog.Duration("step", cfg.Step))
}

// Format writes what [NonceConfig.LogValue] returns, for every verb of package
// fmt. If a NonceConfig is in an unexported field of another struct, fmt
// doesn't call Format and prints the Secrets.
func (cfg NonceConfig) Format(f fmt.State, _ rune) {
	show.Format(f, "dpop.NonceConfig", cfg.LogValue())
}

// LogValue returns that of n's NonceConfig.
func (n Nonces) LogValue() slog.Value {
	if n.cfg == nil {
		return slog.GroupValue()
	}
	return n.cfg.LogValue()
}

// Format writes what [Nonces.LogValue] returns, for every verb of package fmt.
// If a Nonces is in an unexported field of another struct, fmt doesn't call
// Format. It then prints at most what one pointer leads to, which is the
// address of cfg.
func (n Nonces) Format(f fmt.State, _ rune) { show.Format(f, "dpop.Nonces", n.LogValue()) }
