package validator

import (
	"fmt"
	"log/slog"

	"github.com/rsguard/rsguard/internal/show"
)

// The methods named Format can't hide a value in an unexported field of another
// struct, because fmt does not call them there. It prints what the struct holds
// by value, and with a wrong verb, such as %s, what one pointer leads to.
// Secrets in a type without exported fields are therefore behind two pointers.

// LogValue returns the fields of cfg for logs, without Secret and the keys of
// Keys.
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

// Format writes what [Config.LogValue] returns, for every verb of package fmt.
// If a Config is in an unexported field of another struct, fmt doesn't call
// Format and prints the Secret.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "validator.Config", cfg.LogValue()) }

// LogValue returns v's issuers, audiences and algorithms.
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

// LogValue returns whether m is of [NewMuxFunc], or otherwise how many issuers
// it has.
func (m Mux) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("func", m.tenants != nil), slog.Int("issuers", len(m.byIssuer)))
}

// Format writes what [Mux.LogValue] shows, for every verb of package fmt.
func (m Mux) Format(f fmt.State, _ rune) { show.Format(f, "validator.Mux", m.LogValue()) }

// LogValue returns which token c is of, by "iss", "jti" and "client_id", when
// it expires, and which actor uses it on behalf of another, by "sub" or
// "client_id" of "act". Each is cut to 256 bytes. It has nothing of the
// subject, the audience or other claims. To log more, name it, as in c.Subject.
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
