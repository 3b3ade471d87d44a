package middleware

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/rsguard/rsguard/internal/logging"
)

// An AuditConfig says which accepted requests [Audit] records.
type AuditConfig struct {
	// Logger gets the records. If nil, [slog.Default] is used at the time.
	Logger *slog.Logger

	// OneIn records one in that many accepted requests. If it is 0 or 1, all
	// are recorded. If it is negative, only those of Routes are.
	OneIn int

	// Routes are those of which every accepted request is recorded, by
	// Event.Route.
	Routes []string

	// TokenKey is the key of [Event.TokenHash]. If it is empty, the records
	// don't name the token.
	TokenKey []byte `json:"-"`
}

// Audit returns a function for Config.Observe that writes a record, "token
// accepted", at level Info, for accepted requests. It has the fields of
// [Event.LogValue], and "token" for the hash. Rejected requests are recorded by
// Config.Logger, with or without Audit. Anonymous ones are not recorded.
func Audit(cfg AuditConfig) func(context.Context, Event) {
	routes := make(map[string]bool, len(cfg.Routes))
	for _, route := range cfg.Routes {
		routes[route] = true
	}
	key := slices.Clone(cfg.TokenKey)
	var accepted atomic.Uint64
	return func(ctx context.Context, e Event) {
		if e.Outcome != Accepted {
			return
		}
		if !routes[e.Route] && (cfg.OneIn < 0 || cfg.OneIn > 1 && accepted.Add(1)%uint64(cfg.OneIn) != 0) {
			return
		}
		if !logging.Enabled(ctx, cfg.Logger, slog.LevelInfo) {
			return
		}
		attrs := e.attrs()
		if len(key) > 0 && e.id != "" {
			attrs = append(attrs, slog.String("token", e.TokenHash(key)))
		}
		logging.Write(ctx, cfg.Logger, slog.LevelInfo, "token accepted", attrs...)
	}
}
