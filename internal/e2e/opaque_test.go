package e2e_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// An API with an Introspector accepts and rejects tokens of oidc-provider, by
// every way in which it can prove to be itself, and by signed answers.
func TestOpaqueTokens(t *testing.T) {
	t.Parallel()

	s := startOpaqueServer(t)
	const api = "https://api.example.com"
	basic := introspection.ClientSecretBasic("a secret with : and %")
	tokens := map[string]string{
		"good":               s.token(t, api, nil),
		"for no API":         s.token(t, "", nil),
		"bound to a key":     s.token(t, api, testutil.DPoPKey(t)),
		"revoked":            s.token(t, api, nil),
		"of another server":  "2YotnFZFEjr1zCsicMWpAA",
		"not in b64token":    "a token",
		"revoked afterwards": s.token(t, api, nil),
	}
	s.revoke(t, tokens["revoked"])
	for _, tt := range []struct {
		name   string
		change func(*introspection.Config)
		wrong  bool // the server does not accept it
	}{
		{"basic", func(c *introspection.Config) { c.ClientID, c.Auth = "basic", basic }, false},
		{"post", func(c *introspection.Config) {
			c.ClientID, c.Auth = "post", introspection.ClientSecretPost("post-secret")
		}, false},
		{"private_key_jwt", func(c *introspection.Config) { c.ClientID, c.Auth = "jwt", introspection.PrivateKeyJWT(s.key, "k") }, false},
		{"private_key_jwt without a kid", func(c *introspection.Config) { c.ClientID, c.Auth = "jwt", introspection.PrivateKeyJWT(s.key, "") }, false},
		{"signed answers", func(c *introspection.Config) { c.ClientID, c.Auth, c.RequireSigned = "basic", basic, true }, false},
		{"a wrong secret", func(c *introspection.Config) { c.ClientID, c.Auth = "basic", introspection.ClientSecretBasic("x") }, true},
		{"no credentials", func(c *introspection.Config) {
			c.ClientID, c.Auth = "basic", func(context.Context, *introspection.AuthRequest) error { return nil }
		}, true},
	} {
		cfg := introspection.Config{Issuer: s.Issuer, Audiences: []string{api}, Logger: slog.New(slog.DiscardHandler)}
		tt.change(&cfg)
		in, err := introspection.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]validator.Code{
			"good": "", "for no API": validator.CodeAudience, "bound to a key": validator.CodeBinding, "revoked": validator.CodeRevoked,
			"of another server": validator.CodeRevoked, "not in b64token": validator.CodeMalformed,
		} {
			if tt.wrong && want != validator.CodeMalformed {
				want = validator.CodeUnavailable
			}
			claims, err := in.Validate(t.Context(), tokens[name])
			if got := validator.CodeOf(err); got != want {
				t.Errorf("%s: Validate(a token that is %s) code = %q (%v), want %q", tt.name, name, got, err, want)
			}
			if err == nil && (claims.Issuer != s.Issuer || claims.ClientID != "post" || !claims.HasScope("orders:read") || claims.ExpiresAt.IsZero()) {
				t.Errorf("%s: Validate() = %+v, want what the server has issued", tt.name, claims)
			}
		}
	}

	in, err := introspection.New(introspection.Config{Issuer: s.Issuer, Audiences: []string{api}, ClientID: "basic", Auth: basic})
	if err != nil {
		t.Fatal(err)
	}
	token := tokens["revoked afterwards"]
	if _, err := in.Validate(t.Context(), token); err != nil {
		t.Errorf("Validate() before the revocation: %v", err)
	}
	s.revoke(t, token)
	in.Forget(token)
	if _, err := in.Validate(t.Context(), token); validator.CodeOf(err) != validator.CodeRevoked {
		t.Errorf("Validate() after the revocation: %v, want %q", err, validator.CodeRevoked)
	}
}

// An opaque token that is bound to a key is accepted with a proof of it alone.
func TestOpaqueTokensBound(t *testing.T) {
	t.Parallel()

	s := startOpaqueServer(t)
	const audience = "https://api.example.com"
	in, err := introspection.New(introspection.Config{
		Issuer: s.Issuer, Audiences: []string{audience}, ClientID: "post", Auth: introspection.ClientSecretPost("post-secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: in, DPoP: proofs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	t.Cleanup(api.Close)

	key, thief := testutil.DPoPKey(t), testutil.DPoPKey(t)
	bound, plain := s.token(t, audience, key), s.token(t, audience, nil)
	target := api.URL + "/orders"
	for _, tt := range []struct {
		name, authorization, proof string
		want                       int
	}{
		{"bound, with its proof", "DPoP " + bound, key.Proof(http.MethodGet, target, bound), http.StatusOK},
		{"bound, with its proof again", "DPoP " + bound, key.Proof(http.MethodGet, target, bound), http.StatusOK},
		{"bound, without a proof", "DPoP " + bound, "", http.StatusUnauthorized},
		{"bound, under Bearer", "Bearer " + bound, "", http.StatusUnauthorized},
		{"bound, under Bearer with its proof", "Bearer " + bound, key.Proof(http.MethodGet, target, bound), http.StatusUnauthorized},
		{"bound, with a thief's proof", "DPoP " + bound, thief.Proof(http.MethodGet, target, bound), http.StatusUnauthorized},
		{"bound, with a proof for another request", "DPoP " + bound, key.Proof(http.MethodPost, target, bound), http.StatusUnauthorized},
		{"bound, with a proof for another token", "DPoP " + bound, key.Proof(http.MethodGet, target, plain), http.StatusUnauthorized},
		{"not bound, under DPoP", "DPoP " + plain, key.Proof(http.MethodGet, target, plain), http.StatusUnauthorized},
		{"not bound, under Bearer", "Bearer " + plain, "", http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", tt.authorization)
		if tt.proof != "" {
			req.Header.Set("DPoP", tt.proof)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("%s: status = %d (%s), want %d", tt.name, res.StatusCode, res.Header.Get("WWW-Authenticate"), tt.want)
		}
	}
}

func (s *opaqueServer) revoke(t *testing.T, token string) {
	t.Helper()
	res, body := s.post(t, "/token/revocation", url.Values{"token": {token}}, s.ways()["post"], nil)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("POST /token/revocation = %d %s, want 200", res.StatusCode, body)
	}
}
