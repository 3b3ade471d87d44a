package vectors_test

import (
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/internal/vectors/requests"
)

// The log says enough to mend the fault.
func TestDiagnosis(t *testing.T) {
	t.Parallel()
	byName := map[string]vectors.Vector{}
	files := map[string]vectors.File{}
	for _, file := range load(t) {
		files[file.Name] = file
		for _, v := range file.Vectors {
			byName[file.Name+": "+v.Name] = v
		}
	}
	for name, want := range map[string]string{
		`audiences: aud is "https://tenant.example.com/userinfo"`:        `aud is "https://tenant.example.com/userinfo", want "https://api.example.com": have the client ask for a token for this API, or add the value to Config.Audiences if it names this API too`,
		`audiences: an array of others`:                                  `aud is ["https://a.example.com" "https://b.example.com"], want "https://api.example.com"`,
		`audiences: no aud`:                                              `aud is missing`,
		`compact: opaque token`:                                          `this is an opaque token, not a JWT: have the client ask for a token for this API, and the issuer make its access tokens JWTs`,
		`compact: of five parts`:                                         `this is an encrypted token (JWE): only signed tokens are read, so turn off the encryption of access tokens at the issuer`,
		`types: ID token with nonce and at_hash`:                         `this is an ID token`,
		`types: logout token`:                                            `this is a security event or logout token`,
		`types: typ "dpop+jwt"`:                                          `typ is "dpop+jwt", want one of ["JWT" "at+jwt"]`,
		`issuers: iss is "https://tenant.example.com"`:                   `iss is "https://tenant.example.com", want "https://tenant.example.com/": they differ by the slash at the end`,
		`issuers: iss is "https://TENANT.EXAMPLE.COM/"`:                  `they differ by case`,
		`issuers: iss is "http://tenant.example.com/"`:                   `they differ by the scheme`,
		`algorithms: ES256 by default`:                                   `alg is "ES256", want "RS256": see Config.Algorithms`,
		`algorithms: ES256 with the kid of p384`:                         `alg is "ES256", and the key is an EC key on P-384: have the issuer sign with an algorithm for its key`,
		`headers: kid is "RSA"`:                                          `kid is "RSA": the keys held, fetched just now, have no such key; the next fetch for an unknown key with the next lookup; held are "rsa" `,
		`headers: crit is ["exp"]`:                                       `"crit"`,
		`times: exp an hour ago`:                                         `exp was 2025-12-31T23:00:00Z, 1h0m0s before now (2026-01-01T00:00:00Z; leeway 30s)`,
		`times: nbf an hour ahead`:                                       `nbf is 2026-01-01T01:00:00Z, 1h0m0s after now`,
		`times: no exp`:                                                  `exp is missing`,
		`claims: sub is 1`:                                               `sub`,
		`organizations: the ID, and no claim`:                            `"org_AbC123"`,
		`checks: scope is "Read:orders"`:                                 `the token's scope lacks "read:orders"`,
		`bindings: a DPoP key, nothing proven`:                           `bound to a key`,
		`limits: 16 KiB and one`:                                         `too large`,
		`json: two claims iss, the same`:                                 `two members of one name`,
		`key-sets: the key set is no keys`:                               `key set is empty`,
		`compact: newline at the end of the signature`:                   `base64url`,
		`types: RFC 9068 asked for: no jti`:                              `jti is missing: Config.RequireRFC9068 requires it`,
		`issuers: iss is "https://tenant.example.com.attacker.example/"`: `want "https://tenant.example.com/"`,

		"types: Casdoor's refresh token":                        `this is a refresh token by its claim tokenType`,
		"key-issuers: the common key set: another tenant's key": `the key set says that this key signs for "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0" alone`,
		"key-issuers: the template, and no tid":                 `where {tenantid} is the claim tid, which the token doesn't have`,

		`bindings: a DPoP key and a second key by "kid":"rsa", the first proven`: `cnf names a key by its member kid`,
	} {
		v, ok := byName[name]
		if !ok {
			t.Errorf("there is no vector %q", name)
			continue
		}
		file, _, _ := strings.Cut(name, ": ")
		val := requests.ValidatorOf(t, v, requests.ServersOf(files[file], v), true)
		_, err := val.Validate(t.Context(), v.Token)
		if err == nil || !strings.HasPrefix(err.Error(), v.Want+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate(%s) error = %v, want %q in it", name, err, want)
		}
	}
}
