package validator_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// The tests' issuer signs by a fixed Ed25519 key, at a fixed time.
const (
	issuer   = "https://tenant.eu.auth0.com/"
	audience = "https://api.example.com"
	kid      = "k1"
)

var (
	key = ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	t0  = time.Unix(1_700_000_000, 0).UTC()
)

// object is a JSON object; a nil value leaves a member out.
type object map[string]any

func (o object) json() string {
	o = maps.Clone(o)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// token returns a good token with these changes, in the header and in
// the claims.
func token(header, claims object) string {
	h := object{"alg": "EdDSA", "typ": "JWT", "kid": kid}
	maps.Copy(h, header)
	c := object{"iss": issuer, "aud": audience, "sub": "user", "exp": t0.Unix() + 3600, "iat": t0.Unix()}
	maps.Copy(c, claims)
	return signed(h.json(), c.json())
}

func signed(header, payload string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(input)))
}

// config accepts what token makes.
func config() validator.Config {
	return validator.Config{
		Issuers:    []string{issuer},
		Audiences:  []string{audience},
		Keys:       jwks.Set{{ID: kid, Public: key.Public()}},
		Algorithms: []validator.Algorithm{validator.EdDSA},
		Now:        func() time.Time { return t0 },
		CacheSize:  -1, // what is remembered is for the tests that say so
	}
}

func newValidator(t testing.TB, change func(*validator.Config)) *validator.Validator {
	t.Helper()
	cfg := config()
	if change != nil {
		change(&cfg)
	}
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
