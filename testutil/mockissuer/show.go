package mockissuer

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// LogValue returns the URL of iss. It discloses neither its keys nor its
// tokens.
func (iss Issuer) LogValue() slog.Value { return slog.GroupValue(slog.String("url", iss.URL)) }

// Format writes what [Issuer.LogValue] shows, for every verb of package fmt.
func (iss Issuer) Format(f fmt.State, _ rune) { show.Format(f, "mockissuer.Issuer", iss.LogValue()) }

// LogValue returns the URLs of cfg, and the number of its other entries. It
// discloses neither Keys nor a secret.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("url", cfg.URL),
		slog.Any("domains", cfg.Domains),
		slog.Any("algorithms", cfg.Algorithms),
		slog.Int("clients", len(cfg.Clients)),
		slog.Int("apis", len(cfg.APIs)),
		slog.Int("organizations", len(cfg.Organizations)),
		slog.Int("users", len(cfg.Users)),
		slog.Bool("keys", len(cfg.Keys) > 0),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "mockissuer.Config", cfg.LogValue()) }

// LogValue returns the name of c, and whether it has a Secret.
func (c Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.String("name", c.Name), slog.Bool("secret", c.Secret != ""))
}

// Format writes what [Client.LogValue] shows, for every verb of package fmt.
func (c Client) Format(f fmt.State, _ rune) { show.Format(f, "mockissuer.Client", c.LogValue()) }

// LogValue returns the name of a, and whether it has a Secret.
func (a API) LogValue() slog.Value {
	return slog.GroupValue(slog.String("identifier", a.Identifier), slog.String("name", a.Name), slog.Bool("secret", a.Secret != ""))
}

// Format writes what [API.LogValue] shows, for every verb of package fmt.
func (a API) Format(f fmt.State, _ rune) { show.Format(f, "mockissuer.API", a.LogValue()) }

// LogValue returns how t is signed, without Key and Secret.
func (t Token) LogValue() slog.Value {
	return slog.GroupValue(slog.String("alg", t.Algorithm), slog.String("kid", t.KeyID))
}

// Format writes what [Token.LogValue] shows, for every verb of package fmt.
func (t Token) Format(f fmt.State, _ rune) { show.Format(f, "mockissuer.Token", t.LogValue()) }

// LogValue returns where s is sent, without its Authorization.
func (s Stream) LogValue() slog.Value {
	return slog.GroupValue(slog.String("audience", s.Audience), slog.String("url", s.URL))
}

// Format writes what [Stream.LogValue] shows, for every verb of package fmt.
func (s Stream) Format(f fmt.State, _ rune) { show.Format(f, "mockissuer.Stream", s.LogValue()) }
