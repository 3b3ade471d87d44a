package idtoken

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/validator"
)

// Claims are the verified claims of an ID token. They are no claims of an
// access token, and say nothing of what the user may do at an API.
//
// A user is known by Issuer and Subject together. Neither a name nor an email
// address is unique, or stays the same (OpenID Connect Core 1.0, Section 5.7).
//
// In JSON they are their exported fields, from which they can be read back,
// such as for a session. Package fmt and logs show only which token they are
// of. See [Claims.LogValue].
type Claims struct {
	Issuer          string   // iss
	Subject         string   // sub
	Audience        []string // aud
	AuthorizedParty string   // azp, or empty
	ID              string   // jti, or empty

	ExpiresAt time.Time // exp
	IssuedAt  time.Time // iat
	AuthTime  time.Time // auth_time, or zero

	Nonce     string   // nonce, or empty
	ACR       string   // acr, or empty
	AMR       []string // amr
	SessionID string   // sid, by which a logout token names the session

	OrgID   string // org_id
	OrgName string // org_name

	token validator.Claims
}

// Decode stores the token's claims, including private ones such as name and
// email, in the value that v points to. The rules are those of
// [validator.Claims.Decode]. Claims that were read back from JSON can't be
// decoded.
func (c *Claims) Decode(v any) error { return c.token.Decode(v) }

// KeyID returns the "kid" of the token's header.
func (c *Claims) KeyID() string { return c.token.KeyID() }

// Algorithm returns the "alg" of the token's header.
func (c *Claims) Algorithm() string { return c.token.Algorithm() }

// LogValue returns which token c is of, by "iss" and "jti", and when it
// expires. It has nothing of the user.
func (c Claims) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 3)
	for _, claim := range []struct{ name, text string }{{"iss", c.Issuer}, {"jti", c.ID}} {
		if claim.text != "" {
			attrs = append(attrs, slog.String(claim.name, show.Cut(claim.text, maxQuoted)))
		}
	}
	if !c.ExpiresAt.IsZero() {
		attrs = append(attrs, slog.Time("exp", c.ExpiresAt))
	}
	return slog.GroupValue(attrs...)
}

// Format writes what [Claims.LogValue] shows, for every verb of package fmt.
func (c Claims) Format(f fmt.State, _ rune) { show.Format(f, "idtoken.Claims", c.LogValue()) }

// LogValue returns the fields of cfg for logs, without Secret and the keys of
// Keys.
func (cfg Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("issuers", cfg.Issuers),
		slog.String("client_id", cfg.ClientID),
		slog.Any("algorithms", cfg.Algorithms),
		show.Type("keys", cfg.Keys),
		slog.Bool("secret", cfg.Secret != nil),
	)
}

// Format writes what [Config.LogValue] returns, for every verb of package fmt.
func (cfg Config) Format(f fmt.State, _ rune) { show.Format(f, "idtoken.Config", cfg.LogValue()) }

// LogValue returns v's issuers and client.
func (v Verifier) LogValue() slog.Value {
	if v.cfg == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.Any("issuers", v.cfg.Issuers), slog.String("client_id", v.cfg.ClientID))
}

// Format writes what [Verifier.LogValue] shows, for every verb of package fmt.
func (v Verifier) Format(f fmt.State, _ rune) { show.Format(f, "idtoken.Verifier", v.LogValue()) }

// LogValue returns which kinds of value are expected. Nonce, AccessToken and
// Code are secrets.
func (e Expected) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Bool("nonce", e.Nonce != ""),
		slog.Bool("previous", e.Previous != nil),
		slog.Bool("access_token", e.AccessToken != ""),
		slog.Bool("code", e.Code != ""),
		slog.Duration("max_age", e.MaxAge),
		slog.Any("acr", e.ACR),
		slog.String("organization", e.Organization),
	)
}

// Format writes what [Expected.LogValue] shows, for every verb of package fmt.
func (e Expected) Format(f fmt.State, _ rune) { show.Format(f, "idtoken.Expected", e.LogValue()) }
