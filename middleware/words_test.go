package middleware_test

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// The line in the log is what the person on call has. It says what was found,
// what is wanted and what to change. This table has the text of all lines that
// honest tokens cause under a configuration that doesn't fit them.
func TestLogLine(t *testing.T) {
	t.Parallel()
	const (
		issuer   = "https://sso.example.com/realms/shop"
		auth0    = "https://shop.eu.auth0.com/"
		audience = "https://api.example.com"
		keysURL  = "https://sso.example.com/keys"
		oidcURL  = issuer + "/.well-known/openid-configuration"
		oauthURL = "https://sso.example.com/.well-known/oauth-authorization-server/realms/shop"

		less     = ": raise that, or have the issuer put less into its tokens"
		skipType = "Config.InsecureSkipTypeCheck accepts every type, ID tokens for the same audience included"
		discover = "unavailable: jwks: the issuer's keys are unavailable: "
		setKeys  = "set Config.Keys to a jwks.Cache with the key set's URL"
	)
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	documents := func(issuer string, keys ...string) map[string]string {
		return map[string]string{
			strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration": fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, keysURL),
			keysURL: `{"keys":[` + strings.Join(keys, ",") + `]}`,
		}
	}
	rs, es := wordsRSA(), newWordsKey("ec")
	normal := documents(issuer, rs.jwk(`"alg":"RS256"`), es.jwk())
	var six, sameKid []string
	for i := range 5 {
		six = append(six, newWordsKey(fmt.Sprint("old-", i)).jwk())
		sameKid = append(sameKid, newWordsKey("same").jwk())
	}
	six = append(six, es.jwk(`"x5t":"2oJ","x5t#S256":"fC1"`))
	type (
		members = map[string]any
		conf    = validator.Config
	)
	allowES := func(c *conf) { c.Algorithms = []validator.Algorithm{"RS256", "ES256"} }

	for _, tt := range []struct {
		name      string
		config    func(*conf)
		documents map[string]string // normal if nil; a redirect if it begins with https://
		header    members           // over alg, kid and typ
		claims    members           // over iss, aud, exp and sub
		payload   string            // in place of claims
		key       *wordsKey         // rs if nil
		sign      func(*wordsKey, string) []byte
		token     string // in place of all that
		scheme    string // "Bearer " if empty, none if "-"
		before    func(validate func(token string), advance func(time.Duration))
		checks    []validator.Check

		want   string
		level  slog.Level
		actor  string // in the line
		issuer string // in the line; that of the token if empty, none if "-"
	}{
		{
			name: "an unknown key, at once", header: members{"kid": "k9"},
			want: `unknown_key: kid is "k9": the keys held, fetched just now, have no such key; ` +
				`the next fetch for an unknown key with the next lookup; held are "rsa" "ec"`,
		},
		{
			name: "an unknown key, after others", header: members{"kid": "k9"},
			before: func(validate func(string), advance func(time.Duration)) {
				validate(rs.token(issuer, audience, "k7", now))
				validate(rs.token(issuer, audience, "k8", now))
				advance(12 * time.Second)
			},
			want: `unknown_key: kid is "k9": the keys held, fetched 12 s ago, have no such key; ` +
				`the next fetch for an unknown key in N s; held are "rsa" "ec"`,
		},
		{
			name: "an unknown key, of a Set", header: members{"kid": "k9"},
			config: func(c *conf) { c.Keys = jwks.Set{{ID: "rsa", Public: rs.private.Public()}} },
			want:   `unknown_key: kid is "k9": the Set has no such key, and is never fetched again; held are "rsa"`,
		},

		{
			name: "aud is empty", claims: members{"aud": []string{}},
			want: `invalid_claim: the claim aud is an empty array, want the name of this API in it: ` +
				`have the client ask for a token for this API, and the issuer put the name of this API into aud; ` +
				`or name the claim that says so in Config.AudienceClaim`,
		},
		{
			name: "aud is null", payload: `{"iss":"` + issuer + `","aud":null,"exp":1796133600}`,
			want: `invalid_claim: the claim aud is null, want a string or an array of strings: ` +
				`have the client ask for a token for this API, and the issuer put the name of this API into aud`,
		},
		{
			name: "no aud", claims: members{"aud": nil},
			want: `wrong_audience: aud is missing, want "https://api.example.com": ` +
				`have the client ask for a token for this API, and the issuer put the name of this API into aud; ` +
				`or name the claim that says so in Config.AudienceClaim`,
		},
		{
			name: "no aud, and another client in its place", claims: members{"aud": nil, "azp": "web"},
			config: func(c *conf) { c.AudienceClaim = "azp" },
			want: `wrong_audience: aud is missing, and "azp" (Config.AudienceClaim) is "web", want "https://api.example.com": ` +
				`have the client ask for a token for this API, or add the value to Config.Audiences if it names this API or a client of it`,
		},
		{
			name: "no aud, and nothing in its place", claims: members{"aud": nil},
			config: func(c *conf) { c.AudienceClaim = "https://example.com/for" },
			want: `wrong_audience: aud is missing, and "https://example.com/for" (Config.AudienceClaim) is missing, want "https://api.example.com": ` +
				`have the client ask for a token for this API, or add the value to Config.Audiences if it names this API or a client of it`,
		},
		{
			name: "no aud, and an object in its place", claims: members{"aud": nil, "for": members{"a": 1}},
			config: func(c *conf) { c.AudienceClaim = "for" },
			want:   `invalid_claim: aud is missing, and "for" (Config.AudienceClaim) is an object, want a string or an array of strings`,
		},
		{
			name: "aud with a slash", claims: members{"aud": []string{"https://api.example.com/", "https://b.example.com"}},
			want: `wrong_audience: aud is ["https://api.example.com/" "https://b.example.com"], want "https://api.example.com": ` +
				`they differ by the slash at the end: have the client ask for the other, or add this one to Config.Audiences`,
		},
		{
			name: "aud of another API", claims: members{"aud": "https://b.example.com"},
			want: `wrong_audience: aud is "https://b.example.com", want "https://api.example.com": ` +
				`have the client ask for a token for this API, or add the value to Config.Audiences if it names this API too`,
		},
		{
			name: "aud of another API, at Auth0", claims: members{"iss": auth0, "aud": "https://b.example.com"},
			config: func(c *conf) { c.Issuers = []string{auth0} },
			want: `wrong_audience: aud is "https://b.example.com", want "https://api.example.com": ` +
				`request the token with audience=https://api.example.com`,
		},
		{
			name: "aud of another API, at a custom domain of Auth0's", claims: members{"iss": "https://login.example.com/", "aud": "https://b.example.com"},
			config: func(c *conf) { *c = validator.Auth0("login.example.com", audience) },
			want: `wrong_audience: aud is "https://b.example.com", want "https://api.example.com": ` +
				`request the token with audience=https://api.example.com`,
		},
		{
			name: "aud with a slash, at Auth0", claims: members{"iss": auth0, "aud": "https://api.example.com/"},
			config: func(c *conf) { c.Issuers = []string{auth0} },
			want: `wrong_audience: aud is "https://api.example.com/", want "https://api.example.com": ` +
				`they differ by the slash at the end: have the client ask for the other, or add this one to Config.Audiences`,
		},
		{
			name: "many long values in aud", claims: members{"aud": manyNames(30)},
			want: `wrong_audience: aud is ["` + strings.Repeat("0", 128) + `…" "` + strings.Repeat("1", 128) + `…" and 28 more], ` +
				`want "https://api.example.com": ` +
				`have the client ask for a token for this API, or add the value to Config.Audiences if it names this API too`,
		},

		{
			name: "aud of control characters", claims: members{"aud": strings.Repeat("\x01", 1000)},
			want: `wrong_audience: aud is "` + strings.Repeat(`\x01`, 42) + `…", want "https://api.example.com": ` +
				`have the client ask for a token for this API, or add the value to Config.Audiences if it names this API too`,
		},

		{
			name: "sub is a number", claims: members{"sub": 7351962},
			want: `invalid_claim: the claim sub is a number, want a string`,
		},
		{
			name: "exp is a string", claims: members{"exp": "2026-12-01T13:00:00Z"},
			want: `invalid_claim: the claim exp is a string, want seconds since 1970, as a number`,
		},
		{
			name: "sub is null", payload: `{"iss":"` + issuer + `","aud":"https://api.example.com","sub":null,"exp":1796133600}`,
			want: `invalid_claim: the claim sub is null, want a string: have the issuer leave it out where it has no value`,
		},
		{
			name: "nbf is null", payload: `{"iss":"` + issuer + `","aud":"https://api.example.com","nbf":null,"exp":1796133600}`,
			want: `invalid_claim: the claim nbf is null, want seconds since 1970, as a number: have the issuer leave it out where it has no value`,
		},
		{
			name: "exp in milliseconds", claims: members{"exp": 1796133600000},
			want: `invalid_claim: the claim exp is 1796133600000, want seconds since 1970, as a number below 253402300800: is it in milliseconds?`,
		},
		{
			name: "scope with a number in it", claims: members{"scope": []any{"a", 7351962}},
			want: `invalid_claim: the claim scope is an array with a number in it, want a string or an array of strings`,
		},
		{
			name: "a bad claim before iss", payload: `{"sub":7351962,"aud":"https://api.example.com","iss":"` + issuer + `"}`,
			want: `invalid_claim: the claim sub is a number, want a string`, issuer: issuer,
		},
		{
			name: "kid is a number", header: members{"kid": 1},
			want: `token_malformed: the token's "kid" is a number, want a string`, issuer: "-",
		},
		{
			name: "alg is a number", header: members{"alg": 1},
			want: `algorithm_not_allowed: alg is a number, want "RS256": see Config.Algorithms`, issuer: "-",
		},
		{
			name: "no alg", header: members{"alg": nil},
			want: `algorithm_not_allowed: alg is missing, want "RS256": see Config.Algorithms`, issuer: "-",
		},
		{
			name: "a claim twice", payload: `{"iss":"` + issuer + `","exp":1,"exp":2}`,
			want: `token_malformed: the token's claims: JSON has two members of one name in an object: "exp"`, issuer: "-",
		},
		{
			name: "a member twice within", payload: `{"iss":"` + issuer + `","realm_access":{"roles":[],"roles":["admin"]}}`,
			want: `token_malformed: the token's claims: JSON has two members of one name in an object: "roles"`, issuer: "-",
		},

		{
			name: "too large", claims: members{"roles": strings.Repeat("x", 20_000)},
			want: `token_malformed: the token is too large: 27224 bytes, over the 16384 of Config.MaxTokenSize` + less, issuer: "-",
		},
		{
			name: "too large for its own size", claims: members{"roles": strings.Repeat("x", 30_000)},
			config: func(c *conf) { c.MaxTokenSize = 32 << 10 },
			want:   `token_malformed: the token is too large: 40558 bytes, over the 32768 of Config.MaxTokenSize` + less, issuer: "-",
		},
		{
			name: "too many members", claims: members{"roles": manyMembers(1021)},
			want: `token_malformed: the token's claims have too many members: over 1024, the most for the 16384 bytes of Config.MaxTokenSize` +
				less, issuer: "-",
		},
		{
			name: "too many members for its size", claims: members{"roles": manyMembers(2045)},
			config: func(c *conf) { c.MaxTokenSize = 32 << 10 },
			want: `token_malformed: the token's claims have too many members: over 2048, the most for the 32768 bytes of Config.MaxTokenSize` +
				less, issuer: "-",
		},

		{
			name: "no kid, and many keys", config: allowES, documents: documents(issuer, six...), key: es,
			header: members{"kid": nil, "alg": "ES256"},
			want: `invalid_signature: the signature is not valid: no kid, 4 of 6 keys tried: ` +
				`have the issuer write kid into its tokens`,
		},
		{
			name: "no kid, and few keys", config: allowES, documents: documents(issuer, six[:2]...), key: es,
			header: members{"kid": nil, "alg": "ES256"},
			want:   `invalid_signature: the signature is not valid: no kid, 2 of 2 keys tried`,
		},
		{
			name: "no kid, and the hash of another certificate", config: allowES, documents: documents(issuer, six...), key: newWordsKey(""),
			header: members{"kid": nil, "alg": "ES256", "x5t": "2oJ"},
			want:   `invalid_signature: the signature is not valid: a key by x5t, 1 of 1 keys tried`,
		},
		{
			name: "no kid, and the hash of a certificate", config: allowES, documents: documents(issuer, six...), key: es,
			header: members{"kid": nil, "alg": "ES256", "x5t": "2oJ"},
		},
		{
			name: "no kid, and the other hash of a certificate", config: allowES, documents: documents(issuer, six...), key: es,
			header: members{"kid": nil, "alg": "ES256", "x5t#S256": "fC1"},
		},
		{
			name: "many keys of one kid", config: allowES, documents: documents(issuer, sameKid...), key: es,
			header: members{"kid": "same", "alg": "ES256"},
			want: `invalid_signature: the signature is not valid: kid "same", 4 of 5 keys tried: ` +
				`have the issuer give each of its keys a kid of its own`,
		},
		{
			name: "the key set forbids alg", header: members{"alg": "PS256"}, config: func(c *conf) { c.Algorithms = []validator.Algorithm{"PS256"} },
			want: `algorithm_not_allowed: alg is "PS256", and the key set says RS256: ` +
				`have the issuer sign with that, and name it in Config.Algorithms, or leave alg out of its key set`,
		},
		{
			name: "a key of another type", header: members{"kid": "ec", "alg": "RS256"},
			want: `algorithm_not_allowed: alg is "RS256", and the key is an EC key on P-256: ` +
				`have the issuer sign with an algorithm for its key, and name that in Config.Algorithms`,
		},
		{
			name: "no key for alg", config: func(c *conf) { c.Algorithms = []validator.Algorithm{"EdDSA"} }, header: members{"kid": nil, "alg": "EdDSA"},
			want: `algorithm_not_allowed: alg is "EdDSA", and the keys are RS256, an EC key on P-256: ` +
				`have the issuer sign with an algorithm for its key, and name that in Config.Algorithms`,
		},
		{
			name: "a signature in DER", config: allowES, key: es, header: members{"kid": "ec", "alg": "ES256"},
			sign: func(k *wordsKey, input string) []byte {
				sum := sha256.Sum256([]byte(input))
				der, err := k.private.Sign(rand.Reader, sum[:], crypto.SHA256)
				if err != nil {
					panic(err)
				}
				return der
			},
			want: `invalid_signature: the signature is in DER (SIZE bytes), and ES256 has R and S in 32 bytes each, ` +
				`one after the other (RFC 7518, Section 3.4): convert it where it is made`,
		},
		{
			name: "a signature of a larger key",
			sign: func(*wordsKey, string) []byte { return make([]byte, 512) },
			want: `invalid_signature: the signature has 512 bytes, and RS256 with this key has 256`,
		},
		{
			name: "another secret", header: members{"alg": "HS256"},
			config: func(c *conf) { c.Secret, c.Keys = bytes.Repeat([]byte("s"), 32), nil },
			want:   `invalid_signature: the signature is not valid by Config.Secret, which has to be the raw bytes and not base64`,
		},

		{
			name: "encrypted", token: "eyJ.a.b.c.d",
			want: `token_malformed: this is an encrypted token (JWE): ` +
				`only signed tokens are read, so turn off the encryption of access tokens at the issuer`, issuer: "-",
		},
		{
			name: "encrypted, by Auth0", token: "eyJ.a.b.c.d", config: func(c *conf) { c.Issuers = []string{auth0} },
			want: `token_malformed: this is an encrypted token (JWE): ` +
				`only signed tokens are read, so turn off the encryption of access tokens at the issuer, ` +
				`and have the client name this API in its request`, issuer: "-",
		},
		{
			name: "opaque", token: "2YotnFZFEjr1zCsicMWpAA",
			want: `token_malformed: this is an opaque token, not a JWT: ` +
				`have the client ask for a token for this API, and the issuer make its access tokens JWTs`, issuer: "-",
		},
		{
			name: "opaque, by Auth0", token: "2YotnFZFEjr1zCsicMWpAA", config: func(c *conf) { c.Issuers = []string{auth0} },
			want: `token_malformed: this is an opaque token, not a JWT: request the token with audience=https://api.example.com`, issuer: "-",
		},
		{
			name: "opaque, by Auth0 or another", token: "2YotnFZFEjr1zCsicMWpAA", config: func(c *conf) { c.Issuers = []string{auth0, issuer} },
			want: `token_malformed: this is an opaque token, not a JWT: ` +
				`have the client ask for a token for this API, and the issuer make its access tokens JWTs`, issuer: "-",
		},

		{
			name: "typ JWS", header: members{"typ": "JWS"},
			want: `wrong_type: typ is "JWS", want one of ["JWT" "at+jwt"]: ` + skipType,
		},
		{
			name: "typ JWT where RFC 9068 is required", config: func(c *conf) { c.RequireRFC9068 = true },
			want: `wrong_type: typ is "JWT", want "at+jwt": Config.RequireRFC9068 requires it`,
		},
		{
			name: "no jti where RFC 9068 is required", config: func(c *conf) { c.RequireRFC9068 = true },
			header: members{"typ": "at+jwt"}, claims: members{"client_id": "shop-spa"},
			want: `invalid_claim: jti is missing: Config.RequireRFC9068 requires it`,
		},
		{
			name: "an ID token", claims: members{"at_hash": "x"},
			want: `wrong_type: this is an ID token by its claim at_hash, and only access tokens are accepted: ` +
				`have the client send its access token; ` + skipType,
		},
		{
			name: "an ID token where RFC 9068 is required", config: func(c *conf) { c.RequireRFC9068 = true },
			header: members{"typ": "at+jwt"}, claims: members{"at_hash": "x"},
			want: `wrong_type: this is an ID token by its claim at_hash, and only access tokens are accepted: ` +
				`have the client send its access token`,
		},
		{
			name: "a refresh token", claims: members{"tokenType": "refresh-token"},
			want: `wrong_type: this is a refresh token by its claim tokenType, and only access tokens are accepted: ` +
				`have the client send its access token`,
		},
		{
			name: "iss without the slash", config: func(c *conf) { c.Issuers = []string{auth0} }, claims: members{"iss": "https://shop.eu.auth0.com"},
			want: `wrong_issuer: iss is "https://shop.eu.auth0.com", want "https://shop.eu.auth0.com/": they differ by the slash at the end`,
		},

		{
			name: "a workload of another trust domain", config: func(c *conf) { c.Issuers = []string{"spiffe://example.org"} },
			claims: members{"iss": nil, "sub": "spiffe://example.com/orders"}, issuer: "spiffe://example.com",
			want: `wrong_issuer: iss is missing, and the trust domain of sub is "spiffe://example.com", want "spiffe://example.org"`,
		},
		{
			name: "a trust domain's iss, and a subject of another one", config: func(c *conf) { c.Issuers = []string{"spiffe://example.org"} },
			claims: members{"iss": "spiffe://example.org", "sub": "spiffe://example.com/orders"},
			want:   `wrong_issuer: iss is "spiffe://example.org", and sub is not a SPIFFE ID of that trust domain`,
		},
		{
			name: "iss in capitals", claims: members{"iss": "https://SSO.example.com/realms/shop"},
			want: `wrong_issuer: iss is "https://SSO.example.com/realms/shop", want "` + issuer + `": they differ by case`,
		},
		{
			name: "iss by http", claims: members{"iss": "http://sso.example.com/realms/shop"},
			want: `wrong_issuer: iss is "http://sso.example.com/realms/shop", want "` + issuer + `": they differ by the scheme`,
		},
		{
			name: "alg", header: members{"alg": "ES256"},
			want: `algorithm_not_allowed: alg is "ES256", want "RS256": see Config.Algorithms`, issuer: "-",
		},
		{
			name: "expired", claims: members{"exp": now.Unix() - 60},
			want: `token_expired: exp was 2026-12-01T11:59:00Z, 1m0s before now (2026-12-01T12:00:00Z; leeway 30s)`,
		},
		{
			name: "a long kid", header: members{"kid": "\n" + strings.Repeat("x", 1000)},
			want: `unknown_key: kid is "\n` + strings.Repeat("x", 255) + `…": the keys held, fetched just now, have no such key; ` +
				`the next fetch for an unknown key with the next lookup; held are "rsa" "ec"`,
		},

		{
			name: "no client", checks: []validator.Check{validator.Clients("shop-spa")},
			want: `refused: the token has no client, by client_id, azp, cid or appid, want one of ["shop-spa"]`,
		},
		{
			name: "another client", checks: []validator.Check{validator.Clients("shop-spa")}, claims: members{"azp": "shop-cli"},
			want: `refused: the token's client is none of ["shop-spa"]`,
		},
		{
			name: "no subject", checks: []validator.Check{validator.Subjects("u1")}, claims: members{"sub": nil},
			want: `refused: the token has no sub, want one of ["u1"]`,
		},

		{
			name: "an actor, and none may act", checks: []validator.Check{validator.NoActor()}, claims: members{"act": members{"sub": "agent-7"}},
			want: `refused: the token is used by an actor on behalf of its subject (act), and NoActor rejects that`, actor: "agent-7",
		},
		{
			name: "another actor", checks: []validator.Check{validator.Actors("agent-7")},
			claims: members{"act": members{"sub": "agent-8", "act": members{"sub": "7351962"}}},
			want:   `refused: the token's actor is none of ["agent-7"]`, actor: "agent-8",
		},
		{
			name: "another issuer's actor", checks: []validator.Check{validator.Actors("agent-7")},
			claims: members{"act": members{"sub": "agent-7", "iss": "https://7351962.example.com"}},
			want:   `refused: the token's actor is another issuer's (iss in act), want one of ["agent-7"]`, actor: "agent-7",
		},
		{
			name: "no actor", checks: []validator.Check{validator.AnyOf(validator.Actors("agent-7"), validator.Subjects("u1"))},
			want: `refused: the token has no actor (act), want one of ["agent-7"]; the token's subject is none of ["u1"]`,
		},
		{
			name: "an actor that is a string", checks: []validator.Check{validator.Actors("agent-7")}, claims: members{"act": "7351962"},
			want: `invalid_claim: the claim act is a string, want an object`,
		},
		{
			name: "an actor's sub that is a number", checks: []validator.Check{validator.NoActor()}, claims: members{"act": members{"sub": 7351962}},
			want: `invalid_claim: the claim act has a sub that is a number, want a string`,
		},
		{
			name: "an actor of a token that lacks a scope", checks: []validator.Check{validator.Scopes("orders:write")},
			claims: members{"act": members{"client_id": "agent-7"}},
			want:   `insufficient_scope: the token's scope lacks "orders:write"`, actor: "agent-7",
		},
		{
			name: "an actor of a token that has expired", claims: members{"exp": now.Unix() - 60, "act": members{"sub": "7351962"}},
			want: `token_expired: exp was 2026-12-01T11:59:00Z, 1m0s before now (2026-12-01T12:00:00Z; leeway 30s)`,
		},
		{
			name: "no roles", checks: []validator.Check{validator.Roles([]string{"roles"}, "admin")},
			want: `insufficient_role: the claim "roles" is missing, want one with the role "admin"`,
		},
		{
			name: "no roles within", checks: []validator.Check{validator.AnyRole([]string{"realm_access", "roles"}, "admin", "writer")},
			claims: members{"realm_access": members{"groups": []string{"admin"}}},
			want:   `insufficient_role: the claim at ["realm_access" "roles"] is missing, want one with one of the roles ["admin" "writer"]`,
		},
		{
			name: "one role of two", checks: []validator.Check{validator.Roles([]string{"realm_access", "roles"}, "reader", "writer")},
			claims: members{"realm_access": members{"roles": []string{"reader", "7351962"}}},
			want:   `insufficient_role: the claim at ["realm_access" "roles"] lacks the role "writer"`,
		},
		{
			name: "no role of two", checks: []validator.Check{validator.AnyRole([]string{"groups"}, "reader", "writer")},
			claims: members{"groups": []string{"7351962"}},
			want:   `insufficient_role: the claim "groups" has none of the roles ["reader" "writer"]`,
		},
		{
			name: "roles that are objects", checks: []validator.Check{validator.Roles([]string{"roles"}, "reader", "writer")},
			claims: members{"roles": []any{members{"name": "reader"}}},
			want: `insufficient_role: the claim "roles" is an array with an object in it, want a string or an array of strings ` +
				`with the roles ["reader" "writer"]`,
		},
		{
			name: "a user's scope or a daemon's role", checks: []validator.Check{validator.AnyOf(
				validator.Scopes("Orders.Read"), validator.Roles([]string{"roles"}, "Orders.Read.All"))},
			want: `insufficient_scope: the token's scope lacks "Orders.Read"; ` +
				`the claim "roles" is missing, want one with the role "Orders.Read.All"`,
		},

		{
			name: "no scheme", scheme: "-", issuer: "-",
			want: `token_missing: the Authorization field is a JWT without a scheme: ` +
				`the client has to send "Bearer", a space and the token`,
		},
		{
			name: "the scheme JWT", scheme: "JWT ", issuer: "-",
			want: `token_missing: the Authorization field has a JWT under the scheme JWT: ` +
				`the client has to send it under the scheme Bearer`,
		},
		{
			name: "the scheme Token", scheme: "Token ", issuer: "-",
			want: `token_missing: the Authorization field has a JWT under the scheme Token: ` +
				`the client has to send it under the scheme Bearer`,
		},
		{
			name: "the scheme DPoP", scheme: "DPoP ", issuer: "-",
			want: `token_missing: the Authorization field has a token under the scheme DPoP: ` +
				`set Config.DPoP to accept tokens with proofs, or let the client send it under the scheme Bearer`,
		},

		{
			name: "no metadata", documents: map[string]string{},
			want: discover + `no metadata of this issuer at either address: ` + setKeys +
				`: GET ` + oidcURL + `: 404 Not Found; GET ` + oauthURL + `: 404 Not Found`, level: slog.LevelError,
		},
		{
			name: "metadata of another name", documents: map[string]string{oidcURL: `{"issuer":"https://sso.example.com/{tenantid}","jwks_uri":"` + keysURL + `"}`},
			want: discover + `the issuer has another name in its metadata: use that, if its tokens have it as well, ` +
				`and if it can't be reached, this address as the MetadataURL of a jwks.Cache; or ` + setKeys +
				`: GET ` + oidcURL + `: not the issuer's metadata: its issuer is "https://sso.example.com/{tenantid}", not "` + issuer +
				`"; GET ` + oauthURL + `: 404 Not Found`, level: slog.LevelError,
		},
		{
			name: "a redirect", documents: map[string]string{oidcURL: "https://login.example.com/realms/shop?secret=7351962"},
			want: discover + `no metadata of this issuer at either address: ` + setKeys +
				`: GET ` + oidcURL + `: 302 Found to host "login.example.com", and redirects are not followed` +
				`; GET ` + oauthURL + `: 404 Not Found`, level: slog.LevelError,
		},
		{
			name: "no key set", config: func(c *conf) { c.Keys = nil }, documents: map[string]string{oidcURL: normal[oidcURL]},
			want: discover + `no key set where the issuer's metadata says: ` + setKeys +
				`: GET ` + keysURL + `: 404 Not Found`, level: slog.LevelError,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clock := &wordsClock{now: now}
			cfg := conf{Issuers: []string{issuer}, Audiences: []string{audience}}
			if tt.config != nil {
				tt.config(&cfg)
			}
			cfg.Now = clock.Now
			if cfg.Keys == nil && cfg.Secret == nil {
				served := tt.documents
				if served == nil {
					served = normal
				}
				keys, err := jwks.NewCache(jwks.Config{
					Issuer: issuer, Client: &http.Client{Transport: wordsServer(served)}, Now: clock.Now, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Fatal(err)
				}
				cfg.Keys = keys
			}
			v, err := validator.New(cfg)
			if err != nil {
				t.Fatalf("New() = %v", err)
			}
			if tt.before != nil {
				tt.before(func(token string) { v.Validate(t.Context(), token) }, clock.advance)
			}

			header := members{"alg": "RS256", "kid": "rsa", "typ": "JWT"}
			claims := members{"iss": issuer, "aud": audience, "exp": now.Unix() + 3600, "sub": "7351962"}
			maps.Copy(header, tt.header)
			maps.Copy(claims, tt.claims)
			token, key, size := tt.token, tt.key, ""
			if key == nil {
				key = rs
			}
			if token == "" {
				payload := tt.payload
				if payload == "" {
					payload = wordsJSON(claims)
				}
				sign := tt.sign
				if sign == nil {
					sign = (*wordsKey).sign
				}
				token = wordsToken(wordsJSON(header), payload, func(input string) []byte {
					signature := sign(key, input)
					size = fmt.Sprint(len(signature))
					return signature
				})
			}

			var log bytes.Buffer
			auth := newAuth(t, middleware.Config{Validator: v, Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, audience, nil)
			scheme := cmp.Or(tt.scheme, "Bearer ")
			r.Header.Set("Authorization", strings.TrimPrefix(scheme, "-")+token)
			w := httptest.NewRecorder()
			auth.Require(tt.checks...)(http.NotFoundHandler()).ServeHTTP(w, r)

			if tt.want == "" {
				if w.Code != http.StatusNotFound || log.Len() > 0 {
					t.Errorf("status = %d, log = %s, want the token accepted", w.Code, &log)
				}
				return
			}
			var line struct{ Level, Error, Issuer, Actor string }
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatalf("log = %s, want one line: %v", &log, err)
			}
			// Part of the time to the next fetch is random.
			line.Error = regexp.MustCompile(`unknown key in \d+ s`).ReplaceAllString(line.Error, "unknown key in N s")
			if want := strings.ReplaceAll(tt.want, "SIZE", size); line.Error != want || line.Level != tt.level.String() {
				t.Errorf("log has %s at %s\nwant     %s at %s", line.Error, line.Level, want, tt.level)
			}
			if line.Actor != tt.actor {
				t.Errorf("log has actor %q, want %q", line.Actor, tt.actor)
			}
			wantIssuer := tt.issuer
			switch wantIssuer {
			case "":
				wantIssuer, _ = claims["iss"].(string)
			case "-":
				wantIssuer = ""
			}
			if line.Issuer != wantIssuer {
				t.Errorf("log has issuer %q, want %q", line.Issuer, wantIssuer)
			}
			// Claims that are not checked must not be in the log.
			if strings.Contains(log.String(), "7351962") || len(token) > 40 && strings.Contains(log.String(), token[len(token)-40:]) {
				t.Errorf("log = %s, want no private claim and no token in it", &log)
			}
			if strings.HasSuffix(line.Error, "…") || log.Len() > 1500 {
				t.Errorf("log = %s, want room for what to change", &log)
			}
		})
	}
}

// manyNames are long ones, each of one digit.
func manyNames(n int) []string {
	var names []string
	for i := range n {
		names = append(names, strings.Repeat(string(rune('0'+i%10)), 200))
	}
	return names
}

func manyMembers(n int) map[string]any {
	m := make(map[string]any)
	for i := range n {
		m[fmt.Sprintf("%x", i)] = 0
	}
	return m
}

// A wordsKey signs tokens.
type wordsKey struct {
	id      string
	private crypto.Signer
}

func newWordsKey(id string) *wordsKey {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &wordsKey{id: id, private: private}
}

func wordsRSA() *wordsKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return &wordsKey{id: "rsa", private: private}
}

func (k *wordsKey) sign(input string) []byte {
	sum := sha256.Sum256([]byte(input))
	if private, ok := k.private.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	signature, err := k.private.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return signature
}

// jwk writes the public key with these members beside its parameters.
func (k *wordsKey) jwk(more ...string) string {
	base64url := base64.RawURLEncoding.EncodeToString
	members := append([]string{fmt.Sprintf(`"kid":%q`, k.id)}, more...)
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		members = append(members, `"kty":"RSA"`,
			fmt.Sprintf(`"n":%q,"e":%q`, base64url(public.N.Bytes()), base64url(big.NewInt(int64(public.E)).Bytes())))
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic(err)
		}
		members = append(members, `"kty":"EC","crv":"P-256"`,
			fmt.Sprintf(`"x":%q,"y":%q`, base64url(point[1:33]), base64url(point[33:])))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// token makes one with another kid.
func (k *wordsKey) token(issuer, audience, kid string, now time.Time) string {
	return wordsToken(wordsJSON(map[string]any{"alg": "RS256", "kid": kid}),
		wordsJSON(map[string]any{"iss": issuer, "aud": audience, "exp": now.Unix() + 3600}), k.sign)
}

func wordsToken(header, payload string, sign func(string) []byte) string {
	base64url := base64.RawURLEncoding.EncodeToString
	input := base64url([]byte(header)) + "." + base64url([]byte(payload))
	return input + "." + base64url(sign(input))
}

// wordsJSON leaves out members that are nil.
func wordsJSON(members map[string]any) string {
	own := maps.Clone(members)
	maps.DeleteFunc(own, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(own)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// A wordsServer answers with the document of a URL, with a redirect to a
// document that is a URL, and 404 otherwise.
type wordsServer map[string]string

func (s wordsServer) RoundTrip(r *http.Request) (*http.Response, error) {
	document, ok := s[r.URL.String()]
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(document)), Request: r}
	switch {
	case !ok:
		res.StatusCode = http.StatusNotFound
	case strings.HasPrefix(document, "https://"):
		res.StatusCode = http.StatusFound
		res.Header.Set("Location", document)
	}
	return res, nil
}

type wordsClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *wordsClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *wordsClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
