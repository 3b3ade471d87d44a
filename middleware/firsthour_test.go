package middleware_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	presets "github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A hourSetting is what a team has configured, and what its issuer serves.
type hourSetting struct {
	validator.Config
	keys   jwks.Config // of Config.Keys, unless there is a Secret
	served wordsServer
	old    []byte // the secret of a second Validator
	field  string // that the token comes in, if not Authorization
	checks []validator.Check
}

// A hourToken is what a client sends.
type hourToken struct {
	header, claims map[string]any
	key            *wordsKey
	sign           func(input string) []byte // in place of key
	scheme         string
	text           string // in place of the token
}

// A hourCase is what is reported of a service in its first hour: an honest
// token that is rejected, or one that is accepted and must not be.
type hourCase struct {
	kind, name string
	set        func(*hourSetting)
	token      func(*hourToken)
	status     int    // under the first setting, 0 if New rejects it
	says       string // the part of the log line, or of New's error, that names what to change

	advice func(*hourSetting) // by which the token is accepted; nil if it must not be

	near       string // the nearest neighbour, under the advised setting
	nearToken  func(*hourToken)
	nearStatus int
	nearSays   string
}

const (
	hourIssuer = "https://id.example.com/realms/bakery"
	hourAPI    = "https://orders.example.com"
	hourKeys   = "https://id.example.com/keys"
)

func TestFirstHour(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	rs, es, third := wordsRSA(), newWordsKey("ec"), newWordsKey("third")
	var six []string
	for i := range 5 {
		six = append(six, newWordsKey(fmt.Sprint("old-", i)).jwk())
	}
	six = append(six, es.jwk())
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	secret := bytes.Repeat([]byte("s3"), 20)
	mac := func(key []byte) func(string) []byte {
		return func(input string) []byte {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(input))
			return h.Sum(nil)
		}
	}
	pss := func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		signature, err := rsa.SignPSS(rand.Reader, rs.private.(*rsa.PrivateKey), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		if err != nil {
			panic(err)
		}
		return signature
	}
	der := func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		signature, err := ecdsa.SignASN1(rand.Reader, es.private.(*ecdsa.PrivateKey), sum[:])
		if err != nil {
			panic(err)
		}
		return signature
	}

	// What settings and tokens differ in.
	type (
		object  = map[string]any
		setting = hourSetting
		token   = hourToken
	)
	at := func(issuer string, audiences ...string) func(*setting) {
		return func(s *setting) {
			s.Issuers, s.Audiences, s.keys.Issuer = []string{issuer}, audiences, issuer
			s.served = wordsServer{strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration": fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, hourKeys), hourKeys: set(rs.jwk(`"alg":"RS256"`), es.jwk())}
		}
	}
	// The key set alone, at a URL.
	from := func(s *setting, url, text string) { s.keys.URL, s.served = url, wordsServer{url: text} }
	claims := func(c object) func(*token) { return func(o *token) { maps.Copy(o.claims, c) } }
	header := func(h object) func(*token) { return func(o *token) { maps.Copy(o.header, h) } }
	both := func(all ...func(*token)) func(*token) {
		return func(o *token) {
			for _, f := range all {
				f(o)
			}
		}
	}
	byES := func(o *token) { o.key = es; o.header["alg"], o.header["kid"] = "ES256", "ec" }
	allowES := func(s *setting) { s.Algorithms = []validator.Algorithm{validator.ES256} }
	skipType := func(s *setting) { s.InsecureSkipTypeCheck = true }
	otherAPI := claims(object{"aud": "https://billing.example.com"})
	const (
		ok, no, forbidden, down = 200, 401, 403, 503
		tenant                  = "71d0b9a6-3f58-4c27-a4e9-0b6f2c8d1e35"
		app                     = "0f6c1a7d-4b2e-49d3-8c5a-e1b0f7d92438"
		entra                   = "https://login.microsoftonline.com/" + tenant + "/v2.0"
		entraKeys               = "https://login.microsoftonline.com/common/discovery/v2.0/keys"
		b2c                     = "https://bakery.b2clogin.com/" + tenant + "/v2.0/"
		b2cKeys                 = "https://bakery.b2clogin.com/bakery.onmicrosoft.com/b2c_1_in/discovery/v2.0/keys"
		pool                    = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Bread"
		iapKeys                 = "https://www.gstatic.com/iap/verify/public_key-jwk"
		stytchKeys              = "https://test.stytch.com/v1/sessions/jwks/project-test-2"
		adfs                    = "http://fs.example.com/adfs/services/trust"
		adfsKeys                = "https://fs.example.com/adfs/discovery/keys"
		web                     = "bakery-web"
	)

	for _, tt := range []hourCase{
		{kind: "access-token-like-id-token", name: "an issuer whose access tokens are ID tokens", set: at("https://dex.example.com", web),
			token: claims(object{"iss": "https://dex.example.com", "aud": web, "at_hash": "h"}), status: no, says: "Config.InsecureSkipTypeCheck accepts every type", advice: skipType,
			near: "of another client", nearToken: claims(object{"aud": "bakery-cli"}), nearStatus: no, nearSays: `aud is "bakery-cli"`},
		{kind: "access-token-like-id-token", name: "the same with a nonce", set: at("https://dex.example.com", web),
			token: claims(object{"iss": "https://dex.example.com", "aud": web, "at_hash": "h", "nonce": "n"}), status: no, says: "Config.InsecureSkipTypeCheck", advice: skipType,
			near: "that has expired", nearToken: claims(object{"exp": now.Unix() - 120}), nearStatus: no, nearSays: "exp"},
		{kind: "audience-form", name: "a slash more", token: claims(object{"aud": hourAPI + "/"}), status: no, says: "they differ by the slash at the end",
			advice: func(s *setting) { s.Audiences = append(s.Audiences, hourAPI+"/") }, near: "two slashes more", nearToken: claims(object{"aud": hourAPI + "//"}), nearStatus: no, nearSays: "want one of"},
		{kind: "audience-form", name: "capitals", token: claims(object{"aud": "https://Orders.example.com"}), status: no, says: "add this one to Config.Audiences",
			advice: func(s *setting) { s.Audiences = append(s.Audiences, "https://Orders.example.com") }, near: "all capitals", nearToken: claims(object{"aud": "https://ORDERS.example.com"}), nearStatus: no, nearSays: "want one of"},
		{kind: "claim-type", name: "sub is a number", token: claims(object{"sub": 41}), status: no, says: "the claim sub is a number, want a string",
			near: "sub is its digits", nearToken: claims(object{"sub": "41"}), nearStatus: ok},
		{kind: "claim-type", name: "exp is in milliseconds", token: claims(object{"exp": (now.Unix() + 60) * 1000}), status: no, says: "is it in milliseconds?",
			near: "exp in seconds", nearToken: claims(object{"exp": now.Unix() + 60}), nearStatus: ok},
		{kind: "claim-type", name: "aud is null", token: claims(object{"aud": []any{nil}}), status: no, says: "the claim aud is an array with null in it",
			near: "aud is an array of the API", nearToken: claims(object{"aud": []string{hourAPI}}), nearStatus: ok},
		{kind: "credentials", name: "no scheme", token: func(o *token) { o.scheme = "" }, status: no, says: `the client has to send "Bearer", a space and the token`,
			near: "the scheme in small letters", nearToken: func(o *token) { o.scheme = "bearer " }, nearStatus: ok},
		{kind: "credentials", name: "another scheme", token: func(o *token) { o.scheme = "Token " }, status: no, says: "Bearer",
			near: "Bearer", nearToken: func(o *token) { o.scheme = "Bearer " }, nearStatus: ok},
		{kind: "encrypted", name: "an encrypted token", token: func(o *token) { o.text = "eyJhbGciOiJkaXIifQ..YQ.YQ.YQ" }, status: no, says: "turn off the encryption of access tokens at the issuer",
			near: "signed alone", nearToken: func(o *token) { o.text = "" }, nearStatus: ok},

		{kind: "issuer", name: "AD FS", set: func(s *setting) {
			at(adfs, "microsoft:identityserver:"+app)(s)
			from(s, adfsKeys, set(rs.jwk()))
		}, token: claims(object{"iss": adfs, "aud": "microsoft:identityserver:" + app, "sub": nil, "appid": web, "auth_time": "2026-12-01T11:00:00.5Z"}), status: ok,
			near: "by the address of its metadata", nearToken: claims(object{"iss": "https://fs.example.com/adfs"}), nearStatus: no, nearSays: "iss is"},
		{kind: "issuer", name: "Auth0", set: func(s *setting) {
			at("https://bakery.us.auth0.com/", hourAPI)(s)
			s.checks = []validator.Check{validator.Clients("Mz0"), validator.Permissions("loaves:read"), validator.Organization("org_9")}
		}, token: claims(object{"iss": "https://bakery.us.auth0.com/", "aud": []string{hourAPI, "https://bakery.us.auth0.com/userinfo"}, "azp": "Mz0", "permissions": []string{"loaves:read"}, "org_id": "org_9", "https://bakery.example.com/tier": 2}), status: ok,
			near: "for userinfo alone", nearToken: claims(object{"aud": "https://bakery.us.auth0.com/userinfo"}), nearStatus: no, nearSays: "audience=" + hourAPI},
		{kind: "issuer", name: "Azure AD B2C", set: func(s *setting) {
			at(b2c, app)(s)
			s.served = wordsServer{b2cKeys: set(rs.jwk())}
		}, token: claims(object{"iss": b2c, "aud": app, "tfp": "B2C_1_in", "scp": "loaves.read"}), status: down, says: "set Config.Keys to a jwks.Cache with the key set's URL",
			advice: func(s *setting) { s.keys.URL = b2cKeys }, near: "of another tenant", nearToken: claims(object{"iss": "https://mill.b2clogin.com/" + tenant + "/v2.0/"}), nearStatus: no, nearSays: "iss is"},
		{kind: "issuer", name: "Cognito", set: at(pool, "5bread"), token: claims(object{"iss": pool, "aud": nil, "client_id": "5bread", "token_use": "access"}), status: no, says: "name the claim that says so in Config.AudienceClaim",
			advice: func(s *setting) {
				cfg, err := presets.Cognito("eu-west-1", "eu-west-1_Bread", "5bread")
				if err != nil {
					panic(err)
				}
				s.Config = cfg
			}, near: "its ID token", nearToken: claims(object{"aud": "5bread", "client_id": nil, "token_use": "id"}), nearStatus: no, nearSays: "have the client send its access token"},
		{kind: "issuer", name: "Entra ID", set: func(s *setting) { at(entra, app)(s); from(s, entraKeys, set(rs.jwk())) },
			token: claims(object{"iss": entra, "aud": app, "tid": tenant, "scp": "Loaves.Read"}), status: ok,
			near: "for Microsoft Graph", nearToken: claims(object{"aud": "00000003-0000-0000-c000-000000000000"}), nearStatus: no, nearSays: "have the client ask for a token for this API"},
		{kind: "issuer", name: "Entra ID, discovered at common", set: func(s *setting) {
			at(entra, app)(s)
			s.keys.Issuer = "https://login.microsoftonline.com/common/v2.0"
			s.served = wordsServer{"https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration": `{"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0","jwks_uri":"` + entraKeys + `"}`, entraKeys: set(rs.jwk())}
		}, token: claims(object{"iss": entra, "aud": app, "tid": tenant}), status: down, says: `its issuer is "https://login.microsoftonline.com/{tenantid}/v2.0"`,
			advice: func(s *setting) { s.keys.URL = entraKeys }, near: "of another tenant", nearToken: claims(object{"iss": strings.Replace(entra, "71d0", "81d0", 1)}), nearStatus: no, nearSays: "iss is"},
		{kind: "issuer", name: "Hydra, no audience asked for", set: at("https://hydra.example.com/", hourAPI), token: claims(object{"iss": "https://hydra.example.com/", "aud": []string{}, "client_id": web, "ext": object{}, "scp": []string{"loaves.read"}}), status: no, says: "name the claim that says so in Config.AudienceClaim",
			advice: func(s *setting) { s.AudienceClaim, s.Audiences = "client_id", []string{web} }, near: "of another client", nearToken: claims(object{"client_id": "bakery-cli"}), nearStatus: no, nearSays: `aud is an empty array, and "client_id" (Config.AudienceClaim) is "bakery-cli"`},
		{kind: "issuer", name: "Google IAP", set: func(s *setting) {
			at("https://cloud.google.com/iap", "/projects/3/global/backendServices/4")(s)
			from(s, iapKeys, set(es.jwk()))
			s.field = "X-Goog-Iap-Jwt-Assertion"
		}, token: both(byES, claims(object{"iss": "https://cloud.google.com/iap", "aud": "/projects/3/global/backendServices/4", "sub": "accounts.google.com:7"})), status: no, says: `alg is "ES256", want "RS256": see Config.Algorithms`,
			advice: allowES, near: "of another service", nearToken: claims(object{"aud": "/projects/3/global/backendServices/5"}), nearStatus: no, nearSays: "aud is"},
		{kind: "issuer", name: "Keycloak with an audience mapper", token: claims(object{"aud": []string{hourAPI, "account"}, "azp": web, "typ": "Bearer"}), status: ok,
			near: "for account alone", nearToken: claims(object{"aud": "account"}), nearStatus: no, nearSays: `aud is "account"`},
		{kind: "issuer", name: "Keycloak, a service account's token exchanged", set: func(s *setting) { at(hourIssuer, hourAPI)(s); s.checks = []validator.Check{validator.Clients("oven")} },
			token: claims(object{"azp": "broker", "client_id": "oven", "typ": "Bearer"}), status: ok,
			near: "of the broker's own", nearToken: claims(object{"client_id": "broker"}), nearStatus: forbidden, nearSays: "client"},
		{kind: "issuer", name: "Keycloak without an audience", token: claims(object{"aud": nil, "azp": web, "typ": "Bearer"}), status: no, says: "the issuer put the name of this API into aud; or name the claim that says so in Config.AudienceClaim",
			advice: func(s *setting) { s.AudienceClaim, s.Audiences = "azp", []string{web} }, near: "for account", nearToken: claims(object{"aud": "account"}), nearStatus: no, nearSays: `aud is "account"`},
		{kind: "issuer", name: "Okta, whose client is in cid", set: func(s *setting) {
			at("https://bakery.okta.com/oauth2/default", "api://default")(s)
			s.checks = []validator.Check{validator.Clients("0oa9")}
		}, token: claims(object{"iss": "https://bakery.okta.com/oauth2/default", "aud": "api://default", "cid": "0oa9", "scp": []string{"loaves:read"}}), status: ok,
			near: "of another client", nearToken: claims(object{"cid": "0oa8"}), nearStatus: forbidden, nearSays: "client"},
		{kind: "issuer", name: "Stytch", set: func(s *setting) {
			at("stytch.com/project-test-2", "project-test-2")(s)
			from(s, stytchKeys, set(rs.jwk()))
		}, token: claims(object{"iss": "stytch.com/project-test-2", "aud": []string{"project-test-2"}}), status: ok,
			near: "with a scheme", nearToken: claims(object{"iss": "https://stytch.com/project-test-2"}), nearStatus: no, nearSays: "iss is"},

		{kind: "issuer-not-a-url", name: "one word", set: func(s *setting) { at("bakery", hourAPI)(s); from(s, hourKeys, set(rs.jwk())) }, token: claims(object{"iss": "bakery"}), status: ok,
			near: "with a capital", nearToken: claims(object{"iss": "Bakery"}), nearStatus: no, nearSays: "iss is"},
		{kind: "issuer-not-a-url", name: "one word, without keys", set: func(s *setting) { at("bakery", hourAPI)(s) }, token: claims(object{"iss": "bakery"}), says: "if Config.URL is set, any text can be an issuer",
			advice: func(s *setting) { s.keys.Issuer = ""; from(s, hourKeys, set(rs.jwk())) }, near: "an address", nearToken: claims(object{"iss": "https://bakery"}), nearStatus: no, nearSays: "iss is"},
		{kind: "key-alg", name: "PS256 by a key for RS256", set: func(s *setting) {
			at(hourIssuer, hourAPI)(s)
			s.Algorithms = []validator.Algorithm{validator.PS256}
		}, token: func(o *token) { o.header["alg"] = "PS256"; o.sign = pss }, status: no, says: "or leave alg out of its key set",
			advice: func(s *setting) { s.served[hourKeys] = set(rs.jwk()) }, near: "RS256", nearToken: func(o *token) { o.header["alg"] = "RS256"; o.sign = nil }, nearStatus: no, nearSays: "Config.Algorithms"},
		{kind: "key-issuer", name: "a key of another tenant", set: func(s *setting) {
			at(entra, app)(s)
			from(s, entraKeys, set(rs.jwk(`"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0"`), es.jwk(`"issuer":"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"`)))
			s.Algorithms = []validator.Algorithm{"RS256", "ES256"}
		}, token: both(byES, claims(object{"iss": entra, "aud": app, "tid": tenant})), status: no, says: "the key set says that this key signs for",
			near: "a key of all tenants", nearToken: func(o *token) { o.key = rs; o.header["alg"], o.header["kid"] = "RS256", "rsa" }, nearStatus: ok},
		{kind: "key-set", name: "keys for JWT-SVIDs", set: func(s *setting) {
			at("https://spire.example.com", hourAPI)(s)
			allowES(s)
			from(s, "https://spire.example.com/bundle", set(es.jwk(`"use":"jwt-svid"`), third.jwk(`"use":"x509-svid"`)))
		}, token: both(byES, claims(object{"iss": "https://spire.example.com", "sub": "spiffe://example.com/oven"})), status: ok,
			near: "a key for certificates", nearToken: func(o *token) { o.key = third; o.header["kid"] = "third" }, nearStatus: no, nearSays: "kid"},
		{kind: "no-kid", name: "the last of six keys", set: func(s *setting) { at(hourIssuer, hourAPI)(s); allowES(s); s.served[hourKeys] = set(six...) },
			token: both(byES, header(object{"kid": nil})), status: no, says: "no kid, 4 of 6 keys tried: have the issuer write kid into its tokens",
			near: "with a kid", nearToken: header(object{"kid": "ec"}), nearStatus: ok},
		{kind: "plain-http", name: "an issuer in a compose file", set: func(s *setting) {
			at("http://id:8080/realms/bakery", hourAPI)(s)
			s.served = wordsServer{"http://id:8080/realms/bakery/.well-known/openid-configuration": `{"issuer":"http://id:8080/realms/bakery","jwks_uri":"http://id:8080/keys"}`, "http://id:8080/keys": set(rs.jwk())}
		}, token: claims(object{"iss": "http://id:8080/realms/bakery"}), says: "Config.InsecureHTTP accepts http inside of a cluster",
			advice: func(s *setting) { s.keys.InsecureHTTP = true }, near: "by https", nearToken: claims(object{"iss": "https://id:8080/realms/bakery"}), nearStatus: no, nearSays: "iss is"},
		{kind: "plain-http", name: "a public issuer's keys inside of a cluster", set: func(s *setting) { at(hourIssuer, hourAPI)(s); from(s, "http://id-internal:8080/certs", set(rs.jwk())) }, says: "Config.InsecureHTTP accepts http inside of a cluster",
			token: func(*token) {}, advice: func(s *setting) { s.keys.InsecureHTTP = true }, near: "of the internal name", nearToken: claims(object{"iss": "http://id-internal:8080/realms/bakery"}), nearStatus: no, nearSays: "iss is"},
		{kind: "plain-http", name: "a public issuer's metadata inside of a cluster", set: func(s *setting) {
			at(hourIssuer, hourAPI)(s)
			s.keys.MetadataURL = "http://id-internal:8080/metadata"
			s.served = wordsServer{"http://id-internal:8080/metadata": `{"issuer":"` + hourIssuer + `","jwks_uri":"http://id-internal:8080/certs"}`, "http://id-internal:8080/certs": set(rs.jwk())}
		}, says: "InsecureHTTP", token: func(*token) {}, advice: func(s *setting) { s.keys.InsecureHTTP = true }, near: "for another API", nearToken: otherAPI, nearStatus: no, nearSays: "aud is"},
		{kind: "private-claim", name: "permissions that are objects", set: func(s *setting) { at(hourIssuer, hourAPI)(s); s.checks = []validator.Check{validator.Clients(web)} },
			token: claims(object{"azp": web, "permissions": []object{{"name": "bakers", "actions": []string{"Write"}}}, "tokenType": "access-token"}), status: ok,
			near: "of another client", nearToken: claims(object{"azp": "bakery-cli"}), nearStatus: forbidden, nearSays: "client"},
		{kind: "private-claim", name: "permissions that are objects, and required", set: func(s *setting) {
			at(hourIssuer, hourAPI)(s)
			s.checks = []validator.Check{validator.Permissions("bakers")}
		},
			token: claims(object{"permissions": []object{{"name": "bakers"}}}), status: forbidden, says: "permissions",
			near: "that are strings", nearToken: claims(object{"permissions": []string{"bakers"}}), nearStatus: ok},
		{kind: "refresh-token", name: "tokenType", token: claims(object{"tokenType": "refresh-token"}), status: no, says: "this is a refresh token by its claim tokenType",
			near: "an access token", nearToken: claims(object{"tokenType": "access-token"}), nearStatus: ok},
		{kind: "refresh-token", name: "typ", token: claims(object{"typ": "Refresh"}), status: no, says: "this is a refresh token by its claim typ",
			near: "an access token", nearToken: claims(object{"typ": "Bearer"}), nearStatus: ok},
		{kind: "refresh-token", name: "type", token: claims(object{"type": "refresh"}), status: no, says: "this is a refresh token by its claim type",
			near: "an access token", nearToken: claims(object{"type": "access"}), nearStatus: ok},
		{kind: "refresh-token", name: "token_use", token: claims(object{"token_use": "refresh"}), status: no, says: "have the client send its access token",
			near: "an access token", nearToken: claims(object{"token_use": "access"}), nearStatus: ok},
		{kind: "signature-form", name: "in DER", set: func(s *setting) { at(hourIssuer, hourAPI)(s); allowES(s) }, token: both(byES, func(o *token) { o.sign = der }), status: no, says: "convert it where it is made",
			near: "R and S", nearToken: func(o *token) { o.sign = nil }, nearStatus: ok},
		{kind: "too-large", name: "all groups of a user", token: claims(object{"groups": strings.Repeat("x", 18<<10)}), status: no, says: "over the 16384 of Config.MaxTokenSize: raise that, or have the issuer put less into its tokens",
			advice: func(s *setting) { s.MaxTokenSize = 32 << 10 }, near: "of more groups", nearToken: claims(object{"groups": strings.Repeat("x", 30<<10)}), nearStatus: no, nearSays: "Config.MaxTokenSize"},
		{kind: "two-signatures", name: "a secret beside keys", set: func(s *setting) {
			at(hourIssuer, hourAPI)(s)
			s.Algorithms = []validator.Algorithm{"ES256", "HS256"}
		}, token: func(o *token) { o.header["alg"] = "HS256"; o.sign = mac(secret) }, says: "NewMux takes a Validator for each",
			advice: func(s *setting) { allowES(s); s.old = secret }, near: "by the public key as a secret", nearToken: func(o *token) { o.sign = mac([]byte(es.jwk())) }, nearStatus: no, nearSays: "Config.Secret"},
		{kind: "two-signatures", name: "a key beside a secret", set: func(s *setting) { at(hourIssuer, hourAPI)(s); allowES(s); s.old = secret }, token: byES, status: ok,
			near: "RS256", nearToken: func(o *token) { o.key = rs; o.header["alg"], o.header["kid"] = "RS256", "rsa" }, nearStatus: no, nearSays: `alg is "RS256"`},
		{kind: "typ-header", name: "typ JWS", token: header(object{"typ": "JWS"}), status: no, says: "Config.InsecureSkipTypeCheck accepts every type", advice: skipType,
			near: "for another API", nearToken: otherAPI, nearStatus: no, nearSays: "aud is"},
	} {
		t.Run(tt.kind+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			first := hourSetting{}
			if tt.set == nil {
				tt.set = at(hourIssuer, hourAPI)
			}
			tt.set(&first)
			o := hourToken{scheme: "Bearer ", key: rs, header: object{"alg": "RS256", "kid": "rsa", "typ": "JWT"},
				claims: object{"iss": hourIssuer, "aud": hourAPI, "sub": "c41", "iat": now.Unix() - 60, "exp": now.Unix() + 3600}}
			tt.token(&o)

			status, said := first.try(t, now, &o)
			if status != tt.status || !strings.Contains(said, tt.says) || tt.status != ok && tt.says == "" {
				t.Errorf("status = %d, said %s\nwant %d, and %q", status, said, tt.status, tt.says)
			}
			if tt.advice != nil {
				tt.advice(&first)
				if status, said := first.try(t, now, &o); status != ok {
					t.Errorf("as advised: status = %d, said %s\nwant %d", status, said, ok)
				}
			}
			tt.nearToken(&o)
			status, said = first.try(t, now, &o)
			if status != tt.nearStatus || !strings.Contains(said, tt.nearSays) || tt.nearStatus != ok && tt.nearSays == "" {
				t.Errorf("%s: status = %d, said %s\nwant %d, and %q", tt.near, status, said, tt.nearStatus, tt.nearSays)
			}
		})
	}
}

// try sends the token twice, so that the second can be answered from memory,
// and returns the status and the line in the log. The status is 0 if the
// setting is rejected.
func (s hourSetting) try(t *testing.T, now time.Time, o *hourToken) (status int, said string) {
	t.Helper()
	s.Now = func() time.Time { return now }
	s.keys.Client, s.keys.Now, s.keys.Logger = &http.Client{Transport: s.served}, s.Now, slog.New(slog.DiscardHandler)
	if s.keys.URL != "" && !strings.HasPrefix(s.keys.Issuer, "https://") {
		s.keys.Issuer = ""
	}
	keys, err := jwks.NewCache(s.keys)
	if err != nil {
		return 0, err.Error()
	}
	s.Keys = keys
	one, err := validator.New(s.Config)
	if err != nil {
		return 0, err.Error()
	}
	cfg := middleware.Config{Validator: one}
	if s.old != nil {
		other, err := validator.New(validator.Config{Issuers: s.Issuers, Audiences: s.Audiences, Secret: s.old, Now: s.Now})
		if err != nil {
			return 0, err.Error()
		}
		if cfg.Validator, err = validator.NewMux(other, one); err != nil {
			return 0, err.Error()
		}
	}
	field := "Authorization"
	if s.field != "" {
		field = s.field
		cfg.Token = func(r *http.Request) (string, error) { return strings.TrimPrefix(r.Header.Get(field), "Bearer "), nil }
	}
	var log bytes.Buffer
	cfg.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	handler := newAuth(t, cfg).Require(s.checks...)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

	text := o.text
	if text == "" {
		sign := o.sign
		if sign == nil {
			sign = o.key.sign
		}
		text = wordsToken(wordsJSON(o.header), wordsJSON(o.claims), sign)
	}
	for i := range 2 {
		log.Reset()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, hourAPI, nil)
		r.Header.Set(field, o.scheme+text)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if i > 0 && w.Code != status {
			t.Errorf("status = %d at first and %d then, want the same", status, w.Code)
		}
		status = w.Code
	}
	if strings.Contains(log.String(), text) {
		t.Errorf("log = %s, want no token in it", &log)
	}
	var line string
	if log.Len() > 0 {
		line = strings.ReplaceAll(log.String(), `\"`, `"`)
	}
	return status, line
}
