package redisreplay

import (
	"fmt"
	"log/slog"
)

// LogValue is what logs show of cfg: the type of its Client, and not what that
// is connected to and by which password.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("client", fmt.Sprintf("%T", cfg.Client)),
		slog.String("prefix", cfg.Prefix),
		slog.Duration("timeout", cfg.Timeout),
		slog.Duration("clock_skew", cfg.ClockSkew),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "redisreplay.Config{client:%q prefix:%q timeout:%v clock_skew:%v}",
		fmt.Sprintf("%T", cfg.Client), cfg.Prefix, cfg.Timeout, cfg.ClockSkew)
}

// LogValue is what logs show of s: its Config, as [Config.LogValue] has it.
func (s Store) LogValue() slog.Value { return s.cfg.LogValue() }

// Format writes what [Store.LogValue] shows, for every verb of package fmt.
func (s Store) Format(f fmt.State, verb rune) { s.cfg.Format(f, verb) }
