package grpctokens

import (
	"fmt"
	"log/slog"
)

// LogValue returns the fields of cfg for logs, with what Source requests, and no
// token.
func (cfg Config) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Any("hosts", cfg.Hosts), slog.Bool("insecure_no_tls", cfg.InsecureNoTLS)}
	if cfg.Source != nil {
		attrs = append(attrs, slog.Any("source", *cfg.Source))
	}
	return slog.GroupValue(attrs...)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "grpctokens.Config%v", cfg.LogValue().Resolve())
}
