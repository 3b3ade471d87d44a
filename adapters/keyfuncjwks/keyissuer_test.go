package keyfuncjwks_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/jwks"
)

// A key that says whose it is verifies no other issuer's token, whatever type
// the token's claims are read into.
func TestKeyfunc_keyIssuer(t *testing.T) {
	t.Parallel()
	const tenant = "3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71"
	const others = "9188040d-6c67-4c5b-b112-36a304b66dad"
	issuerOf := func(tenant string) string { return "https://login.microsoftonline.com/" + tenant + "/v2.0" }
	work, home, anyones := newSigner("work", jwt.SigningMethodES256), newSigner("home", jwt.SigningMethodES256), newSigner("any", jwt.SigningMethodES384)
	keyOf := func(s signer, issuer string) jwks.Key {
		key := s.public("")
		key.Issuer = issuer
		return key
	}
	k := newKeyfunc(t, jwks.Set{keyOf(work, issuerOf("{tenantid}")), keyOf(home, issuerOf(others)), anyones.public("")})

	for _, tt := range []struct {
		name   string
		by     signer
		claims jwt.MapClaims
		want   string // in the error; "" if there must be none
	}{
		{"the key of all tenants", work, jwt.MapClaims{"iss": issuerOf(tenant), "tid": tenant}, ""},
		{"the key of all tenants, no tid", work, jwt.MapClaims{"iss": issuerOf(tenant)}, "another issuer"},
		{"the key of all tenants, another tid", work, jwt.MapClaims{"iss": issuerOf(tenant), "tid": others}, "another issuer"},
		{"another tenant's key", home, jwt.MapClaims{"iss": issuerOf(tenant), "tid": tenant}, "another issuer"},
		{"that tenant's own token", home, jwt.MapClaims{"iss": issuerOf(others), "tid": others}, ""},
		{"a key of any issuer", anyones, jwt.MapClaims{"iss": issuerOf(tenant)}, ""},
		{"no iss", work, jwt.MapClaims{"tid": tenant}, "another issuer"},
	} {
		tt.claims["exp"] = time.Now().Add(time.Hour).Unix()
		unsigned := jwt.NewWithClaims(tt.by.method, tt.claims)
		unsigned.Header["kid"] = tt.by.kid
		token, err := unsigned.SignedString(tt.by.key)
		if err != nil {
			t.Fatal(err)
		}
		for name, into := range map[string]jwt.Claims{"MapClaims": jwt.MapClaims{}, "RegisteredClaims": new(jwt.RegisteredClaims)} {
			_, err := jwt.ParseWithClaims(token, into, k.Keyfunc)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("ParseWithClaims(%s) into %s: error = %v, want %q", tt.name, name, err, tt.want)
			}
		}
	}

	// What can't be compared with a token isn't handed out.
	all, err := k.VerificationKeySet(t.Context())
	if err != nil || len(all.Keys) != 1 {
		t.Errorf("VerificationKeySet() = %d keys, %v, want the one of any issuer", len(all.Keys), err)
	}
	stored, err := k.Storage().KeyReadAll(t.Context())
	if err != nil || len(stored) != 1 || stored[0].Marshal().KID != anyones.kid {
		t.Errorf("Storage().KeyReadAll() = %d keys, %v, want the one of any issuer", len(stored), err)
	}
	if _, err := k.Storage().KeyRead(t.Context(), work.kid); !errors.Is(err, jwkset.ErrKeyNotFound) {
		t.Errorf("Storage().KeyRead(%q) error = %v, want %v", work.kid, err, jwkset.ErrKeyNotFound)
	}
	if _, err := k.Storage().KeyRead(t.Context(), anyones.kid); err != nil {
		t.Errorf("Storage().KeyRead(%q) error = %v, want none", anyones.kid, err)
	}
}
