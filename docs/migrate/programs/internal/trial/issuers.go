package trial

import (
	"fmt"
	"maps"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// An Issuer is a real issuer as the programs know it. The trial answers in its
// place and signs tokens of its shape.
type Issuer struct {
	Shape    string // the name of a mockissuer.Shape; if empty, that of RFC 9068
	Name     string // the "iss" of its tokens
	KeySet   string // the URL of its key set
	Audience string // the API
	Scope    string // of a good token
	Signs    string // the algorithm of its tokens, RS256 by default
	Secret   string // of an issuer that signs with one; it has no key set
}

// The issuers.
var (
	Auth0 = Issuer{
		Shape:    "Auth0",
		Name:     "https://tenant.eu.auth0.com/",
		KeySet:   "https://tenant.eu.auth0.com/.well-known/jwks.json",
		Audience: "https://api.example.com",
		Scope:    "openid orders:read",
	}
	Cognito = Issuer{
		Shape:    "Cognito",
		Name:     "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf",
		KeySet:   "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf/.well-known/jwks.json",
		Audience: "1example23456789",
		Scope:    "openid shop/orders.read",
	}
	Entra = Issuer{
		Shape:    "Entra",
		Name:     "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
		KeySet:   "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/discovery/v2.0/keys",
		Audience: "66666666-7777-8888-9999-000000000000",
		Scope:    "Orders.Read",
	}
	Keycloak = Issuer{
		Shape:    "Keycloak",
		Name:     "https://sso.example.com/realms/shop",
		KeySet:   "https://sso.example.com/realms/shop/protocol/openid-connect/certs",
		Audience: "orders-api",
		Scope:    "profile orders:read",
	}
	Okta = Issuer{
		Shape:    "Okta",
		Name:     "https://acme.okta.com/oauth2/default",
		KeySet:   "https://acme.okta.com/oauth2/default/v1/keys",
		Audience: "api://orders",
		Scope:    "openid orders:read",
	}
	// RS256 and ES256 are an issuer of no particular make.
	RS256 = Issuer{
		Name:     "https://login.example.com",
		KeySet:   "https://login.example.com/keys",
		Audience: "https://api.example.com",
		Scope:    "openid orders:read",
	}
	ES256 = Issuer{
		Name:     "https://login.example.com",
		KeySet:   "https://login.example.com/keys",
		Audience: "https://api.example.com",
		Scope:    "openid orders:read",
		Signs:    "ES256",
	}
	// Own is a service that issues its tokens to itself.
	Own = Issuer{
		Name:     "https://shop.example.com",
		KeySet:   "https://shop.example.com/keys",
		Audience: "https://shop.example.com/api",
		Scope:    "orders:read",
		Signs:    "HS256",
		Secret:   "a secret of at least 32 bytes ...",
	}
)

// shape returns the form of the issuer's tokens, with its own values.
func (iss Issuer) shape() (mockissuer.Shape, error) {
	shape := plain()
	if iss.Shape != "" {
		found, ok := mockissuer.ShapeOf(iss.Shape)
		if !ok {
			return mockissuer.Shape{}, fmt.Errorf("there is no shape %s", iss.Shape)
		}
		shape = found
	}
	shape.Issuer, shape.Audience, shape.Subject, shape.Scope = iss.Name, iss.Audience, subject, iss.Scope
	shape.Secret = iss.Secret
	if iss.Signs != "" {
		shape.Algorithm = iss.Signs
	}
	return shape, nil
}

// plain is the shape of an issuer of no particular make.
func plain() mockissuer.Shape {
	return mockissuer.Shape{
		Client:    "web",
		Algorithm: "RS256",
		Type:      "JWT",
		Claims: map[string]any{
			"iss": "{issuer}", "sub": "{subject}", "aud": "{audience}", "client_id": "{client}", "scope": "{scope}",
		},
		Others: []mockissuer.OtherToken{
			{Kind: mockissuer.KindAPI, Claims: map[string]any{"aud": "https://other.example.com"}},
			{Kind: mockissuer.KindID, Claims: map[string]any{
				"aud": "{client}", "client_id": nil, "scope": nil, "nonce": "n-0S6_WzA2Mj", "at_hash": "t_9Sfx3Yt9ePoGCiNTBqAw",
			}},
		},
	}
}

// other returns a token of that kind, which the shape must have.
func other(shape mockissuer.Shape, kind mockissuer.TokenKind) mockissuer.Token {
	found, ok := shape.Find(kind)
	if !ok {
		panic(fmt.Sprintf("the shape %s has no token of the kind %s", shape.Name, kind))
	}
	return shape.Other(found, time.Now())
}

// markedIDToken returns an ID token that has the audience and the scope of an
// access token, so that nothing but its kind can reject it. It has at_hash,
// since the ID tokens of some issuers are told from their access tokens by
// audience and scope alone.
func markedIDToken(shape mockissuer.Shape) mockissuer.Token {
	token, access := other(shape, mockissuer.KindID), shape.AccessToken(time.Now())
	for _, name := range []string{"aud", "client_id", "scope", "scp"} {
		if value, ok := access.Claims[name]; ok {
			token.Claims[name] = value
		}
	}
	token.Claims["at_hash"] = "t_9Sfx3Yt9ePoGCiNTBqAw"
	return token
}

// with returns the access token with changed claims.
func with(claims map[string]any) func(mockissuer.Shape) mockissuer.Token {
	return func(shape mockissuer.Shape) mockissuer.Token {
		token := shape.AccessToken(time.Now())
		maps.Copy(token.Claims, claims)
		return token
	}
}
