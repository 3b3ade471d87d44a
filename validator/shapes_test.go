package validator_test

import (
	"strings"
	"testing"

	"github.com/rsguard/rsguard/validator"
)

// Tokens as issuers write them, by the configuration that is for each, and
// their neighbours that must not pass.
func TestValidate_shapes(t *testing.T) {
	t.Parallel()
	type cfg = validator.Config
	issuers := func(names ...string) func(*cfg) {
		return func(c *cfg) {
			c.Issuers, c.Audiences = names, []string{"orders-api", "5e2b9c14-d07f-46a3-b1c8-83f4e6a90d27"}
		}
	}
	const (
		pool     = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Pool"
		realm    = "https://sso.example.com/realms/shop"
		entra    = "https://login.microsoftonline.com/3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71/v2.0"
		entraAPI = "5e2b9c14-d07f-46a3-b1c8-83f4e6a90d27"
	)
	cognito := func(c *cfg) {
		c.Issuers, c.Audiences, c.AudienceClaim = []string{pool}, []string{"6pool1client"}, "client_id"
		c.Checks = []validator.Check{validator.Roles([]string{"cognito:groups"}, "admins")}
	}
	keycloak := func(c *cfg) {
		c.Issuers, c.Audiences, c.AudienceClaim = []string{realm}, []string{"web-shop"}, "azp"
		c.Checks = []validator.Check{validator.AnyRole([]string{"resource_access", "orders-api", "roles"}, "reader", "writer")}
	}
	clientRoles := object{"orders-api": object{"roles": []string{"reader"}}}
	usersOrDaemons := func(c *cfg) {
		issuers(entra)(c)
		c.Checks = []validator.Check{validator.AnyOf(validator.Scopes("Orders.Read"), validator.Roles([]string{"roles"}, "Orders.Read.All"))}
	}
	skipType := func(c *cfg) { issuers(realm)(c); c.InsecureSkipTypeCheck = true }
	for _, tt := range []struct {
		name   string
		config func(*cfg)
		header object
		claims object
		want   validator.Code
	}{
		{"AD FS", issuers("http://adfs.example.com/adfs/services/trust"), object{"x5t": "QjU4"}, object{
			"iss": "http://adfs.example.com/adfs/services/trust", "aud": entraAPI, "scp": "openid orders", "appid": "9a7e",
			"auth_time": "2023-11-14T22:12:20.123Z", "sub": nil,
		}, ""},
		{"AD FS, by the address of its metadata", issuers("http://adfs.example.com/adfs/services/trust"), nil, object{
			"iss": "https://adfs.example.com/adfs", "aud": entraAPI,
		}, validator.CodeIssuer},
		{"a name without a scheme", issuers("stytch.com/project-live-1"), nil, object{"iss": "stytch.com/project-live-1", "aud": []string{"orders-api"}}, ""},
		{"a name without a scheme, of another project", issuers("stytch.com/project-live-1"), nil, object{"iss": "stytch.com/project-live-2", "aud": "orders-api"}, validator.CodeIssuer},
		{"a word", issuers("shop"), nil, object{"iss": "shop", "aud": "orders-api"}, ""},
		{"Google by its one name", issuers("https://accounts.google.com", "accounts.google.com"), nil, object{"iss": "accounts.google.com", "aud": "orders-api"}, ""},
		{"Google by its other name", issuers("https://accounts.google.com", "accounts.google.com"), nil, object{"iss": "https://accounts.google.com", "aud": "orders-api"}, ""},
		{"a service account", issuers("job@shop.iam.gserviceaccount.com"), nil, object{"iss": "job@shop.iam.gserviceaccount.com", "aud": "orders-api"}, ""},

		{"Cognito", cognito, object{"typ": nil}, object{
			"iss": pool, "aud": nil, "client_id": "6pool1client", "token_use": "access", "scope": "shop/orders.read", "cognito:groups": []string{"admins"},
		}, ""},
		{"Cognito, of another client", cognito, object{"typ": nil}, object{
			"iss": pool, "aud": nil, "client_id": "7pool1client", "token_use": "access", "cognito:groups": []string{"admins"},
		}, validator.CodeAudience},
		{"Cognito, an ID token", cognito, object{"typ": nil}, object{
			"iss": pool, "aud": "6pool1client", "token_use": "id", "cognito:groups": []string{"admins"},
		}, validator.CodeType},
		{"Cognito, for another resource", cognito, object{"typ": nil}, object{
			"iss": pool, "aud": "https://b.example.com", "client_id": "6pool1client", "token_use": "access", "cognito:groups": []string{"admins"},
		}, validator.CodeAudience},
		{"Cognito, of another group", cognito, object{"typ": nil}, object{
			"iss": pool, "aud": nil, "client_id": "6pool1client", "token_use": "access", "cognito:groups": []string{"users"},
		}, validator.CodeRole},
		{"Keycloak without a mapper", keycloak, nil, object{"iss": realm, "aud": nil, "azp": "web-shop", "typ": "Bearer", "resource_access": clientRoles}, ""},
		{"Keycloak without a mapper, a refresh token", keycloak, nil, object{"iss": realm, "aud": nil, "azp": "web-shop", "typ": "Refresh", "resource_access": clientRoles}, validator.CodeType},
		{"Keycloak without a mapper, for an account", keycloak, nil, object{"iss": realm, "aud": "account", "azp": "web-shop", "typ": "Bearer", "resource_access": clientRoles}, validator.CodeAudience},
		{"Keycloak without a mapper, without the role", keycloak, nil, object{
			"iss": realm, "aud": nil, "azp": "web-shop", "typ": "Bearer", "realm_access": object{"roles": []string{"reader"}},
		}, validator.CodeRole},
		{"Hydra, no audience asked for", func(c *cfg) { issuers(realm)(c); c.AudienceClaim = "client_id" }, nil, object{
			"iss": realm, "aud": []string{}, "client_id": "orders-api", "scp": []string{"orders.read"}, "ext": object{},
		}, ""},
		{"Hydra, no audience asked for, and no claim named", issuers(realm), nil, object{
			"iss": realm, "aud": []string{}, "client_id": "orders-api",
		}, validator.CodeClaim},
		{"Hydra, this audience asked for", issuers(realm), nil, object{"iss": realm, "aud": []string{"orders-api"}, "client_id": "orders-cli"}, ""},

		{"Entra, a user", usersOrDaemons, nil, object{"iss": entra, "aud": entraAPI, "azp": "9a7e", "scp": "Orders.Read"}, ""},
		{"Entra, a daemon", usersOrDaemons, nil, object{"iss": entra, "aud": entraAPI, "azp": "9a7e", "roles": []string{"Orders.Read.All"}}, ""},
		{"Entra, a user with another scope", usersOrDaemons, nil, object{"iss": entra, "aud": entraAPI, "scp": "Orders.Read.All"}, validator.CodeScope},
		{"Entra, a daemon with another role", usersOrDaemons, nil, object{"iss": entra, "aud": entraAPI, "roles": []string{"Orders.Read"}}, validator.CodeScope},

		{"Casdoor's permissions", issuers(realm), nil, object{"iss": realm, "aud": []string{"orders-api"}, "permissions": []any{object{"name": "order-editors"}}}, ""},
		{"Casdoor's refresh token", issuers(realm), nil, object{"iss": realm, "aud": []string{"orders-api"}, "tokenType": "refresh-token"}, validator.CodeType},
		{"Dex with a nonce", skipType, nil, object{"iss": realm, "aud": "orders-api", "at_hash": "x", "nonce": "n"}, ""},
		{"Dex without a nonce", skipType, nil, object{"iss": realm, "aud": "orders-api", "at_hash": "x"}, ""},
		{"Dex, unsaid", issuers(realm), nil, object{"iss": realm, "aud": "orders-api", "at_hash": "x"}, validator.CodeType},
		{"typ JWS", skipType, object{"typ": "JWS"}, object{"iss": realm, "aud": "orders-api"}, ""},
		{"typ JWS, unsaid", issuers(realm), object{"typ": "JWS"}, object{"iss": realm, "aud": "orders-api"}, validator.CodeType},
		{"a number in sub", issuers(realm), nil, object{"iss": realm, "aud": "orders-api", "sub": 2}, validator.CodeClaim},

		{"a workload", issuers("spiffe://example.org"), object{"typ": nil}, object{"iss": nil, "aud": []string{"orders-api"}, "sub": "spiffe://example.org/stock"}, ""},
		{"a workload of SPIRE with a name of its own", issuers("https://oidc.example.org"), nil, object{
			"iss": "https://oidc.example.org", "aud": []string{"orders-api"}, "sub": "spiffe://example.org/stock",
		}, ""},
		{"a workload of another trust domain", issuers("spiffe://example.org"), object{"typ": nil}, object{
			"iss": nil, "aud": []string{"orders-api"}, "sub": "spiffe://example.com/stock",
		}, validator.CodeIssuer},
	} {
		v := newValidator(t, tt.config)
		if claims, err := v.Validate(t.Context(), token(tt.header, tt.claims)); validator.CodeOf(err) != tt.want {
			t.Errorf("Validate(%s) = %v, %v, want code %q", tt.name, claims, err, tt.want)
		}
	}
}

// What stands in for aud is compared, and is not told as if it were aud.
func TestValidate_audienceClaim(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) { c.AudienceClaim, c.Audiences = "azp", []string{"web", "cli"} })
	claims, err := v.Validate(t.Context(), token(nil, object{"aud": nil, "azp": "cli"}))
	if err != nil || len(claims.Audience) != 0 || claims.AuthorizedParty != "cli" {
		t.Errorf("Validate() = %v, %v, want no Audience, and cli as AuthorizedParty", claims, err)
	}
	for claims, want := range map[string]validator.Step{
		"cli": {Name: "aud", Want: `one of ["web" "cli"], or that in "azp" if aud is missing or empty (Config.AudienceClaim)`, Found: `none, and "azp" ["cli"]`, Outcome: validator.Passed},
		"tv":  {Name: "aud", Want: `one of ["web" "cli"], or that in "azp" if aud is missing or empty (Config.AudienceClaim)`, Found: `none, and "azp" ["tv"]`, Outcome: validator.Failed},
	} {
		report := v.Explain(t.Context(), token(nil, object{"aud": nil, "azp": claims}))
		if got := report.Steps[5]; got != want {
			t.Errorf("Explain(azp %s) step = %+v\nwant %+v", claims, got, want)
		}
	}
}

// An empty array is no aud for what stands in, and never without that.
func TestValidate_audienceClaimEmptyArray(t *testing.T) {
	t.Parallel()
	empty := object{"aud": []string{}, "azp": "cli"}
	named := newValidator(t, func(c *validator.Config) { c.AudienceClaim, c.Audiences = "azp", []string{"cli"} })
	claims, err := named.Validate(t.Context(), token(nil, empty))
	if err != nil || len(claims.Audience) != 0 {
		t.Errorf("Validate(an empty aud, and azp in its place) = %v, %v, want no Audience, and no error", claims, err)
	}
	if got, want := named.Explain(t.Context(), token(nil, empty)).Steps[5].Found, `an empty array, and "azp" ["cli"]`; got != want {
		t.Errorf("Explain(an empty aud, and azp in its place) found = %s, want %s", got, want)
	}
	private := newValidator(t, func(c *validator.Config) { c.AudienceClaim = "https://example.com/for" })
	unnamed := newValidator(t, func(c *validator.Config) { c.Audiences = []string{"cli"} })
	for _, tt := range []struct {
		name   string
		v      *validator.Validator
		claims object
		code   validator.Code
		text   string
	}{
		{"nothing stands in", unnamed, empty, validator.CodeClaim, "or name the claim that says so in Config.AudienceClaim"},
		{"another azp", named, object{"aud": []string{}, "azp": "tv"}, validator.CodeAudience, `aud is an empty array, and "azp" (Config.AudienceClaim) is "tv", want "cli"`},
		{"no azp", named, object{"aud": []string{}, "azp": nil}, validator.CodeAudience, `aud is an empty array, and "azp" (Config.AudienceClaim) is missing`},
		{"a number in what stands in", private, object{"aud": []string{}, "https://example.com/for": []int{1}}, validator.CodeClaim, `aud is an empty array, and "https://example.com/for" (Config.AudienceClaim) is`},
		{"an empty string in aud", named, object{"aud": []string{""}, "azp": "cli"}, validator.CodeAudience, `aud is ""`},
	} {
		_, err := tt.v.Validate(t.Context(), token(nil, tt.claims))
		if validator.CodeOf(err) != tt.code || err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("Validate(%s) error = %v, want code %q and %q", tt.name, err, tt.code, tt.text)
		}
	}
}

// What stands in for aud is read again, and costs no memory.
func TestValidate_audienceClaimAllocs(t *testing.T) {
	v := newValidator(t, func(c *validator.Config) { c.AudienceClaim, c.Audiences = "azp", []string{"web", audience} })
	allocs := func(text string) float64 {
		return testing.AllocsPerRun(100, func() {
			if _, err := v.Validate(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		})
	}
	withAud, without := allocs(token(nil, object{"azp": "web"})), allocs(token(nil, object{"aud": nil, "azp": "web"}))
	if without > withAud {
		t.Errorf("Validate(a token without aud) allocates %v times, want %v as with aud", without, withAud)
	}
}
