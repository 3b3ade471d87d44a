package introspection

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

var errNoChoice = errors.New("this Choice was not made by ByForm")

// LogValue is what logs show of in: its issuer and audiences, and neither its
// credentials nor what it remembers.
func (in Introspector) LogValue() slog.Value {
	if in.cfg == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.String("issuer", in.cfg.Issuer), slog.Any("audiences", in.cfg.Audiences))
}

// Format writes what [Introspector.LogValue] shows, for every verb of package
// fmt.
func (in Introspector) Format(f fmt.State, _ rune) {
	show.Format(f, "introspection.Introspector", in.LogValue())
}

// LogValue is what logs show of c: the issuers whose tokens in JWT form are
// introspected.
func (c Choice) LogValue() slog.Value {
	if c.by == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.Any("introspected", c.by.introspected))
}

// Format writes what [Choice.LogValue] shows, for every verb of package fmt.
func (c Choice) Format(f fmt.State, _ rune) { show.Format(f, "introspection.Choice", c.LogValue()) }

// LogValue is what logs show of r, which is nothing of its header and form.
func (r AuthRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("client_id", r.ClientID), slog.String("endpoint", r.Endpoint))
}

// Format writes what [AuthRequest.LogValue] shows, for every verb of package
// fmt.
func (r AuthRequest) Format(f fmt.State, _ rune) {
	show.Format(f, "introspection.AuthRequest", r.LogValue())
}

// LogValue is what logs show of cfg, which is neither Auth nor what Keys are.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("issuer", cfg.Issuer),
		slog.String("endpoint", cfg.Endpoint),
		slog.Any("audiences", cfg.Audiences),
		slog.String("client_id", cfg.ClientID),
		show.Type("keys", cfg.Keys),
		slog.Duration("max_age", cfg.MaxAge),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "introspection.Config", cfg.LogValue()) }
