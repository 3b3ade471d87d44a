package issuers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

type config = func() (validator.Config, error)

func sure(cfg validator.Config) config {
	return func() (validator.Config, error) { return cfg, nil }
}

// A shape is what an issuer's tokens look like. Claims are JSON. To each, iss,
// iat and exp are added if they are not there.
type shape struct {
	name     string
	config   config
	iss      string
	alg, typ string // RS256, and no typ

	keys string // URL, if it is not one below iss

	access  string
	id      string // differences from access; empty if there is none beside it
	refresh string // likewise; empty if it is opaque
	tenant  string // likewise, of another tenant; iss is another one if empty
	api     string // likewise, of another API; aud is another one if empty

	idAccepted bool // nothing tells the ID token from an access token

	mistake string // differences of the usual mistake
	log     string // a part of its log line
}

const (
	tid   = "3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71"
	api   = "5e2b9c14-d07f-46a3-b1c8-83f4e6a90d27"
	graph = "00000003-0000-0000-c000-000000000000"
)

var shapes = []shape{
	{name: "Auth0", config: sure(issuers.Auth0("shop.eu.auth0.com", "https://api.example.com")), iss: "https://shop.eu.auth0.com/", typ: "JWT",
		access:  `{"aud":["https://api.example.com","https://shop.eu.auth0.com/userinfo"],"azp":"Zk3","sub":"auth0|1","scope":"openid orders:read"}`,
		id:      `{"aud":"Zk3","azp":null,"scope":null,"nonce":"n"}`,
		mistake: `{"aud":"https://other.example.com"}`, log: "audience=https://api.example.com"},
	{name: "Okta", config: func() (validator.Config, error) {
		return issuers.Okta("https://dev-114.okta.com/oauth2/default", "api://default")
	}, iss: "https://dev-114.okta.com/oauth2/default",
		access:  `{"aud":"api://default","cid":"0oa8spa","uid":"00u3u","scp":["openid","orders:read"],"sub":"ada","ver":1}`,
		id:      `{"aud":"0oa8spa","cid":null,"scp":null,"at_hash":"x"}`,
		mistake: `{"iss":"https://dev-114.okta.com"}`, log: `iss is "https://dev-114.okta.com"`},
	{name: "Entra", config: func() (validator.Config, error) { return issuers.Entra(tid, api) },
		iss: "https://login.microsoftonline.com/" + tid + "/v2.0", typ: "JWT", keys: "https://login.microsoftonline.com/" + tid + "/discovery/v2.0/keys",
		access:  `{"aud":"` + api + `","azp":"9a7e","scp":"Orders.Read","sub":"p","tid":"` + tid + `","ver":"2.0"}`,
		id:      `{"scp":null,"azp":null,"nonce":"n"}`,
		mistake: `{"aud":"` + graph + `"}`, log: graph},
	{name: "Entra v1", config: func() (validator.Config, error) { return issuers.Entra(tid, api) },
		iss: "https://sts.windows.net/" + tid + "/", typ: "JWT", keys: "https://login.microsoftonline.com/" + tid + "/discovery/v2.0/keys",
		access:  `{"aud":"api://` + api + `","appid":"9a7e","roles":["Orders.All"],"sub":"p","tid":"` + tid + `","ver":"1.0"}`,
		id:      `{"aud":"` + api + `","roles":null}`,
		mistake: `{"roles":null}`, log: "neither scp nor roles"},
	{name: "EntraTenants", config: func() (validator.Config, error) { return issuers.EntraTenants(api, tid, "t2") },
		iss: "https://login.microsoftonline.com/t2/v2.0", typ: "JWT", keys: "https://login.microsoftonline.com/common/discovery/v2.0/keys",
		access: `{"aud":"` + api + `","azp":"9a7e","scp":"Orders.Read","sub":"p","tid":"t2","ver":"2.0"}`,
		id:     `{"scp":null,"nonce":"n"}`, mistake: `{"iss":"https://login.microsoftonline.com/t3/v2.0"}`, log: "t3"},
	{name: "EntraAppKeys", config: func() (validator.Config, error) { return issuers.EntraAppKeys(tid, api) },
		iss: "https://login.microsoftonline.com/" + tid + "/v2.0", typ: "JWT",
		keys:   "https://login.microsoftonline.com/" + tid + "/discovery/v2.0/keys?appid=" + api,
		access: `{"aud":"` + api + `","azp":"9a7e","scp":"Orders.Read","sub":"p","tid":"` + tid + `","ver":"2.0"}`,
		id:     `{"scp":null,"nonce":"n"}`, mistake: `{"aud":"` + graph + `"}`, log: graph},
	{name: "EntraExternalID", config: func() (validator.Config, error) { return issuers.EntraExternalID("shop", tid, api) },
		iss: "https://" + tid + ".ciamlogin.com/" + tid + "/v2.0", typ: "JWT", keys: "https://shop.ciamlogin.com/" + tid + "/discovery/v2.0/keys",
		access: `{"aud":"` + api + `","azp":"9a7e","scp":"Orders.Read","sub":"p","tid":"` + tid + `","ver":"2.0"}`,
		id:     `{"scp":null,"nonce":"n"}`, mistake: `{"scp":null}`, log: "neither scp nor roles"},
	{name: "AzureB2C", config: func() (validator.Config, error) { return issuers.AzureB2C("shop", tid, "B2C_1_signin", api) },
		iss: "https://shop.b2clogin.com/" + tid + "/v2.0/", typ: "JWT",
		keys:   "https://shop.b2clogin.com/shop.onmicrosoft.com/b2c_1_signin/discovery/v2.0/keys",
		access: `{"aud":"` + api + `","azp":"9a7e","scp":"orders.read","tfp":"B2C_1_signin","sub":"s","nonce":"n","ver":"1.0"}`,
		id:     `{"scp":null,"azp":null}`, mistake: `{"tfp":"B2C_1_other"}`, log: "B2C_1_signin"},
	{name: "ADFS", config: func() (validator.Config, error) {
		return issuers.ADFS("adfs.example.com", "microsoft:identityserver:"+api)
	}, iss: "http://adfs.example.com/adfs/services/trust", typ: "JWT", keys: "https://adfs.example.com/adfs/discovery/keys",
		access:  `{"aud":"microsoft:identityserver:` + api + `","appid":"9a7e","apptype":"Public","auth_time":"2026-12-01T11:59:00.123Z","scp":"openid orders","ver":"1.0"}`,
		id:      `{"iss":"https://adfs.example.com/adfs","aud":"9a7e","appid":"9a7e"}`,
		mistake: `{"aud":"urn:microsoft:userinfo"}`, log: "urn:microsoft:userinfo"},
	{name: "Cognito", config: func() (validator.Config, error) {
		return issuers.Cognito("eu-central-1", "eu-central-1_AbC", "6pool")
	}, iss: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC",
		access: `{"client_id":"6pool","token_use":"access","scope":"shop/orders.read","sub":"c","cognito:groups":["admins"]}`,
		id:     `{"client_id":null,"scope":null,"token_use":"id","aud":"6pool"}`, api: `{"client_id":"7pool"}`,
		mistake: `{"client_id":"7pool"}`, log: `"client_id" (Config.AudienceClaim) is "7pool"`},
	{name: "CognitoResource", config: func() (validator.Config, error) {
		return issuers.CognitoResource("eu-central-1", "eu-central-1_AbC", "https://api.example.com")
	}, iss: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC",
		access: `{"aud":"https://api.example.com","client_id":"6pool","token_use":"access","scope":"s/r","sub":"c"}`,
		id:     `{"client_id":null,"token_use":"id","aud":"6pool"}`, mistake: `{"aud":null}`, log: "aud is missing"},
	{name: "Keycloak", config: sure(issuers.Keycloak("https://sso.example.com/realms/shop", "orders-api")), iss: "https://sso.example.com/realms/shop", typ: "JWT",
		access:  `{"aud":["orders-api","account"],"azp":"web-shop","typ":"Bearer","acr":"1","sub":"c","scope":"openid","realm_access":{"roles":["buyer"]},"jti":"onrtac:7b1"}`,
		id:      `{"aud":"web-shop","typ":"ID","at_hash":"x"}`,
		refresh: `{"aud":"https://sso.example.com/realms/shop","typ":"Refresh"}`,
		mistake: `{"aud":null}`, log: "aud is missing"},
	{name: "Google", config: func() (validator.Config, error) {
		return issuers.Google("https://run.example.com", "job@p.iam.gserviceaccount.com")
	}, iss: "https://accounts.google.com", typ: "JWT",
		access: `{"aud":"https://run.example.com","azp":"1","sub":"1","email":"job@p.iam.gserviceaccount.com","email_verified":true}`,
		tenant: `{"email":"job@q.iam.gserviceaccount.com"}`, mistake: `{"email":null,"email_verified":null}`, log: "includeEmail"},
	{name: "GoogleIAP", config: func() (validator.Config, error) { return issuers.GoogleIAP("/projects/7/global/backendServices/9") },
		iss: "https://cloud.google.com/iap", alg: "ES256", typ: "JWT", keys: "https://www.gstatic.com/iap/verify/public_key-jwk",
		access:  `{"aud":"/projects/7/global/backendServices/9","sub":"accounts.google.com:1","email":"accounts.google.com:ada@example.com"}`,
		mistake: `{"aud":"/projects/7/global/backendServices/8"}`, log: "backendServices/8"},
	{name: "Firebase", config: func() (validator.Config, error) { return issuers.Firebase("shop-1") }, iss: "https://securetoken.google.com/shop-1", typ: "JWT",
		access:  `{"aud":"shop-1","sub":"u1","user_id":"u1","auth_time":1,"firebase":{"sign_in_provider":"password"}}`,
		mistake: `{"iss":"https://session.firebase.google.com/shop-1"}`, log: "session.firebase.google.com"},
	{name: "CloudflareAccess", config: func() (validator.Config, error) { return issuers.CloudflareAccess("acme", "32eafc") },
		iss: "https://acme.cloudflareaccess.com", typ: "JWT", keys: "https://acme.cloudflareaccess.com/cdn-cgi/access/certs",
		access:  `{"aud":["32eafc"],"type":"app","sub":"7335","email":"a@example.com"}`,
		mistake: `{"type":"org"}`, log: `"type"`},
	{name: "GitHubActions", config: func() (validator.Config, error) {
		return issuers.GitHubActions("https://deploy.example.com", "acme/orders")
	}, iss: "https://token.actions.githubusercontent.com", typ: "JWT",
		access: `{"aud":"https://deploy.example.com","repository":"acme/orders","sub":"repo:acme/orders:ref:refs/heads/main","ref":"refs/heads/main"}`,
		tenant: `{"repository":"evil/orders"}`, mistake: `{"aud":"https://github.com/acme"}`, log: "https://github.com/acme"},
	{name: "GitLabCI", config: func() (validator.Config, error) {
		return issuers.GitLabCI("https://gitlab.com", "https://deploy.example.com", "acme/orders")
	}, iss: "https://gitlab.com", typ: "JWT",
		access: `{"aud":"https://deploy.example.com","project_path":"acme/orders","sub":"project_path:acme/orders:ref_type:branch:ref:main"}`,
		tenant: `{"project_path":"evil/orders"}`, id: `{"project_path":null}`, mistake: `{"project_path":"evil/orders"}`, log: "acme/orders"},
	{name: "KubernetesIssuer", config: func() (validator.Config, error) {
		return issuers.KubernetesIssuer("https://oidc.eks.eu-central-1.amazonaws.com/id/E1", "orders-api", "shop:web")
	}, iss: "https://oidc.eks.eu-central-1.amazonaws.com/id/E1",
		access:  `{"aud":["orders-api"],"sub":"system:serviceaccount:shop:web"}`,
		mistake: `{"sub":"system:serviceaccount:shop:cron"}`, log: "system:serviceaccount:shop:web"},
	{name: "Clerk", config: func() (validator.Config, error) { return issuers.Clerk("clerk.example.com", "https://app.example.com") },
		iss: "https://clerk.example.com", typ: "JWT", keys: "https://clerk.example.com/.well-known/jwks.json",
		access: `{"azp":"https://app.example.com","sid":"sess_1","sub":"user_1","v":2,"sts":"active"}`,
		id:     `{"sid":null,"aud":"client","at_hash":"x"}`, api: `{"azp":"https://other.example.com"}`,
		mistake: `{"sts":"pending"}`, log: "pending"},
	{name: "Supabase", config: func() (validator.Config, error) { return issuers.Supabase("abcd") }, alg: "ES256", typ: "JWT",
		iss: "https://abcd.supabase.co/auth/v1", keys: "https://abcd.supabase.co/auth/v1/.well-known/jwks.json",
		access:  `{"aud":"authenticated","role":"authenticated","sub":"u","aal":"aal1","session_id":"s"}`,
		mistake: `{"iss":"supabase","aud":null,"role":"anon"}`, log: "supabase"},
	{name: "WorkOS", config: func() (validator.Config, error) { return issuers.WorkOS("client_01") },
		iss: "https://api.workos.com/user_management/client_01", keys: "https://api.workos.com/sso/jwks/client_01",
		access: `{"client_id":"client_01","sid":"session_1","sub":"user_1","org_id":"org_1","role":"member","permissions":["posts:read"]}`,
		api:    `{"client_id":"client_02"}`, mistake: `{"client_id":null}`, log: `"client_id" (Config.AudienceClaim) is missing`},
	{name: "Descope", config: func() (validator.Config, error) { return issuers.Descope("P2abc") }, typ: "JWT",
		iss: "https://api.descope.com/v1/apps/P2abc", keys: "https://api.descope.com/P2abc/.well-known/jwks.json",
		access: `{"aud":["P2abc"],"drn":"DS","sub":"U2","amr":["oauth"]}`, refresh: `{"drn":"DSR"}`,
		mistake: `{"aud":null}`, log: "aud is missing"},
	{name: "Stytch", config: func() (validator.Config, error) { return issuers.Stytch("project-live-1") }, typ: "JWT",
		iss: "stytch.com/project-live-1", keys: "https://api.stytch.com/v1/sessions/jwks/project-live-1",
		access:  `{"aud":["project-live-1"],"sub":"user-live-1","https://stytch.com/session":{"id":"s"}}`,
		mistake: `{"https://stytch.com/session":null}`, log: "https://stytch.com/session"},
	{name: "StytchB2B", config: func() (validator.Config, error) { return issuers.StytchB2B("project-test-1") }, typ: "JWT",
		iss: "stytch.com/project-test-1", keys: "https://test.stytch.com/v1/b2b/sessions/jwks/project-test-1",
		access:  `{"aud":["project-test-1"],"sub":"member-1","https://stytch.com/session":{"id":"s"}}`,
		mistake: `{"https://stytch.com/session":null}`, log: "https://stytch.com/session"},
	{name: "FusionAuth", config: func() (validator.Config, error) { return issuers.FusionAuth("auth.example.com", "acme.com", "e9fd") },
		iss: "acme.com", typ: "JWT", keys: "https://auth.example.com/.well-known/jwks.json",
		access: `{"aud":"e9fd","applicationId":"e9fd","scope":"openid","jti":"j","tid":"t","roles":[],"tty":"at","sub":"0"}`,
		id:     `{"scope":null,"tty":"id"}`, mistake: `{"tty":null,"jti":null}`, log: `"tty"`},
	{name: "PingOne", config: func() (validator.Config, error) { return issuers.PingOne("auth.pingone.eu", "env1", "orders-api") },
		iss:    "https://auth.pingone.eu/env1/as",
		access: `{"aud":["orders-api"],"client_id":"c1","env":"env1","scope":"orders:read","sub":"u"}`,
		id:     `{"aud":"c1","client_id":null,"at_hash":"x"}`, mistake: `{"aud":["https://api.pingone.eu"]}`, log: "https://api.pingone.eu"},
	{name: "PingFederate", config: sure(issuers.PingFederate("https://sso.example.com", "orders-api")), iss: "https://sso.example.com",
		access: `{"aud":"orders-api","client_id":"c1","scope":["orders:read"],"jti":"j"}`,
		id:     `{"aud":"c1","client_id":null,"sub":"u"}`, mistake: `{"aud":null}`, log: "aud is missing"},
	{name: "ForgeRock", config: sure(issuers.ForgeRock("https://am.example.com:443/am/oauth2/realms/root/realms/alpha", "orders-api")), typ: "JWT",
		iss:    "https://am.example.com:443/am/oauth2/realms/root/realms/alpha",
		access: `{"aud":"orders-api","client_id":"c1","tokenName":"access_token","cts":"OAUTH2_STATELESS_GRANT","scope":["orders"],"realm":"/alpha","sub":"u"}`,
		id:     `{"tokenName":"id_token"}`, refresh: `{"tokenName":"refresh_token"}`, mistake: `{"aud":"c1"}`, log: `aud is "c1"`},
	{name: "WSO2", config: sure(issuers.WSO2("https://is.example.com:9443/oauth2/token", "orders-api")), typ: "at+jwt", iss: "https://is.example.com:9443/oauth2/token",
		access: `{"aud":["c1","orders-api"],"aut":"APPLICATION_USER","azp":"c1","client_id":"c1","scope":"orders","sub":"u"}`,
		id:     `{"aut":null,"scope":null,"at_hash":"x"}`, mistake: `{"aud":"c1"}`, log: `aud is "c1"`},
	{name: "Oracle", config: func() (validator.Config, error) {
		return issuers.Oracle("idcs-1.identity.oraclecloud.com", "https://api.example.com/")
	}, iss: "https://identity.oraclecloud.com/", typ: "JWT", keys: "https://idcs-1.identity.oraclecloud.com/admin/v1/SigningCert/jwk",
		access: `{"aud":"https://api.example.com/","tok_type":"AT","client_id":"c1","scope":"read","tenant":"idcs-1","sub":"u"}`,
		id:     `{"tok_type":"IT"}`, mistake: `{"aud":["https://idcs-1.identity.oraclecloud.com"]}`, log: "https://idcs-1.identity.oraclecloud.com"},
	{name: "UAA", config: func() (validator.Config, error) { return issuers.UAA("uaa.example.com", "orders") },
		iss: "https://uaa.example.com/oauth/token", typ: "JWT", keys: "https://uaa.example.com/token_keys",
		access:  `{"aud":["portal","orders"],"client_id":"portal","cid":"portal","azp":"portal","jti":"67cc","scope":["orders.read"],"zid":"uaa","sub":"u"}`,
		refresh: `{"jti":"67cc-r","scope":null,"azp":null}`, id: `{"aud":["portal"],"scope":["openid"]}`,
		mistake: `{"aud":["portal","openid"]}`, log: `"portal"`},
	{name: "Zitadel", config: func() (validator.Config, error) { return issuers.Zitadel("acme.zitadel.cloud", "2001") }, iss: "https://acme.zitadel.cloud",
		access: `{"aud":["1001@shop","2001"],"azp":"1001@shop","client_id":"1001@shop","jti":"j","sub":"u"}`,
		id:     `{"jti":null}`, mistake: `{"aud":["1001@shop"]}`, log: "1001@shop"},
	{name: "Authentik", config: sure(issuers.Authentik("https://auth.example.com/application/o/shop/", "c1")), iss: "https://auth.example.com/application/o/shop/", typ: "JWT",
		access: `{"aud":"c1","azp":"c1","uid":"U","acr":"goauthentik.io/providers/oauth2/default","sub":"u"}`,
		id:     `{"azp":null,"uid":null,"nonce":"n"}`, mistake: `{"aud":"c2"}`, log: `aud is "c2"`},
	{name: "Authelia", config: sure(issuers.Authelia("https://auth.example.com", "https://api.example.com")), iss: "https://auth.example.com", typ: "at+jwt",
		access: `{"aud":["https://api.example.com"],"client_id":"c1","jti":"j","scope":"orders","sub":"u"}`,
		id:     `{"aud":["c1"],"at_hash":"x"}`, mistake: `{"aud":[]}`, log: "empty array"},
	{name: "Logto", config: func() (validator.Config, error) { return issuers.Logto("acme.logto.app", "https://api.example.com") },
		iss: "https://acme.logto.app/oidc", alg: "ES384", typ: "at+jwt",
		access: `{"aud":"https://api.example.com","client_id":"c1","jti":"j","scope":"read","sub":"u"}`,
		id:     `{"aud":"c1","client_id":null,"at_hash":"x"}`, mistake: `{"aud":"https://other.example.com"}`, log: "https://other.example.com"},
	{name: "Dex", config: sure(issuers.Dex("https://dex.example.com", "orders-cli")), iss: "https://dex.example.com", typ: "JWT",
		access: `{"aud":"orders-cli","at_hash":"x","nonce":"n","email":"ada@example.com","groups":["eng"],"sub":"c"}`,
		id:     `{"at_hash":"y"}`, idAccepted: true, mistake: `{"aud":"web"}`, log: `aud is "web"`},
	{name: "Casdoor", config: sure(issuers.Casdoor("https://door.example.com", "a1b2")), iss: "https://door.example.com", typ: "JWT",
		access:  `{"aud":["a1b2"],"azp":"a1b2","tokenType":"access-token","type":"normal-user","permissions":[{"name":"p"}],"scope":"openid","sub":"c"}`,
		refresh: `{"tokenType":"refresh-token"}`, mistake: `{"aud":["c3d4"],"azp":"c3d4"}`, log: `aud is "c3d4"`},
	{name: "Hydra", config: sure(issuers.Hydra("https://hydra.example.com/", "https://api.example.com")), iss: "https://hydra.example.com/", typ: "JWT",
		access: `{"aud":["https://api.example.com"],"client_id":"c1","ext":{},"scp":["orders.read"],"jti":"j","sub":"c1"}`,
		id:     `{"aud":["c1"],"client_id":null,"scp":null,"at_hash":"x"}`, mistake: `{"aud":[]}`, log: "empty array"},
	{name: "Duende", config: sure(issuers.Duende("https://id.example.com", "orders")), iss: "https://id.example.com", typ: "at+jwt",
		access: `{"aud":"orders","client_id":"c1","scope":["orders.read"],"jti":"j"}`,
		id:     `{"aud":"c1","client_id":null,"scope":null,"at_hash":"x"}`, mistake: `{"aud":null}`, log: "aud is missing"},
	{name: "OpenIddict", config: sure(issuers.OpenIddict("https://id.example.com/", "orders")), iss: "https://id.example.com/", typ: "at+jwt",
		access: `{"aud":"orders","client_id":"c1","oi_tkn_id":"t","oi_prst":"c1","scope":"orders.read","jti":"j","sub":"u"}`,
		id:     `{"aud":"c1","client_id":null,"scope":null,"at_hash":"x"}`, mistake: `{"aud":null}`, log: "aud is missing"},
}

// served holds the documents of all issuers by URL.
var served = map[string]string{}

func TestMain(m *testing.M) {
	// The presets fetch keys by clients of their own, which are copies of this
	// transport. Everything goes to one server, whatever the name.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := served["https://"+r.Host+r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t := http.DefaultTransport.(*http.Transport)
	t.Proxy = nil
	t.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func signer(t *testing.T) (*mockissuer.Issuer, string) {
	t.Helper()
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://signer.example.com/", Algorithms: []string{"RS256", "ES256", "ES384"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = iss.Close() })
	w := httptest.NewRecorder()
	iss.ServeHTTP(w, httptest.NewRequest("GET", iss.URL[:len(iss.URL)-1]+string(mockissuer.EndpointKeySet), nil))
	return iss, w.Body.String()
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	members := map[string]any{}
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return members
}

// token signs the claims of the access token with differences.
func (s *shape) token(t *testing.T, iss *mockissuer.Issuer, differences string) string {
	t.Helper()
	claims := map[string]any{"iss": s.iss, "aud": nil, "sub": nil}
	maps.Copy(claims, object(t, s.access))
	if at, ok := claims["auth_time"].(float64); ok {
		claims["auth_time"] = time.Now().Unix() - int64(at)
	}
	maps.Copy(claims, object(t, differences))
	header := map[string]any{"typ": nil}
	if s.typ != "" {
		header["typ"] = s.typ
	}
	token, err := iss.Sign(mockissuer.Token{Claims: claims, Header: header, Algorithm: s.alg})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (s *shape) serve(keySet string) {
	clear(served)
	keys := s.keys
	if keys == "" {
		keys = strings.TrimSuffix(s.iss, "/") + "/keys"
		served[strings.TrimSuffix(s.iss, "/")+"/.well-known/openid-configuration"] = fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, s.iss, keys)
	}
	served[keys] = keySet
}

func TestPresets(t *testing.T) {
	iss, keySet := signer(t)
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			s.serve(keySet)
			cfg, err := s.config()
			if err != nil {
				t.Fatalf("%s error = %v", s.name, err)
			}
			v, err := validator.New(cfg)
			if err != nil {
				t.Fatalf("New(%s) error = %v", s.name, err)
			}
			if _, err := v.Validate(t.Context(), s.token(t, iss, "{}")); err != nil {
				t.Errorf("Validate(access token) = %v, want it accepted", err)
			}
			tenant, other := s.tenant, s.api
			if tenant == "" {
				tenant = `{"iss":"https://other.example.com/"}`
			}
			if other == "" {
				other = `{"aud":"https://another-api.example.com"}`
			}
			for _, tt := range []struct{ what, differences string }{
				{"ID token", s.id}, {"refresh token", s.refresh}, {"token of another tenant", tenant},
				{"token for another API", other}, {"usual mistake", s.mistake},
			} {
				if tt.differences == "" {
					continue
				}
				_, err := v.Validate(t.Context(), s.token(t, iss, tt.differences))
				if tt.what == "ID token" && s.idAccepted {
					if err != nil {
						t.Errorf("Validate(ID token) = %v, want it accepted, as documented", err)
					}
					continue
				}
				switch code := validator.CodeOf(err); code {
				case validator.CodeIssuer, validator.CodeAudience, validator.CodeType, validator.CodeRefused, validator.CodeClaim:
				default:
					t.Errorf("Validate(%s) code = %q (%v), want a rejection for its claims", tt.what, code, err)
				}
				if err != nil && tt.what == "usual mistake" && (s.log == "" || !strings.Contains(err.Error(), s.log)) {
					t.Errorf("Validate(usual mistake) = %v, want %q in it", err, s.log)
				}
			}
		})
	}
}

func TestWrongArguments(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config config
		want   string
	}{
		{"Okta's org server", func() (validator.Config, error) { return issuers.Okta("https://acme.okta.com", "api") }, "org authorization server"},
		{"Entra common", func() (validator.Config, error) { return issuers.Entra("common", api) }, "not a tenant"},
		{"Entra slash", func() (validator.Config, error) { return issuers.Entra("a/b", api) }, "tenant"},
		{"EntraTenants none", func() (validator.Config, error) { return issuers.EntraTenants(api) }, "tenant"},
		{"Cognito none", func() (validator.Config, error) { return issuers.Cognito("eu-central-1", "p") }, "app client"},
		{"Google none", func() (validator.Config, error) { return issuers.Google("https://run.example.com") }, "service account"},
		{"GitHub none", func() (validator.Config, error) { return issuers.GitHubActions("https://a.example.com") }, "repository"},
		{"GitLab none", func() (validator.Config, error) { return issuers.GitLabCI("https://gitlab.com", "a") }, "project"},
		{"Kubernetes none", func() (validator.Config, error) { return issuers.KubernetesIssuer("https://k.example.com", "a") }, "service account"},
		{"Kubernetes no name", func() (validator.Config, error) {
			return issuers.KubernetesIssuer("https://k.example.com", "a", "shop")
		}, "NAMESPACE:NAME"},
		{"Kubernetes no pod", func() (validator.Config, error) {
			return issuers.Kubernetes(issuers.Pod{Dir: t.TempDir()}, "a", "shop:web")
		}, "own token"},
		{"Clerk none", func() (validator.Config, error) { return issuers.Clerk("clerk.example.com") }, "origin"},
		{"Supabase path", func() (validator.Config, error) { return issuers.Supabase("a/b") }, "project"},
		{"B2C empty", func() (validator.Config, error) { return issuers.AzureB2C("", "", "", "") }, "policy"},
	} {
		cfg, err := tt.config()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s error = %v, want %q in it", tt.name, err, tt.want)
		}
		if _, err := validator.New(cfg); err == nil {
			t.Errorf("New of the Config that came with the error of %s succeeds, want an error", tt.name)
		}
	}
}
