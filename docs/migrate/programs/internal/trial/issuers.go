package trial

// An Issuer is a real issuer as the programs know it. The trial answers in its
// place and signs tokens of its shape.
type Issuer struct {
	Name   string // the "iss" of its tokens
	KeySet string // the URL of its key set
	Signs  string // the algorithm of its tokens
	Secret string // of an issuer that signs with one; it has no key set

	Token    map[string]any // the claims of a good access token, beyond iss, sub, iat and exp
	OtherAPI map[string]any // what differs in a token for another API
	NoScope  map[string]any // what differs in a token without the scope
	IDToken  map[string]any // what differs in an ID token
}

// The issuers. Their tokens have the shapes that package issuers documents.
var (
	Auth0 = Issuer{
		Name:   "https://tenant.eu.auth0.com/",
		KeySet: "https://tenant.eu.auth0.com/.well-known/jwks.json",
		Signs:  "RS256",
		Token: map[string]any{
			"aud":   []string{"https://api.example.com", "https://tenant.eu.auth0.com/userinfo"},
			"azp":   "web",
			"scope": "openid orders:read",
		},
		OtherAPI: map[string]any{"aud": "https://other.example.com"},
		NoScope:  map[string]any{"scope": "openid"},
		IDToken:  idToken,
	}
	Cognito = Issuer{
		Name:   "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf",
		KeySet: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf/.well-known/jwks.json",
		Signs:  "RS256",
		Token: map[string]any{
			"aud":       nil,
			"client_id": "1example23456789",
			"token_use": "access",
			"version":   2,
			"scope":     "openid shop/orders.read",
		},
		OtherAPI: map[string]any{"client_id": "2example23456789"},
		NoScope:  map[string]any{"scope": "openid"},
		IDToken: map[string]any{
			"aud": "1example23456789", "client_id": nil, "token_use": "id", "version": nil, "scope": nil, "at_hash": "t_9Sfx3Yt9ePoGCiNTBqAw",
		},
	}
	Entra = Issuer{
		Name:   "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
		KeySet: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/discovery/v2.0/keys",
		Signs:  "RS256",
		Token: map[string]any{
			"aud": "66666666-7777-8888-9999-000000000000",
			"azp": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
			"tid": "11111111-2222-3333-4444-555555555555",
			"ver": "2.0",
			"scp": "Orders.Read",
		},
		OtherAPI: map[string]any{"aud": "00000003-0000-0000-c000-000000000000"},
		NoScope:  map[string]any{"scp": "Profile.Read"},
		IDToken:  map[string]any{"azp": nil, "scp": nil, "nonce": "n-0S6_WzA2Mj"},
	}
	Keycloak = Issuer{
		Name:   "https://sso.example.com/realms/shop",
		KeySet: "https://sso.example.com/realms/shop/protocol/openid-connect/certs",
		Signs:  "RS256",
		Token: map[string]any{
			"aud":          []string{"orders-api", "account"},
			"azp":          "web",
			"typ":          "Bearer",
			"scope":        "profile orders:read",
			"realm_access": map[string]any{"roles": []string{"customer"}},
		},
		OtherAPI: map[string]any{"aud": "account"},
		NoScope:  map[string]any{"scope": "profile"},
		IDToken:  map[string]any{"typ": "ID", "scope": nil, "realm_access": nil, "at_hash": "t_9Sfx3Yt9ePoGCiNTBqAw"},
	}
	Okta = Issuer{
		Name:   "https://acme.okta.com/oauth2/default",
		KeySet: "https://acme.okta.com/oauth2/default/v1/keys",
		Signs:  "RS256",
		Token: map[string]any{
			"aud": "api://orders",
			"cid": "0oa1example",
			"uid": "00u1example",
			"ver": 1,
			"scp": []string{"openid", "orders:read"},
		},
		OtherAPI: map[string]any{"aud": "api://default"},
		NoScope:  map[string]any{"scp": []string{"openid"}},
		IDToken:  map[string]any{"cid": nil, "uid": nil, "scp": nil, "at_hash": "t_9Sfx3Yt9ePoGCiNTBqAw"},
	}
	// RS256 and ES256 are an issuer of no particular make.
	RS256 = Issuer{
		Name:   "https://login.example.com",
		KeySet: "https://login.example.com/keys",
		Signs:  "RS256",
		Token: map[string]any{
			"aud":       "https://api.example.com",
			"client_id": "web",
			"scope":     "openid orders:read",
		},
		OtherAPI: map[string]any{"aud": "https://other.example.com"},
		NoScope:  map[string]any{"scope": "openid"},
		IDToken:  idToken,
	}
	ES256 = RS256.signing("ES256")
	// Own is a service that issues its tokens to itself.
	Own = Issuer{
		Name:   "https://shop.example.com",
		KeySet: "https://shop.example.com/keys",
		Signs:  "HS256",
		Secret: "a secret of at least 32 bytes ...",
		Token: map[string]any{
			"aud":      "https://shop.example.com/api",
			"orig_iat": 1700000000,
			"scope":    "orders:read",
		},
		OtherAPI: map[string]any{"aud": "https://other.example.com"},
		NoScope:  map[string]any{"scope": "profile"},
		IDToken:  idToken,
	}
)

// An ID token is for a client. This one is for a client that has the API's
// name, and has the scope, so that nothing but its kind can reject it.
var idToken = map[string]any{"nonce": "n-0S6_WzA2Mj", "at_hash": "t_9Sfx3Yt9ePoGCiNTBqAw"}

func (iss Issuer) signing(alg string) Issuer {
	iss.Signs = alg
	return iss
}

// algorithms are those that the mock issuer needs a key pair for.
func (iss Issuer) algorithms() []string {
	if iss.Secret != "" {
		return nil
	}
	return []string{iss.Signs}
}
