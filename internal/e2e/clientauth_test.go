package e2e_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A service gets tokens from oidc-provider in every way in which it can prove
// to be itself, checks them, and calls an API with them, bound to its key or
// not.
func TestClientauth(t *testing.T) {
	t.Parallel()

	s := startOpaqueServer(t)
	const audience = "https://stock.example.com"
	v, err := validator.New(validator.Config{Issuers: []string{s.Issuer}, Audiences: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, DPoP: proofs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	t.Cleanup(api.Close)
	key, err := clientauth.NewKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		client string
		auth   clientauth.Authentication
		key    *clientauth.Key
		want   clientauth.Code
	}{
		{"basic", clientauth.ClientSecretBasic("a secret with : and %"), nil, ""},
		{"post", clientauth.ClientSecretPost("post-secret"), nil, ""},
		{"jwt", clientauth.PrivateKeyJWT(s.key, "k"), nil, ""},
		{"basic", clientauth.ClientSecretBasic("a secret with : and %"), key, ""},
		{"jwt", clientauth.PrivateKeyJWT(s.key, "k"), key, ""},
		{"post", clientauth.ClientSecretPost("x"), nil, clientauth.CodeRejected},
		{"nobody", clientauth.ClientSecretBasic("x"), nil, clientauth.CodeRejected},
	} {
		client, err := clientauth.New(clientauth.Config{
			Issuer: s.Issuer, ClientID: tt.client, Auth: tt.auth, Key: tt.key, Validator: v, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := client.Source(clientauth.Request{Resource: audience, Scopes: []string{"orders:read"}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = tokens.TokenContext(t.Context())
		var refused *clientauth.Error
		if tt.want != "" {
			if !errors.As(err, &refused) || refused.Code != tt.want || refused.OAuthError != "invalid_client" {
				t.Errorf("%s: TokenContext() error = %v, want %s, invalid_client", tt.client, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: TokenContext() error = %v", tt.client, err)
			continue
		}
		u, err := url.Parse(api.URL)
		if err != nil {
			t.Fatal(err)
		}
		transport, err := clientauth.NewTransport(tokens, clientauth.TransportConfig{Hosts: []string{u.Host}})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+"/orders", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := (&http.Client{Transport: transport}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != 200 || req.Header.Get("Authorization") != "" {
				t.Errorf("%s, bound %t: status = %d, want 200, and the caller's request as it was", tt.client, tt.key != nil, res.StatusCode)
			}
		}
	}
}
