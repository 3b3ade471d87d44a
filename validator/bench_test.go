package validator_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A benchmark of one algorithm: its token, of 1 kB, and the check of its
// signature alone.
type benchmark struct {
	alg       validator.Algorithm
	public    crypto.PublicKey
	token     string
	signature func() bool // by the standard library's fastest call
}

func benchmarks(b *testing.B) []benchmark {
	b.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	claims := object{
		"iss": issuer, "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "aud": []string{audience, issuer + "userinfo"},
		"iat": t0.Unix(), "exp": t0.Unix() + 86400, "azp": "aBcDeFgHiJkLmNoPqRsTuVwXyZ012345",
		"scope": "openid profile email read:orders write:orders", "gty": "password",
		"permissions": []string{"read:orders", "write:orders", "delete:orders"}, "org_id": "org_9ybsU1dN2dKfDkBi",
		"https://example.com/email": "somebody@example.com", "https://example.com/roles": []string{"admin", "editor"},
		"https://example.com/tenant": object{"id": "t-1234567890", "plan": "enterprise", "region": "eu-central-1"},
	}
	input := func(alg string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(object{"alg": alg, "typ": "JWT", "kid": kid}.json())) + "." + encode([]byte(claims.json()))
	}
	finish := func(alg validator.Algorithm, public crypto.PublicKey, sign func(digest, message []byte) []byte,
		check func(digest, message, signature []byte) bool) benchmark {
		message := []byte(input(string(alg)))
		digest := sha256.Sum256(message)
		signature := sign(digest[:], message)
		token := string(message) + "." + base64.RawURLEncoding.EncodeToString(signature)
		return benchmark{alg, public, token, func() bool {
			digest := sha256.Sum256(message)
			return check(digest[:], message, signature)
		}}
	}
	var der []byte
	return []benchmark{
		finish(validator.RS256, rsaKey.Public(), func(digest, _ []byte) []byte {
			signature, err := rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, digest)
			if err != nil {
				b.Fatal(err)
			}
			return signature
		}, func(digest, _, signature []byte) bool {
			return rsa.VerifyPKCS1v15(&rsaKey.PublicKey, crypto.SHA256, digest, signature) == nil
		}),
		finish(validator.ES256, ecKey.Public(), func(digest, _ []byte) []byte {
			r, s, err := ecdsa.Sign(rand.Reader, ecKey, digest)
			if err != nil {
				b.Fatal(err)
			}
			der, err = ecdsa.SignASN1(rand.Reader, ecKey, digest)
			if err != nil {
				b.Fatal(err)
			}
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}, func(digest, _, _ []byte) bool { return ecdsa.VerifyASN1(&ecKey.PublicKey, digest, der) }),
		finish(validator.EdDSA, key.Public(), func(_, message []byte) []byte { return ed25519.Sign(key, message) },
			func(_, message, signature []byte) bool {
				return ed25519.Verify(key.Public().(ed25519.PublicKey), message, signature)
			}),
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, bm := range benchmarks(b) {
		b.Run(string(bm.alg)+"/signature", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !bm.signature() {
					b.Fatal("not valid")
				}
			}
		})
		b.Run(string(bm.alg)+"/validate", func(b *testing.B) { benchmarkValidate(b, bm, -1) })
		b.Run(string(bm.alg)+"/remembered", func(b *testing.B) { benchmarkValidate(b, bm, 0) })
	}
}

func benchmarkValidate(b *testing.B, bm benchmark, cacheSize int) {
	b.Helper()
	v := bm.validator(b, cacheSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Validate(b.Context(), bm.token); err != nil {
			b.Fatal(err)
		}
	}
}

func (bm benchmark) validator(b *testing.B, cacheSize int) *validator.Validator {
	b.Helper()
	cfg := config()
	cfg.Keys = jwks.Set{{ID: kid, Public: bm.public}}
	cfg.Algorithms = []validator.Algorithm{bm.alg}
	cfg.CacheSize = cacheSize
	v, err := validator.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkValidate_refused(b *testing.B) {
	bm := benchmarks(b)[0]
	v := bm.validator(b, 0)
	swapHeader := func(header object) string {
		_, rest, _ := strings.Cut(bm.token, ".")
		return base64.RawURLEncoding.EncodeToString([]byte(header.json())) + "." + rest
	}
	for name, token := range map[string]string{
		"unknown kid":      swapHeader(object{"alg": "RS256", "kid": "k2"}),
		"wrong alg":        swapHeader(object{"alg": "HS256", "kid": kid}),
		"malformed":        bm.token + "=",
		"opaque":           "3q2+7w",
		"signature length": bm.token[:len(bm.token)-4],
		"too large":        strings.Repeat(bm.token, 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Validate(b.Context(), token); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
