package redisjwks

import (
	"fmt"
	"log/slog"
)

// LogValue returns the fields of cfg for logs, with the types of its Client and
// Transport alone. The Key is left out, and so are the client's address and
// password.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("client", fmt.Sprintf("%T", cfg.Client)),
		slog.Bool("sealed", !cfg.InsecureUnsealed),
		slog.String("prefix", cfg.Prefix),
		slog.Duration("interval", cfg.Interval),
		slog.Duration("max_age", cfg.MaxAge),
		slog.Duration("max_stale", cfg.MaxStale),
		slog.Duration("timeout", cfg.Timeout),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "redisjwks.Config{client:%q sealed:%t prefix:%q interval:%v max_age:%v max_stale:%v timeout:%v}",
		fmt.Sprintf("%T", cfg.Client), !cfg.InsecureUnsealed, cfg.Prefix, cfg.Interval, cfg.MaxAge, cfg.MaxStale, cfg.Timeout)
}

// LogValue returns that of t's Config.
func (t Transport) LogValue() slog.Value { return t.cfg.LogValue() }

// Format writes what [Transport.LogValue] shows, for every verb of package fmt.
func (t Transport) Format(f fmt.State, verb rune) { t.cfg.Format(f, verb) }
