package redistokens

import (
	"fmt"
	"log/slog"
)

// LogValue returns the fields of cfg for logs, with the type of its Client
// alone. The client's address and password are left out.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("client", fmt.Sprintf("%T", cfg.Client)),
		slog.String("prefix", cfg.Prefix),
		slog.Duration("timeout", cfg.Timeout),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "redistokens.Config{client:%q prefix:%q timeout:%v}", fmt.Sprintf("%T", cfg.Client), cfg.Prefix, cfg.Timeout)
}

// LogValue returns that of s's Config.
func (s Store) LogValue() slog.Value { return s.cfg.LogValue() }

// Format writes what [Store.LogValue] shows, for every verb of package fmt.
func (s Store) Format(f fmt.State, verb rune) { s.cfg.Format(f, verb) }
