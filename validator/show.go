package validator

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// The methods named Format hide nothing where fmt does not call them, which is
// in an unexported field of another struct. It prints what is there by value,
// and with a wrong verb, such as %s, what is behind one pointer. So what is
// secret in a type without exported fields is behind a second one.

// LogValue is what logs show of cfg, which is neither Secret nor what Keys are.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("issuers", cfg.Issuers),
		slog.Any("audiences", cfg.Audiences),
		slog.String("audience_claim", cfg.AudienceClaim),
		slog.Any("algorithms", cfg.Algorithms),
		slog.Bool("insecure_http", cfg.InsecureHTTP),
		show.Type("keys", cfg.Keys),
		slog.Bool("secret", cfg.Secret != nil),
		slog.Duration("leeway", cfg.Leeway),
		slog.Int("checks", len(cfg.Checks)),
		slog.Int("cache_size", cfg.CacheSize),
	)
}

// Format writes what [Config.LogValue] shows, for every verb of package fmt. If
// a Config is in an unexported field of another struct, fmt prints it without
// calling Format, and Secret with it.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "validator.Config", cfg.LogValue()) }

// LogValue is what logs show of v: its issuers, audiences and algorithms.
func (v Validator) LogValue() slog.Value {
	if v.cfg == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(
		slog.Any("issuers", v.cfg.Issuers),
		slog.Any("audiences", v.cfg.Audiences),
		slog.Any("algorithms", v.algorithms),
	)
}

// Format writes what [Validator.LogValue] shows, for every verb of package fmt.
func (v Validator) Format(f fmt.State, _ rune) {
	show.Format(f, "validator.Validator", v.LogValue())
}

// LogValue is what logs show of m: whether it is of [NewMuxFunc], and if not,
// how many issuers it has.
func (m Mux) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("func", m.tenants != nil), slog.Int("issuers", len(m.byIssuer)))
}

// Format writes what [Mux.LogValue] shows, for every verb of package fmt.
func (m Mux) Format(f fmt.State, _ rune) { show.Format(f, "validator.Mux", m.LogValue()) }

// LogValue is what logs show of c: which token it is, by "iss", "jti" and
// "client_id", who acts with it on behalf of another, by "sub" or "client_id"
// of "act" (cut to 256 bytes each), and until when. It is nothing of the
// subject, of what the token is for, or of its other claims. What else should
// be in a log is named there, as in c.Subject.
func (c Claims) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 5)
	for _, claim := range []struct{ name, text string }{
		{"iss", c.Issuer}, {"jti", c.ID}, {"client_id", c.ClientID}, {"actor", c.actorName()},
	} {
		if claim.text != "" {
			attrs = append(attrs, slog.String(claim.name, cut(claim.text)))
		}
	}
	if !c.ExpiresAt.IsZero() {
		attrs = append(attrs, slog.Time("exp", c.ExpiresAt))
	}
	return slog.GroupValue(attrs...)
}

// Format writes what [Claims.LogValue] shows, for every verb of package fmt.
func (c Claims) Format(f fmt.State, _ rune) { show.Format(f, "validator.Claims", c.LogValue()) }
