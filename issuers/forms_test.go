package issuers_test

import (
	"testing"

	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

type claims = map[string]any

// Issuers write more forms of the same tokens than the one that a shape has,
// for applications without a user, other versions, or other settings. What is
// an access token for the API is accepted in each of them.
func TestForms(t *testing.T) {
	iss, keySet := signer(t)
	const euProject = "Peuc12gotLL7ZROo6LTAOK1XGv0cqsqX" // the region is in the ID
	euDescope := func(s *mockissuer.Shape) {
		s.Args[0], s.Audience = euProject, euProject
		s.Issuer = "https://api.euc1.descope.com/v1/apps/" + euProject
		s.KeySet = "https://api.euc1.descope.com/" + euProject + "/.well-known/jwks.json"
	}
	customPolicy := func(s *mockissuer.Shape) {
		s.Args[2] = "B2C_1A_signup_signin"
		s.KeySet = "https://shop.b2clogin.com/shop.onmicrosoft.com/b2c_1a_signup_signin/discovery/v2.0/keys"
	}
	updatedIssuer := func(s *mockissuer.Shape) {
		s.Issuer = "https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf"
	}
	const entraTenant = "3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71"
	china := func(s *mockissuer.Shape) {
		const at = "https://login.partner.microsoftonline.cn/" + entraTenant
		s.Args[0], s.Issuer, s.KeySet = "login.partner.microsoftonline.cn", at+"/v2.0", at+"/discovery/v2.0/keys"
	}
	entraV1 := func(sts string) claims {
		return claims{"iss": sts + entraTenant + "/", "ver": "1.0", "azp": nil, "azpacr": nil, "appid": "9a7e3d61-52c8-4f0b-8e1d-7b64c0f2a935"}
	}
	gitHubServer := func(s *mockissuer.Shape) {
		s.Issuer = "https://github.example.com/_services/token"
		s.Args[0] = s.Issuer
	}
	twoPolicies := func(s *mockissuer.Shape) { s.Args = append(s.Args, "B2C_1_edit") }
	for _, tt := range []struct {
		shape, form string
		edit        func(*mockissuer.Shape)
		header      map[string]any
		claims      claims
		want        validator.Code
	}{
		{"Auth0", "of an application", nil, nil, claims{"sub": "Zk3vQ8@clients", "gty": "client-credentials", "aud": "https://api.example.com"}, ""},
		{"Auth0", "of the RFC 9068 profile", nil, claims{"typ": "at+jwt"}, claims{"azp": nil, "client_id": "Zk3vQ8", "jti": "j"}, ""},
		{"Okta", "of an application", nil, nil, claims{"uid": nil, "sub": "0oa8spa1bcDEFghi5d7", "auth_time": nil}, ""},
		{"Entra", "of an application", nil, nil, claims{"scp": nil, "roles": []any{"Orders.Read.All"}, "idtyp": "app", "azpacr": "1", "name": nil, "preferred_username": nil}, ""},
		{"Entra", "of a user in too many groups", nil, nil, claims{"_claim_names": claims{"groups": "src1"}, "_claim_sources": claims{"src1": claims{"endpoint": "https://graph.windows.net/x"}}}, ""},
		{"EntraV1", "of a user", nil, claims{"x5t": "k"}, claims{"roles": nil, "scp": "Orders.Read", "aud": "5e2b9c14-d07f-46a3-b1c8-83f4e6a90d27", "amr": []any{"pwd"}, "acr": "1"}, ""},
		{"EntraV1", "of a user, the ID token", nil, nil, claims{"roles": nil, "appid": nil, "appidacr": nil, "aud": "5e2b9c14-d07f-46a3-b1c8-83f4e6a90d27"}, validator.CodeType},
		{"EntraExternalID", "of an application", nil, nil, claims{"scp": nil, "roles": []any{"Orders.Read.All"}}, ""},
		// Microsoft's own examples of custom policies have the name in lower case.
		{"AzureB2C", "of a custom policy", customPolicy, nil, claims{"tfp": nil, "acr": "b2c_1a_signup_signin"}, ""},
		{"AzureB2C", "of another custom policy", customPolicy, nil, claims{"tfp": nil, "acr": "b2c_1a_signup_signin2"}, validator.CodeRefused},
		{"AzureB2C", "of two policies", customPolicy, nil, claims{"tfp": "B2C_1_other", "acr": "b2c_1a_signup_signin"}, validator.CodeRefused},
		{"AzureB2C", "of the second policy that was named", twoPolicies, nil, claims{"tfp": "B2C_1_edit"}, ""},
		{"AzureB2C", "of a third policy", twoPolicies, nil, claims{"tfp": "B2C_1_reset"}, validator.CodeRefused},
		{"AzureB2C", "of a policy that is a number", nil, nil, claims{"tfp": 1, "acr": "B2C_1_signin"}, validator.CodeRefused},
		{"AzureB2C", "of no policy", nil, nil, claims{"tfp": nil}, validator.CodeRefused},
		{"Cognito", "of an application", nil, nil, claims{"username": nil, "cognito:groups": nil, "sub": "6pool1example2client3id4567"}, ""},
		{"Cognito", "of the updated issuer", updatedIssuer, nil, nil, ""},
		{"CognitoResource", "of the updated issuer", updatedIssuer, nil, nil, ""},
		{"Cognito", "of another pool's updated issuer", updatedIssuer, nil, claims{"iss": "https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_ZyX987wVu"}, validator.CodeIssuer},
		{"Keycloak", "of a lightweight client", nil, nil, claims{"sub": nil, "realm_access": nil, "resource_access": nil, "name": nil, "sid": nil, "acr": nil}, ""},
		{"Keycloak", "of a service account", nil, nil, claims{"client_id": "shop", "azp": "shop", "clientHost": "192.0.2.1", "sid": nil, "preferred_username": "service-account-shop"}, ""},
		{"Keycloak", "with the header of RFC 9068", nil, claims{"typ": "at+jwt"}, nil, ""},
		{"Keycloak", "the offline token", nil, nil, claims{"typ": "Offline"}, validator.CodeType},
		{"CloudflareAccess", "of a service token", nil, nil, claims{"common_name": "e367826f93b8d71185e03fe518aff3b4.access", "sub": "", "email": nil, "identity_nonce": nil, "country": nil, "nbf": nil}, ""},
		{"Clerk", "of version 1", nil, claims{"cat": "cl_B7d4PD111AAA"}, claims{"v": nil, "sts": nil, "o": nil, "pla": nil, "org_id": "org_1", "org_permissions": []any{"org:a:b"}}, ""},
		{"Descope", "with the project's ID alone", nil, nil, claims{"iss": "P2abcDEFghiJKLmnoPQRstuVWXyz"}, ""},
		{"Descope", "with the project's URL", nil, nil, claims{"iss": "https://api.descope.com/P2abcDEFghiJKLmnoPQRstuVWXyz"}, ""},
		{"Descope", "of a region", euDescope, nil, nil, ""},
		{"Descope", "of a region, with the project's URL", euDescope, nil, claims{"iss": "https://api.euc1.descope.com/" + euProject}, ""},
		{"Descope", "of a region, with the URL of another", euDescope, nil, claims{"iss": "https://api.descope.com/v1/apps/" + euProject}, validator.CodeIssuer},
		{"WorkOS", "of an older environment", nil, nil, claims{"iss": "https://api.workos.com"}, ""},
		{"WorkOS", "of an older environment, with a slash", nil, nil, claims{"iss": "https://api.workos.com/"}, ""},
		{"WorkOS", "of an older environment, of another client", nil, nil, claims{"iss": "https://api.workos.com/", "client_id": "client_01HOTHER000000000000000000"}, validator.CodeAudience},
		{"WorkOS", "with aud", nil, nil, claims{"aud": "client_01HEXAMPLE0000000000000000"}, ""},
		{"StytchB2B", "of a connected app", nil, nil, claims{"https://stytch.com/session": nil, "scope": "openid"}, validator.CodeType},
		{"UAA", "with jku", nil, claims{"jku": "https://uaa.example.com/token_keys"}, nil, ""},
		{"PingOne", "of an application", nil, nil, claims{"sub": nil, "sid": nil, "acr": nil, "auth_time": nil}, ""},
		{"Duende", "of an application", nil, nil, claims{"sub": nil, "amr": nil, "idp": nil, "sid": nil, "auth_time": nil, "jti": nil}, ""},
		{"Duende", "with one text of scopes and the static audience", nil, nil, claims{"scope": "orders.read", "aud": []any{"orders", "https://id.example.com/resources"}}, ""},
		{"Authelia", "of an application", nil, nil, claims{"sub": nil}, ""},
		{"Authelia", "without scopes", nil, nil, claims{"sub": nil, "scope": nil, "scp": []any{}}, ""},
		{"Authelia", "the ID token, without at_hash", nil, claims{"typ": "JWT"}, claims{"azp": "web-shop", "amr": []any{"pwd"}, "auth_time": 1, "scope": nil, "scp": nil}, validator.CodeType},
		{"Hydra", "with one text of scopes", nil, nil, claims{"scp": nil, "scope": "orders.read"}, ""},
		{"Casdoor", "of JWT-Standard", nil, nil, claims{"owner": nil, "roles": nil, "permissions": nil, "id": nil, "type": nil, "address": claims{"locality": "x"}}, ""},
		{"EntraCloud", "of version 1.0", nil, nil, entraV1("https://sts.windows.net/"), ""},
		{"EntraCloud", "of version 1.0 in China", nil, nil, entraV1("https://sts.chinacloudapi.cn/"), validator.CodeIssuer},
		{"EntraCloud", "in China", china, nil, nil, ""},
		{"EntraCloud", "in China, of version 1.0", china, nil, entraV1("https://sts.chinacloudapi.cn/"), ""},
		{"EntraCloud", "in China, of version 1.0 elsewhere", china, nil, entraV1("https://sts.windows.net/"), validator.CodeIssuer},
		{"GitHubActionsAt", "of GitHub Enterprise Server", gitHubServer, nil, nil, ""},
		{"GitHubActionsAt", "of GitHub Enterprise Server, with the issuer of github.com", gitHubServer, nil,
			claims{"iss": "https://token.actions.githubusercontent.com"}, validator.CodeIssuer},
		{"GitHubActions", "with immutable names", nil, nil, claims{"sub": "repo:acme@65/orders@74:ref:refs/heads/main"}, ""},
	} {
		s, ok := mockissuer.ShapeOf(tt.shape)
		if !ok {
			t.Fatalf("there is no shape %s", tt.shape)
		}
		if tt.edit != nil {
			tt.edit(&s)
		}
		serve(&s, keySet)
		cfg, err := configOf(&s)
		if err != nil {
			t.Fatalf("%s error = %v", tt.shape, err)
		}
		v, err := validator.New(cfg)
		if err != nil {
			t.Fatalf("New(%s) error = %v", tt.shape, err)
		}
		token := s.Other(mockissuer.OtherToken{Claims: tt.claims}, iss.Now())
		for name, value := range tt.header {
			token.Header[name] = value
		}
		if _, err := v.Validate(t.Context(), sign(t, iss, token)); validator.CodeOf(err) != tt.want {
			t.Errorf("%s: Validate(token %s) = %v, want %q", tt.shape, tt.form, err, tt.want)
		}
	}
}
