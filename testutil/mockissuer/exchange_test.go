package mockissuer_test

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A client acts for the subject of a token that it has received, at another
// API and no longer than that token.
func TestExchange(t *testing.T) {
	t.Parallel()

	const stock = "https://stock.example.com"
	cfg := mockissuer.Demo()
	cfg.APIs = append(cfg.APIs, mockissuer.API{Identifier: stock}, mockissuer.API{Identifier: "https://ungranted.example.com"})
	cfg.Clients[0].Grants = append(cfg.Clients[0].Grants, mockissuer.Grant{API: stock, Scopes: []string{"stock:read"}})
	now := time.Unix(1_700_000_000, 0)
	cfg.Now = func() time.Time { return now }
	iss := open(t, cfg)
	sign := func(changes map[string]any) string {
		claims := map[string]any{"sub": "auth0|alice", "aud": audience, "exp": now.Add(5 * time.Minute), "org_id": "org_demo"}
		maps.Copy(claims, changes)
		token, err := iss.Sign(mockissuer.Token{Claims: claims})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	revoked := sign(map[string]any{"jti": "revoked"})
	iss.Revoke(revoked)

	const (
		exchange    = "urn:ietf:params:oauth:grant-type:token-exchange"
		assertion   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
		accessToken = "urn:ietf:params:oauth:token-type:access_token"
	)
	swap := machine.with(params{"grant_type": exchange, "audience": stock, "subject_token": sign(nil), "subject_token_type": accessToken})
	act := map[string]any{"sub": "demo-client"}
	for _, tt := range []struct {
		name   string
		params params
		error  string // or the act that is wanted
		act    map[string]any
	}{
		{"exchange", swap, "", act},
		{"the type of a JWT", swap.with(params{"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}), "", act},
		{"assertion", machine.with(params{"grant_type": assertion, "audience": stock, "assertion": sign(nil)}), "", act},
		{"a chain", swap.with(params{"subject_token": sign(map[string]any{"act": map[string]any{"sub": "gateway"}})}), "",
			map[string]any{"sub": "demo-client", "act": map[string]any{"sub": "gateway"}}},
		{"expired", swap.with(params{"subject_token": sign(map[string]any{"exp": now})}), "invalid_grant", nil},
		{"revoked", swap.with(params{"subject_token": revoked}), "invalid_grant", nil},
		{"an ID token", swap.with(params{"subject_token": sign(map[string]any{"aud": "demo-app"})}), "invalid_grant", nil},
		{"no token", swap.with(params{"subject_token": ""}), "invalid_grant", nil},
		{"opaque", swap.with(params{"subject_token": "x"}), "invalid_grant", nil},
		{"no type", swap.with(params{"subject_token_type": ""}), "invalid_request", nil},
		{"another type", swap.with(params{"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}), "invalid_request", nil},
		{"an ID token wanted", swap.with(params{"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}), "invalid_request", nil},
		{"an actor's token", swap.with(params{"actor_token": sign(nil), "actor_token_type": accessToken}), "invalid_request", nil},
		{"an API without a grant", swap.with(params{"audience": "https://ungranted.example.com"}), "invalid_target", nil},
		{"an unknown API", swap.with(params{"audience": "https://x.example.com"}), "invalid_target", nil},
		{"a public client", swap.with(params{"client_id": "demo-app", "client_secret": ""}), "unauthorized_client", nil},
		{"a wrong secret", swap.with(params{"client_secret": "x"}), "access_denied", nil},
	} {
		res, got := askToken(t, iss, tt.params)
		if tt.error != "" {
			if got["error"] != tt.error {
				t.Errorf("%s: %d %v, want the error %s", tt.name, res.StatusCode, got, tt.error)
			}
			continue
		}
		if res.StatusCode != 200 || got["expires_in"] != 300.0 || got["token_type"] != "Bearer" || got["scope"] != "stock:read" {
			t.Errorf("%s: %d %v, want a token of 300 seconds with the scope stock:read", tt.name, res.StatusCode, got)
			continue
		}
		if want := tt.params["grant_type"] == exchange; (got["issued_token_type"] == accessToken) != want {
			t.Errorf("%s: issued_token_type = %v, want it: %t", tt.name, got["issued_token_type"], want)
		}
		token, _ := got["access_token"].(string)
		claims := part(t, token, 1)
		text, _ := json.Marshal(claims["act"])
		want, _ := json.Marshal(tt.act)
		if claims["sub"] != "auth0|alice" || claims["aud"] != stock || claims["org_id"] != "org_demo" || claims["gty"] != nil || string(text) != string(want) {
			t.Errorf("%s: claims = %v, want alice's for stock, with the act %s", tt.name, claims, want)
		}
	}
}
