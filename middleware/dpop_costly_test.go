package middleware_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// A proof whose signature costs much is verified, and not before the token is
// known to be bound to its key.
func TestDPoP_costly(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	proofs := b.verifier(dpop.Config{Algorithms: []validator.Algorithm{validator.ES384}})
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	proof := func(token string) string { return p384Proof(t, key, token) }
	wrong := func(token string) string {
		good := proof(token)
		return good[:strings.LastIndexByte(good, '.')+1] + strings.Repeat("A", 128) // 96 bytes
	}
	read, err := proofs.Read(dpop.Request{Method: http.MethodGet, URL: ordersURL, Proofs: []string{proof("x")}, Token: "x"})
	if err != nil {
		t.Fatal(err)
	}
	bound := b.iss.Token(testutil.Claims{"cnf": testutil.Claims{"jkt": read.Thumbprint}})
	other := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	forged := bound[:strings.LastIndexByte(bound, '.')+1] + strings.Repeat("A", 342)
	careless := validateFunc(func(context.Context, string) (*validator.Claims, error) {
		return &validator.Claims{Confirmation: &validator.Confirmation{JKT: read.Thumbprint}}, nil
	})

	const challenge = `DPoP error="%", algs="ES384"`
	for _, tt := range []struct {
		name      string
		validator middleware.Config
		token     string
		proof     func(token string) string
		want      string // of the challenge; "" for a 200
	}{
		{"as it should be", middleware.Config{Validator: b.valid}, bound, proof, ""},
		{"a wrong proof", middleware.Config{Validator: b.valid}, bound, wrong, "invalid_dpop_proof"},
		{"a wrong proof of a forged token", middleware.Config{Validator: b.valid}, forged, wrong, "invalid_token"},
		{"a wrong proof of another key", middleware.Config{Validator: b.valid}, other, wrong, "invalid_token"},
		{"a Validator that asks for no proof", middleware.Config{Validator: careless}, "t", proof, ""},
		{"a Validator that asks for no proof, and a wrong one", middleware.Config{Validator: careless}, "u", wrong, "invalid_dpop_proof"},
	} {
		cfg := tt.validator
		cfg.DPoP = proofs
		r := b.request("DPoP", tt.token)
		r.Header.Set("DPoP", tt.proof(tt.token))
		w := answer(newAuth(t, cfg).Handler(new(spy)), r)
		want := ""
		if tt.want != "" {
			want = strings.Replace(challenge, "%", tt.want, 1)
		}
		if got := w.Header().Get("WWW-Authenticate"); got != want || (w.Code == http.StatusOK) != (want == "") {
			t.Errorf("%s: status %d, WWW-Authenticate %q, want %q", tt.name, w.Code, got, want)
		}
	}
}

// p384Proof makes a proof for ordersURL.
func p384Proof(t *testing.T, key *ecdsa.PrivateKey, token string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return encode(text)
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	ath := sha256.Sum256([]byte(token))
	input := part(map[string]any{"typ": "dpop+jwt", "alg": "ES384", "jwk": map[string]any{
		"kty": "EC", "crv": "P-384", "x": encode(point[1:49]), "y": encode(point[49:]),
	}}) + "." + part(map[string]any{
		"jti": rand.Text(), "htm": http.MethodGet, "htu": ordersURL, "iat": time.Now().Unix(), "ath": encode(ath[:]),
	})
	digest := sha512.Sum384([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 96)
	r.FillBytes(signature[:48])
	s.FillBytes(signature[48:])
	return input + "." + encode(signature)
}
