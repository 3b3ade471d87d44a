package revocation

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/validator"
)

func showSender(sender validator.Config, list Revoker) slog.Value {
	return slog.GroupValue(
		slog.Any("issuers", sender.Issuers), slog.Any("audiences", sender.Audiences), show.Type("list", list),
	)
}

// LogValue returns the issuers and audiences of cfg for logs.
func (cfg LogoutConfig) LogValue() slog.Value { return showSender(cfg.Sender, cfg.List) }

// Format writes what [LogoutConfig.LogValue] shows, for every verb of package
// fmt.
func (cfg LogoutConfig) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.LogoutConfig", cfg.LogValue())
}

// LogValue returns that of l's LogoutConfig.
func (l LogoutReceiver) LogValue() slog.Value {
	if l.receiver == nil {
		return slog.GroupValue()
	}
	return l.receiver.cfg.LogValue()
}

// Format writes what [LogoutReceiver.LogValue] shows, for every verb of package
// fmt.
func (l LogoutReceiver) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.LogoutReceiver", l.LogValue())
}

// LogValue returns the issuers and audiences of cfg for logs, and not its
// Authorization.
func (cfg EventConfig) LogValue() slog.Value { return showSender(cfg.Sender, cfg.List) }

// Format writes what [EventConfig.LogValue] shows, for every verb of package
// fmt.
func (cfg EventConfig) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.EventConfig", cfg.LogValue())
}

// LogValue returns that of e's EventConfig.
func (e EventReceiver) LogValue() slog.Value {
	if e.receiver == nil {
		return slog.GroupValue()
	}
	return e.receiver.cfg.LogValue()
}

// Format writes what [EventReceiver.LogValue] shows, for every verb of package
// fmt.
func (e EventReceiver) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.EventReceiver", e.LogValue())
}

// LogValue returns the URL of cfg for logs.
func (cfg PollConfig) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", cfg.URL), slog.Int("max_events", cfg.MaxEvents))
}

// Format writes what [PollConfig.LogValue] shows, for every verb of package
// fmt.
func (cfg PollConfig) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.PollConfig", cfg.LogValue())
}

// LogValue returns that of p's PollConfig.
func (p EventPoller) LogValue() slog.Value {
	if p.poller == nil {
		return slog.GroupValue()
	}
	return p.poller.cfg.LogValue()
}

// Format writes what [EventPoller.LogValue] shows, for every verb of package
// fmt.
func (p EventPoller) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.EventPoller", p.LogValue())
}

// LogValue returns the realm and the clients of cfg for logs.
func (cfg KeycloakConfig) LogValue() slog.Value { return showSender(cfg.Sender, cfg.List) }

// Format writes what [KeycloakConfig.LogValue] shows, for every verb of package
// fmt.
func (cfg KeycloakConfig) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.KeycloakConfig", cfg.LogValue())
}

// LogValue returns the realm of k.
func (k KeycloakReceiver) LogValue() slog.Value {
	if k.receiver == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.String("realm", k.receiver.realm))
}

// Format writes what [KeycloakReceiver.LogValue] shows, for every verb of
// package fmt.
func (k KeycloakReceiver) Format(f fmt.State, _ rune) {
	show.Format(f, "revocation.KeycloakReceiver", k.LogValue())
}
