package jwks_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rsguard/rsguard/jwks"
)

// auth0Set has the shape of the one in Auth0's documentation: an x5t that is
// the hexadecimal text of a hash in base64, a chain of certificates, and, like
// the set of an older tenant, one key without alg.
const auth0Set = `{"keys":[{
	"alg":"RS256","kty":"RSA","use":"sig","e":"AQAB",
	"kid":"NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg",
	"x5t":"NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg",
	"x5c":["MIIC+DCCAeCgAwIBAgIJBIGjYW6hFpn2MA0GCSqGSIb3DQEBBQUAMCMxITAfBgNVBAMTGGN1c3RvbWVyLWRlbW9zLmF1dGgwLmNvbTAe"],
	"n":"yeNlzlub94YgerT030codqEztjfU_S6X4DbDA_iVKkjAWtYfPHDzz_sPCT1Axz6isZdf3lHpq_gYX4Sz-cbe4rjmigxUxr-FgKHQy3HeCdK6hNq9ASQvMK9LBOpXDNn7mei6RZWom4wo3CMvvsY1w8tjtfLb-yQwJPltHxShZq5-ihC9irpLI9xEBTgG12q5lGIFPhTl_7inA1PFK97LuSLnTJzW0bj096v_TMDg7pOWm_zHtF53qbVsI0e3v5nmdKXdFf9BjIARRfVrbxVxiZHjU6zL6jY5QJdh1QCmENoejj_ytspMmGW7yMRxzUqgxcAqOBpVm0b-_mW3HoBdjQ"
},{
	"kty":"RSA","use":"sig","e":"AQAB","kid":"second","x5t":"bm90IGEgaGFzaA",
	"n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
}]}`

func TestParse_auth0(t *testing.T) {
	t.Parallel()
	got, err := jwks.Parse([]byte(auth0Set))
	if err != nil || len(got) != 2 {
		t.Fatalf("Parse(Auth0's set) = %d keys, %v, want both", len(got), err)
	}
	if got[0].Algorithm != "RS256" || got[1].Algorithm != "" || got[1].ID != "second" {
		t.Errorf("Parse(Auth0's set) = %+v, want RS256 and none", got)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		want       int
		reason     string
	}{
		{"one", set(jwk("1")), 1, ""},
		{"white space around", "\n " + set(jwk("1")) + "\r\n", 1, ""},
		{"some unusable", set(`{"kty":"oct"}`, jwk("1"), `7`, jwk("2", `"use":"enc"`)), 1, ""},
		{"no key", set(), 0, "the key set is empty"},
		{"no usable key", set(jwk("1", `"d":"AA"`)), 0, `no usable key: key 0 (kid "1"): not a public key: it has "d"`},
		{"thousands without a usable one", set(strings.Repeat("0,", 5000) + "0"), 0, "key 9: not an object; and 4991 more"},
		{"no set", `{}`, 0, `no "keys"`},
		{"nothing", ``, 0, "not an object"},
		{"byte order mark", "\ufeff" + set(jwk("1")), 1, ""},
		{"UTF-16", "{\x00\"\x00", 0, "malformed"},
		{"not UTF-8 in one key", set(strings.Replace(jwk("2"), "{", "{\"x\":\"\xff\",", 1), jwk("1")), 1, ""},
		{"not UTF-8 in every key", set("{\"x\":\"\xff\"}"), 0, "UTF-8"},
		{"a key alone", jwk("1"), 0, `no "keys"`},
		{"PEM", "-----BEGIN PUBLIC KEY-----", 0, "not an object"},
	} {
		got, err := jwks.Parse([]byte(tt.data))
		if len(got) != tt.want || (err == nil) != (tt.reason == "") || err != nil && !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("Parse(%s) = %d keys, %v, want %d, %q", tt.name, len(got), err, tt.want, tt.reason)
		}
	}
}

func TestSet_Keys(t *testing.T) {
	t.Parallel()
	s, err := jwks.Parse([]byte(set(jwk("1"), jwk("2"), jwk(""), jwk("1"))))
	if err != nil {
		t.Fatal(err)
	}
	for kid, want := range map[string]int{"": 4, "1": 2, "2": 1, "3": 0, "1 ": 0} {
		got, err := s.Keys(t.Context(), kid)
		if len(got) != want || err != nil {
			t.Errorf("Keys(%q) = %d keys, %v, want %d", kid, len(got), err, want)
		}
		for _, key := range got {
			if kid != "" && key.ID != kid {
				t.Errorf("Keys(%q) holds the key %q", kid, key.ID)
			}
		}
		_ = append(got, jwks.Key{ID: "evil"})
	}
	for _, key := range s {
		if key.ID == "evil" {
			t.Error("what a caller appends to the result of Keys is in the Set")
		}
	}
	if got, err := jwks.Set(nil).Keys(t.Context(), "1"); len(got) != 0 || err != nil {
		t.Errorf("Keys of no Set = %v, %v, want none", got, err)
	}
}

func sameKey(a, b jwks.Key) bool {
	public, ok := a.Public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(b.Public) {
		return false
	}
	a.Public, b.Public = nil, nil
	return a == b
}

// A Set is written as a key set, or not at all.
func TestSet_MarshalJSON(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no key")
	}
	x := base64.RawURLEncoding.EncodeToString(public)
	for _, tt := range []struct {
		name string
		set  jwks.Set
		want string // in the error, if it is no JSON
	}{
		{"none", nil, `{"keys":[]}`},
		{"one", jwks.Set{{Public: public}}, `{"keys":[{"crv":"Ed25519","kty":"OKP","x":"` + x + `","use":"sig"}]}`},
		{"one with everything", jwks.Set{{ID: "\u2028<a>", Algorithm: "EdDSA", Issuer: "https://issuer.example", X5T: "1", X5TS256: "2", Public: public}},
			`{"keys":[{"crv":"Ed25519","kty":"OKP","x":"` + x + `","use":"sig","kid":"\u2028\u003ca\u003e","alg":"EdDSA","issuer":"https://issuer.example","x5t":"1","x5t#S256":"2"}]}`},
		{"a private key", jwks.Set{{ID: "1", Public: private}}, `key 0 (kid "1"): a key of type ed25519.PrivateKey`},
		{"no key", jwks.Set{{ID: "1", Public: public}, {ID: "2"}}, `key 1 (kid "2"): a key of type <nil>`},
		{"a kid that is not UTF-8", jwks.Set{{ID: "\xff", Public: public}}, "a key that no JWK Set can have"},
		{"an x5t that no certificate has", jwks.Set{{X5T: strings.Repeat("a", 129), Public: public}}, "a key that no JWK Set can have"},
		{"another algorithm", jwks.Set{{Public: public}, {Algorithm: "RS256", Public: public}}, "a key that no JWK Set can have"},
	} {
		got, err := json.Marshal(tt.set)
		if isJSON := tt.want[0] == '{'; isJSON && (err != nil || string(got) != tt.want) || !isJSON && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("Marshal(%s) = %s, %v, want %s", tt.name, got, err, tt.want)
		}
		if err != nil {
			continue
		}
		again := jwks.Set{{ID: "before"}}
		if err := json.Unmarshal(got, &again); err != nil || !slices.EqualFunc(again, tt.set, sameKey) {
			t.Errorf("Unmarshal(%s) = %v, %v, want what was marshalled", got, again, err)
		}
	}
	for _, text := range []string{`[]`, `{"keys":[{"kty":"oct"}]}`, `[{"ID":"1"}]`, `"x"`} {
		s := jwks.Set{{ID: "before"}}
		if err := json.Unmarshal([]byte(text), &s); err == nil || len(s) != 1 {
			t.Errorf("Unmarshal(%s) = %v, %v, want an error, and the Set as it was", text, s, err)
		}
	}
}

// What Parse accepts holds keys, and what it finds by a kid are the keys of
// that kid, all of them.
func FuzzParse(f *testing.F) {
	f.Add([]byte(auth0Set), "second")
	f.Add([]byte(set(jwk("1"), jwk("1"), jwk(""))), "1")
	f.Add([]byte(set(`{"kty":"oct"}`)), "")
	f.Fuzz(func(t *testing.T, data []byte, kid string) {
		s, err := jwks.Parse(data)
		if (err == nil) != (len(s) > 0) {
			t.Fatalf("Parse(%q) = %v, %v, want keys or an error", data, s, err)
		}
		got, _ := s.Keys(t.Context(), kid)
		want := 0
		for _, key := range s {
			if kid == "" || key.ID == kid {
				want++
			}
			if public, ok := key.Public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(key.Public) {
				t.Errorf("Parse(%q) holds a %T", data, key.Public)
			}
		}
		if len(got) != want {
			t.Errorf("Keys(%q) of %q = %d keys, want %d", kid, data, len(got), want)
		}

		// What is written out is the same set.
		if len(s) == 0 {
			return
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("Marshal(%+v) error = %v, want a key set", s, err)
		}
		again, err := jwks.Parse(text)
		if err != nil || !slices.EqualFunc(again, s, sameKey) {
			t.Errorf("Parse(%s) = %+v, %v, want %+v", text, again, err, s)
		}
	})
}

// Key sets as issuers publish them have keys that are not for tokens. Those
// cost the others nothing, and are nothing to warn of unless they should have
// been for tokens.
func TestCache_keysForOthers(t *testing.T) {
	t.Parallel()
	x5c := `"x5c":["MIIC+DCCAeCgAwIBAgIJBIGjYW6hFpn2MA0GCSqGSIb3DQEBBQUAMCMxITAfBgNVBAMTGGN1c3RvbWVy"]`
	for _, tt := range []struct {
		name, other string // beside a good one
		level       string // of the line about it; "" if it is not left out
	}{
		{"Keycloak's for encryption", jwk("enc", `"use":"enc"`, `"alg":"ECDH-ES"`, x5c, `"x5t":"QjU4MDk4RTlGNTY"`, `"x5t#S256":"QjU4"`), "DEBUG"},
		{"one for encryption by its alg alone", jwk("enc", `"alg":"ECDH-ES+A256KW"`), "DEBUG"},
		{"SPIRE's for certificates, without kid", strings.Replace(jwk("", `"use":"x509-svid"`, x5c), `"kid":"",`, "", 1), "DEBUG"},
		{"a vault's for wrapping", jwk("vault", `"key_ops":["wrapKey","unwrapKey"]`), "DEBUG"},
		{"a vault's for everything", jwk("vault", `"key_ops":["sign","verify","wrapKey","unwrapKey","encrypt","decrypt"]`), ""},
		{"SPIRE's for JWT-SVIDs", jwk("svid", `"use":"jwt-svid"`), ""},
		{"Entra's", jwk("entra", `"use":"sig"`, x5c, `"x5t":"nOo3ZDrODXEK1jKWhXslHR_KXEg"`, `"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0"`), ""},
		{"one that has expired by a member of its own", jwk("old", `"exp":1,"nbf":0,"status":"retired"`), ""},

		{"one whose use is misspelled", jwk("odd", `"use":"signature"`), "WARN"},
		{"one whose use is no string", jwk("odd", `"use":["sig"]`), "WARN"},
		{"one for signing, which nobody can with it", jwk("odd", `"key_ops":["sign"]`), "WARN"},
		{"one for nothing", jwk("odd", `"key_ops":[]`), "WARN"},
		{"one with an unknown alg", jwk("odd", `"alg":"ES256K"`), "WARN"},
		{"a private one", jwk("odd", `"d":"AA"`), "WARN"},
	} {
		synctest.Test(t, func(t *testing.T) {
			log := &logbook{}
			c := newIssuer(`{"spiffe_sequence":1,"public_cert":{"cert":"x"},"keys":[`+tt.other+","+jwk("good")+"]}").cache(t, func(cfg *jwks.Config) { cfg.Logger = log.logger() })
			mustFind(t, c, "good")
			keys, err := c.Keys(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			want := map[bool]int{true: 2, false: 1}[tt.level == ""]
			lines := log.lines("keys left out")
			if len(keys) != want || len(lines) != 2-want || tt.level != "" && !strings.HasPrefix(lines[0], "level="+tt.level) {
				t.Errorf("%s: %d keys, and the log has %q, want %d, and a line at %q if it is left out", tt.name, len(keys), lines, want, tt.level)
			}
		})
	}
}
