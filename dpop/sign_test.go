package dpop_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for the algorithms of 384 and 512
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

// The tests' request and its time.
const (
	method = "POST"
	url    = "https://api.example.com/orders"
	token  = "header.payload.signature"
)

var t0 = time.Unix(1_700_000_000, 0).UTC()

// object is a JSON object; a nil value leaves a member out.
type object map[string]any

func (o object) json(t testing.TB) string {
	t.Helper()
	o = maps.Clone(o)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var b64 = base64.RawURLEncoding.EncodeToString

// A clientKey signs proofs.
type clientKey struct {
	alg     string
	private crypto.Signer
}

var (
	edKey  = clientKey{"EdDSA", ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))}
	esKey  = sync.OnceValue(func() clientKey { return ecdsaKey("ES256", elliptic.P256()) })
	es384  = sync.OnceValue(func() clientKey { return ecdsaKey("ES384", elliptic.P384()) })
	es512  = sync.OnceValue(func() clientKey { return ecdsaKey("ES512", elliptic.P521()) })
	rsaKey = sync.OnceValue(newRSAKey)
	pssKey = sync.OnceValue(func() clientKey { return clientKey{"PS256", rsaKey().private} })
)

func ecdsaKey(alg string, curve elliptic.Curve) clientKey {
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return clientKey{alg, private}
}

func newRSAKey() clientKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return clientKey{"RS256", private}
}

// jwk is the public key.
func (k clientKey) jwk() object {
	switch public := k.private.Public().(type) {
	case ed25519.PublicKey:
		return object{"kty": "OKP", "crv": "Ed25519", "x": b64(public)}
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		x, y := public.X.FillBytes(make([]byte, size)), public.Y.FillBytes(make([]byte, size))
		return object{"kty": "EC", "crv": public.Curve.Params().Name, "x": b64(x), "y": b64(y)}
	case *rsa.PublicKey:
		return object{"kty": "RSA", "n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes())}
	}
	panic("a key of another type")
}

// with returns the public key with other members.
func (k clientKey) with(members object) object {
	jwk := k.jwk()
	maps.Copy(jwk, members)
	maps.DeleteFunc(jwk, func(_ string, v any) bool { return v == nil })
	return jwk
}

func (k clientKey) sign(t testing.TB, input string) []byte {
	t.Helper()
	hash := map[string]crypto.Hash{
		"RS256": crypto.SHA256, "PS256": crypto.SHA256, "ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512,
	}[k.alg]
	digest := []byte(input)
	if hash != 0 {
		h := hash.New()
		h.Write(digest)
		digest = h.Sum(nil)
	}
	var opts crypto.SignerOpts = hash
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, digest)
		if err != nil {
			t.Fatal(err)
		}
		size := (private.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case *rsa.PrivateKey:
		if k.alg[0] == 'P' {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		}
	}
	signature, err := k.private.Sign(rand.Reader, digest, opts)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func (k clientKey) signed(t testing.TB, header, payload string) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	return input + "." + b64(k.sign(t, input))
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return b64(sum[:])
}

// proof returns a good proof with these changes, in the header and in
// the claims.
func (k clientKey) proof(t testing.TB, header, claims object) string {
	t.Helper()
	h := object{"typ": "dpop+jwt", "alg": k.alg, "jwk": k.jwk()}
	maps.Copy(h, header)
	return k.signed(t, h.json(t), goodClaims(claims).json(t))
}

func goodClaims(changes object) object {
	c := object{"jti": "id-1", "htm": method, "htu": url, "iat": t0.Unix(), "ath": hashOf(token)}
	maps.Copy(c, changes)
	return c
}

func request(proofs ...string) dpop.Request { return to(method, url, token, proofs...) }

func to(method, url, token string, proofs ...string) dpop.Request {
	return dpop.Request{Method: method, URL: url, Proofs: proofs, Token: token}
}

// newVerifier returns one whose clock stands at t0.
func newVerifier(t testing.TB, change func(*dpop.Config)) *dpop.Verifier {
	t.Helper()
	cfg := dpop.Config{Now: func() time.Time { return t0 }}
	if change != nil {
		change(&cfg)
	}
	v, err := dpop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// cut says enough of a long proof.
func cut(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

func bound(thumbprint string) *validator.Claims {
	return &validator.Claims{Confirmation: &validator.Confirmation{JKT: thumbprint}}
}

// flip changes one bit.
func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

var errStore = errors.New("the store is down")
