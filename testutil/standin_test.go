package testutil_test

import (
	"slices"
	"testing"

	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// sure returns the Config of a preset with an error.
func sure(t *testing.T) func(validator.Config, error) validator.Config {
	return func(cfg validator.Config, err error) validator.Config {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
}

// A stand-in has the values of the service's configuration, not those of the
// shape's example.
func TestStandIn(t *testing.T) {
	sure := sure(t)
	byClient := issuers.Keycloak("http://keycloak:8080/realms/dev", "dev-client")
	byClient.InsecureHTTP, byClient.AudienceClaim = true, "azp"
	ps256 := issuers.Auth0("tenant.example.com", "orders")
	ps256.Algorithms = []validator.Algorithm{validator.PS256}
	for _, tt := range []struct {
		name   string
		cfg    validator.Config
		claims testutil.Claims
		issuer string
		client string
		scopes []string
	}{
		{name: "Keycloak", cfg: issuers.Keycloak("https://id.example.net/realms/a", "stock-api"), issuer: "https://id.example.net/realms/a", client: "web-shop"},
		{name: "keycloak", cfg: byClient, issuer: "http://keycloak:8080/realms/dev", client: "dev-client"},
		{name: "Auth0", cfg: ps256, issuer: "https://tenant.example.com/", client: "Zk3vQ8mB1xT0nR5yW7uE2aLs9dFgHjKp"},
		{name: "Okta", cfg: sure(issuers.Okta("https://acme.okta.com/oauth2/aus1", "api://stock")), claims: testutil.Claims{"scope": "stock:read stock:write"},
			issuer: "https://acme.okta.com/oauth2/aus1", client: "0oa8spa1bcDEFghi5d7", scopes: []string{"stock:read", "stock:write"}},
		{name: "Entra", cfg: sure(issuers.Entra("b5c1", "f00d")), issuer: "https://login.microsoftonline.com/b5c1/v2.0", client: "9a7e3d61-52c8-4f0b-8e1d-7b64c0f2a935"},
		{name: "EntraV1", cfg: sure(issuers.Entra("b5c1", "f00d")), issuer: "https://sts.windows.net/b5c1/", client: "9a7e3d61-52c8-4f0b-8e1d-7b64c0f2a935"},
		{name: "Cognito", cfg: sure(issuers.Cognito("us-east-1", "us-east-1_Z", "client-1", "client-2")), issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Z", client: "client-1"},
		{name: "Clerk", cfg: sure(issuers.Clerk("acme.clerk.accounts.dev", "https://a.example.com")), issuer: "https://acme.clerk.accounts.dev", client: "https://a.example.com"},
		{name: "Logto", cfg: sure(issuers.Logto("b.logto.app", "https://stock.example.com")), issuer: "https://b.logto.app/oidc", client: "d7kmhydgwoopt2ldp8ps9"},
		{name: "GitHubActions", cfg: sure(issuers.GitHubActions("stock", "acme/web")), claims: testutil.Claims{"repository": "acme/web"}, issuer: "https://token.actions.githubusercontent.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			standIn := testutil.NewIssuer(t).As(tt.name, tt.cfg)
			v, err := validator.New(standIn.Config)
			if err != nil {
				t.Fatal(err)
			}
			claims, err := v.Validate(t.Context(), standIn.Token(tt.claims))
			if err != nil {
				t.Fatalf("Validate(access token) = %v, want it accepted", err)
			}
			if claims.Issuer != tt.issuer || claims.ClientID != tt.client || tt.scopes != nil && !slices.Equal(claims.Scopes, tt.scopes) {
				t.Errorf("Validate(access token) = issuer %q, client %q, scopes %q, want %q, %q, %q", claims.Issuer, claims.ClientID, claims.Scopes, tt.issuer, tt.client, tt.scopes)
			}
			bad := standIn.BadTokens()
			if len(bad) < 3 {
				t.Errorf("BadTokens has %d tokens, want 3 at least", len(bad))
			}
			for _, b := range bad {
				if _, err := v.Validate(t.Context(), b.Token); string(validator.CodeOf(err)) != b.Code || b.Reason == "" {
					t.Errorf("Validate(%s: %q) = %v, want %q", b.Name, b.Reason, err, b.Code)
				}
			}
		})
	}
}

// Every preset accepts what a stand-in writes for it.
func TestStandInForEach(t *testing.T) {
	iss := testutil.NewIssuer(t, mockissuer.Config{URL: "https://mock.example.com/"})
	for _, shape := range mockissuer.Shapes() {
		cfg := validator.Config{Issuers: []string{shape.Issuer}, Audiences: []string{shape.Audience, "api://" + shape.Audience}, InsecureSkipTypeCheck: true}
		if shape.Claims["aud"] == nil {
			cfg.AudienceClaim = "azp"
			if shape.Claims["azp"] == nil {
				cfg.AudienceClaim = "client_id"
			}
		}
		standIn := iss.As(shape.Name, cfg)
		v, err := validator.New(standIn.Config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Validate(t.Context(), standIn.Token(nil)); err != nil {
			t.Errorf("Validate(access token of %s) = %v, want it accepted", shape.Name, err)
		}
		iss.Advance(1 << 40) // lets unknown keys be fetched again
	}
}
