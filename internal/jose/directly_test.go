package jose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/jose"
)

// A key by itself and the same key in a set, which is loaded in another way,
// are one or none.
func FuzzParsePublicKey(f *testing.F) {
	for _, seed := range []members{
		rsaJWK, ecJWK, edJWK, rsaJWK.with(members{"alg": "PS256", "e": "AAAAAQAB"}), rsaJWK.with(members{"e": "AQ"}), rsaJWK.with(members{"e": "_____w"}),
		ecJWK.with(members{"y": ecJWK["x"]}), ecJWK.with(members{"crv": "P-384"}), edJWK.with(members{"x": strings.Repeat("A", 43)}), {"kty": "oct", "k": "AA"},
	} {
		f.Add(seed.String())
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encode(jose.Key{Public: key.Public()}).String())
	}
	f.Fuzz(func(t *testing.T, jwk string) {
		keys, leftOut, err := jose.ParseKeySet([]byte(`{"keys":[` + jwk + `]}`))
		if err != nil || len(keys)+len(leftOut) != 1 { // the text may be that of two elements
			return
		}
		key, err := jose.ParsePublicKey(jwk)
		if (err == nil) != (len(keys) == 1) {
			t.Fatalf("ParsePublicKey(%q) = %v, %v, and ParseKeySet of it alone = %v", jwk, key, err, keys)
		}
		if err == nil && (!equal(key.Public, keys[0].Public) || key.ID != keys[0].ID || key.Algorithm != keys[0].Algorithm) {
			t.Errorf("ParsePublicKey(%q) = %v, and ParseKeySet of it alone = %v", jwk, key, keys[0])
		}
	})
}
