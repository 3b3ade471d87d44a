package clientauth

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue is what logs show of cfg, which is neither Auth nor a key.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("issuer", cfg.Issuer),
		slog.String("token_url", cfg.TokenURL),
		slog.String("client_id", cfg.ClientID),
		slog.Bool("dpop", cfg.Key != nil),
		slog.Bool("certificate", cfg.Certificate != nil),
		show.Type("validator", cfg.Validator),
		show.Type("store", cfg.Store),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "clientauth.Config", cfg.LogValue()) }

// LogValue is what logs show of c: its issuer and its name there.
func (c Client) LogValue() slog.Value {
	if c.state == nil {
		return slog.GroupValue()
	}
	return c.cfg.LogValue()
}

// Format writes what [Client.LogValue] shows, for every verb of package fmt.
func (c Client) Format(f fmt.State, _ rune) { show.Format(f, "clientauth.Client", c.LogValue()) }

// LogValue is what logs show of s: what it requests, and no token.
func (s Source) LogValue() slog.Value {
	if s.client == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(
		slog.String("client_id", s.client.cfg.ClientID),
		slog.String("audience", s.request.Audience),
		slog.String("organization", s.request.Organization),
	)
}

// Format writes what [Source.LogValue] shows, for every verb of package fmt.
func (s Source) Format(f fmt.State, _ rune) { show.Format(f, "clientauth.Source", s.LogValue()) }

// LogValue is what logs show of k: the thumbprint of its public key.
func (k Key) LogValue() slog.Value { return slog.GroupValue(slog.String("jkt", k.thumbprint)) }

// Format writes what [Key.LogValue] shows, for every verb of package fmt.
func (k Key) Format(f fmt.State, _ rune) { show.Format(f, "clientauth.Key", k.LogValue()) }

// LogValue is what logs show of t: the hosts that get tokens.
func (t Transport) LogValue() slog.Value {
	if t.transport == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.Any("hosts", t.cfg.Hosts))
}

// Format writes what [Transport.LogValue] shows, for every verb of package fmt.
func (t Transport) Format(f fmt.State, _ rune) { show.Format(f, "clientauth.Transport", t.LogValue()) }

// LogValue is what logs show of a grant, which is no token.
func (g grant) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", g.tokenType), slog.Time("expiry", g.expiry))
}

// Format writes what LogValue shows, for every verb of package fmt.
func (g grant) Format(f fmt.State, _ rune) { show.Format(f, "clientauth.grant", g.LogValue()) }
