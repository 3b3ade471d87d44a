package middleware

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns the type of cfg's Validator, and settings that clients learn
// too.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		show.Type("validator", cfg.Validator),
		slog.Bool("optional", cfg.Optional),
		slog.Bool("dpop", cfg.DPoP != nil),
		slog.Bool("require_binding", cfg.RequireBinding),
		slog.Bool("revocations", cfg.Revocations != nil),
		slog.Bool("insecure_report_only", cfg.InsecureReportOnly),
		slog.String("realm", cfg.Realm),
		slog.String("resource_metadata", cfg.ResourceMetadata),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "middleware.Config", cfg.LogValue()) }

// LogValue returns the fields of cfg for logs, without TokenKey.
func (cfg AuditConfig) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("one_in", cfg.OneIn), slog.Any("routes", cfg.Routes))
}

// Format writes what [AuditConfig.LogValue] returns, for every verb of package
// fmt.
func (cfg AuditConfig) Format(f fmt.State, _ rune) {
	show.Format(f, "middleware.AuditConfig", cfg.LogValue())
}

// LogValue returns that of a's Config.
func (a Authenticator) LogValue() slog.Value { return a.cfg.LogValue() }

// Format writes what [Authenticator.LogValue] shows, for every verb of package
// fmt.
func (a Authenticator) Format(f fmt.State, _ rune) {
	show.Format(f, "middleware.Authenticator", a.LogValue())
}

// LogValue returns the scopes that g's checks require, which clients learn too.
func (g Guard) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("checks", len(g.checks)), slog.String("scopes", g.scopes))
}

// Format writes what [Guard.LogValue] shows, for every verb of package fmt.
func (g Guard) Format(f fmt.State, _ rune) { show.Format(f, "middleware.Guard", g.LogValue()) }
