package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/racing"
)

// A signer makes signatures by one algorithm.
type signer struct {
	alg    string
	public crypto.PublicKey
	sign   func(input []byte) []byte
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func digest(hash crypto.Hash, input []byte) []byte {
	h := hash.New()
	h.Write(input)
	return h.Sum(nil)
}

func signers() []signer {
	var all []signer
	for bits, hash := range map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512} {
		curve := map[string]elliptic.Curve{"256": elliptic.P256(), "384": elliptic.P384(), "512": elliptic.P521()}[bits]
		ecKey := must(ecdsa.GenerateKey(curve, rand.Reader))
		size := (curve.Params().BitSize + 7) / 8
		all = append(all,
			signer{"RS" + bits, rsaKey().Public(), func(input []byte) []byte {
				return must(rsa.SignPKCS1v15(nil, rsaKey(), hash, digest(hash, input)))
			}},
			signer{"PS" + bits, rsaKey().Public(), pss(hash, rsa.PSSSaltLengthEqualsHash)},
			signer{"ES" + bits, ecKey.Public(), func(input []byte) []byte {
				r, s, err := ecdsa.Sign(rand.Reader, ecKey, digest(hash, input))
				must(0, err)
				return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
			}})
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(0, err)
	return append(all, signer{"EdDSA", public, func(input []byte) []byte { return ed25519.Sign(private, input) }})
}

func pss(hash crypto.Hash, saltLength int) func([]byte) []byte {
	return func(input []byte) []byte {
		opts := &rsa.PSSOptions{SaltLength: saltLength}
		return must(rsa.SignPSS(rand.Reader, rsaKey(), hash, digest(hash, input), opts))
	}
}

var base64url = base64.RawURLEncoding.EncodeToString

// verify parses a token with this signature and checks that.
func verify(t *testing.T, alg string, key crypto.PublicKey, sign func([]byte) []byte) error {
	t.Helper()
	input := base64url(fmt.Appendf(nil, `{"alg":%q}`, alg)) + "." + base64url([]byte(`{}`))
	var token jose.Token
	if err := token.Parse(input+"."+base64url(sign([]byte(input))), 16<<10); err != nil {
		t.Fatalf("Parse() = %v", err)
	}
	return token.Verify(key)
}

func TestToken_Verify(t *testing.T) {
	t.Parallel()
	all := signers()
	for _, s := range all {
		if err := verify(t, s.alg, s.public, s.sign); err != nil {
			t.Errorf("Verify(%s) = %v", s.alg, err)
		}
		for _, other := range all {
			if other.alg == s.alg {
				continue
			}
			if err := verify(t, s.alg, s.public, other.sign); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("Verify(%s) of a signature by %s = %v, want ErrSignature", s.alg, other.alg, err)
			}
			if s.public == other.public {
				continue // one RSA key for all RS and PS algorithms
			}
			if err := verify(t, s.alg, other.public, s.sign); !errors.Is(err, jose.ErrKeyMismatch) {
				t.Errorf("Verify(%s) by a key for %s = %v, want ErrKeyMismatch", s.alg, other.alg, err)
			}
		}
		for name, change := range map[string]func([]byte) []byte{
			"one bit":     func(sig []byte) []byte { sig[len(sig)-1] ^= 1; return sig },
			"short":       func(sig []byte) []byte { return sig[:len(sig)-1] },
			"long":        func(sig []byte) []byte { return append(sig, 0) },
			"zero before": func(sig []byte) []byte { return append([]byte{0}, sig...) },
			"all zero":    func(sig []byte) []byte { return make([]byte, len(sig)) },
			"very long":   func([]byte) []byte { return make([]byte, 4000) },
		} {
			err := verify(t, s.alg, s.public, func(input []byte) []byte { return change(s.sign(input)) })
			if !errors.Is(err, jose.ErrSignature) {
				t.Errorf("Verify(%s) with %s = %v, want ErrSignature", s.alg, name, err)
			}
		}
	}
}

// The standard library would take any salt (RFC 7518, Section 3.5 doesn't).
func TestToken_Verify_saltLength(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		salt int
		ok   bool
	}{{rsa.PSSSaltLengthAuto, false}, {20, false}, {31, false}, {32, true}, {33, false}, {64, false}} {
		err := verify(t, "PS256", rsaKey().Public(), pss(crypto.SHA256, tt.salt))
		if (err == nil) != tt.ok {
			t.Errorf("Verify() with a salt of %d bytes = %v, want ok = %t", tt.salt, err, tt.ok)
		}
	}
}

// Of R and S, either may have leading zeros, or its highest bit set: each takes
// another form in ASN.1.
func TestToken_Verify_manyES256(t *testing.T) {
	t.Parallel()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P521()} {
		key := must(ecdsa.GenerateKey(curve, rand.Reader))
		alg, hash := "ES256", crypto.SHA256
		if curve == elliptic.P521() {
			alg, hash = "ES512", crypto.SHA512
		}
		size := (curve.Params().BitSize + 7) / 8
		for range racing.Fewer(300) {
			var sig []byte
			err := verify(t, alg, key.Public(), func(input []byte) []byte {
				r, s, err := ecdsa.Sign(rand.Reader, key, digest(hash, input))
				must(0, err)
				sig = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
				return sig
			})
			if err != nil {
				t.Fatalf("Verify(%s) = %v for signature %x", alg, err, sig)
			}
		}
	}
}

func TestFits_zeroKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []crypto.PublicKey{
		nil, "key", []byte("key"), (*rsa.PublicKey)(nil), &rsa.PublicKey{}, (*ecdsa.PublicKey)(nil), &ecdsa.PublicKey{},
		&ecdsa.PublicKey{Curve: elliptic.P256()}, &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1)},
		ed25519.PublicKey(nil), ed25519.PublicKey{1}, rsaKey(),
	} {
		for _, s := range signers() {
			if jose.Fits(s.alg, key) {
				t.Errorf("Fits(%s, %T) = true", s.alg, key)
			}
		}
	}
}

func TestToken_VerifyMAC(t *testing.T) {
	t.Parallel()
	secret := []byte(strings.Repeat("s", 64))
	for alg, hash := range map[string]crypto.Hash{"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512} {
		input := base64url(fmt.Appendf(nil, `{"alg":%q}`, alg)) + "." + base64url([]byte(`{}`))
		mac := hmac.New(hash.New, secret)
		mac.Write([]byte(input))
		sum := mac.Sum(nil)
		for _, tt := range []struct {
			name   string
			mac    []byte
			secret []byte
			want   error
		}{
			{"good", sum, secret, nil},
			{"other secret", sum, secret[1:], jose.ErrSignature},
			{"short", sum[:len(sum)-1], secret, jose.ErrSignature},
			{"zero", make([]byte, len(sum)), secret, jose.ErrSignature},
		} {
			var token jose.Token
			if err := token.Parse(input+"."+base64url(tt.mac), 16<<10); err != nil {
				t.Fatal(err)
			}
			if err := token.VerifyMAC(tt.secret); !errors.Is(err, tt.want) {
				t.Errorf("VerifyMAC(%s, %s) = %v, want %v", alg, tt.name, err, tt.want)
			}
			if err := token.Verify(rsaKey().Public()); !errors.Is(err, jose.ErrKeyMismatch) {
				t.Errorf("Verify(%s) by a public key = %v, want ErrKeyMismatch", alg, err)
			}
		}
	}
	if jose.Known("HS256") || jose.Known("none") || jose.Known("") || !jose.Known("EdDSA") {
		t.Error("Known() is wrong")
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"EdDSA", "Ed25519", true}, {"Ed25519", "Ed25519", true}, {"ES256", "ESP256", true}, {"ESP512", "ES512", true}, {"none", "none", true},
		{"EdDSA", "ES256", false}, {"ES256", "ESP384", false}, {"RS256", "PS256", false}, {"", "none", false}, {"EdDSA", "Ed448", false},
	} {
		if got := jose.SameAlgorithm(tt.a, tt.b); got != tt.want || jose.SameAlgorithm(tt.b, tt.a) != tt.want {
			t.Errorf("SameAlgorithm(%q, %q) = %t, want %t", tt.a, tt.b, got, tt.want)
		}
	}
	for _, a := range jose.Algorithms() {
		if a.Older != "" && !jose.Known(a.Older) {
			t.Errorf("%s has the older name %s, which is none", a.Name, a.Older)
		}
	}
}
