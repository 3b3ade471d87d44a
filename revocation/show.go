package revocation

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns r's issuer and times, and the claims that it compares without
// their values, which may name people.
func (r Rule) LogValue() slog.Value {
	var by []string
	for d := range dimensions {
		if r.value(d) != "" {
			by = append(by, names[d].claim)
		}
	}
	return slog.GroupValue(
		slog.String("issuer", show.Cut(r.Issuer, 256)),
		slog.Any("by", by),
		slog.Time("issued_before", r.IssuedBefore),
		slog.Time("until", r.Until),
	)
}

// Format writes what [Rule.LogValue] shows, for every verb of package fmt.
func (r Rule) Format(f fmt.State, _ rune) { show.Format(f, "revocation.Rule", r.LogValue()) }

// LogValue returns the fields of cfg for logs, and the type of its Feed.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("capacity", cfg.Capacity),
		slog.Duration("token_lifetime", cfg.TokenLifetime),
		show.Type("feed", cfg.Feed),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "revocation.Config", cfg.LogValue()) }

// LogValue returns that of l's Config.
func (l *List) LogValue() slog.Value { return l.cfg.LogValue() }

// Format writes what [List.LogValue] shows, for every verb of package fmt.
func (l *List) Format(f fmt.State, _ rune) { show.Format(f, "revocation.List", l.LogValue()) }
