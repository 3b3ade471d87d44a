package mockissuer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

const (
	tenant   = "https://tenant.example.com/"
	audience = mockissuer.DefaultAudience
)

// open makes an issuer without sockets, whose clock stands still unless cfg has one: only Advance
// moves it.
func open(t *testing.T, cfg mockissuer.Config) *mockissuer.Issuer {
	t.Helper()
	if cfg.URL == "" {
		cfg.URL = tenant
	}
	if cfg.Now == nil {
		start := time.Now().Truncate(time.Second)
		cfg.Now = func() time.Time { return start }
	}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := iss.Close(); err != nil {
			t.Error(err)
		}
	})
	return iss
}

// fetch asks an endpoint of the issuer's, and returns the answer and its body.
func fetch(t *testing.T, iss *mockissuer.Issuer, e mockissuer.Endpoint) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(iss.URL, "/")+string(e), nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, iss, req)
}

func do(t *testing.T, iss *mockissuer.Issuer, req *http.Request) (*http.Response, string) {
	t.Helper()
	client := iss.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// part decodes a part of a token: 0 is the header, 1 the claims.
func part(t *testing.T, token string, n int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token has %d parts, want 3: %s", len(parts), token)
	}
	var members map[string]any
	if err := json.Unmarshal(unbase64(t, parts[n]), &members); err != nil {
		t.Fatal(err)
	}
	return members
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// verify checks a token's signature with the published key that it names.
func verify(t *testing.T, iss *mockissuer.Issuer, token string) error {
	t.Helper()

	_, body := fetch(t, iss, mockissuer.EndpointKeySet)
	var set struct {
		Keys []struct{ Kty, Use, Alg, Kid, N, E, Crv, X, Y string }
	}
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		t.Fatal(err)
	}
	header := part(t, token, 0)
	end := strings.LastIndexByte(token, '.')
	input, signature := []byte(token[:end]), unbase64(t, token[end+1:])
	number := func(s string) *big.Int { return new(big.Int).SetBytes(unbase64(t, s)) }

	for _, k := range set.Keys {
		if k.Kid != header["kid"] || k.Alg != header["alg"] || k.Use != "sig" {
			continue
		}
		hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[k.Alg[len(k.Alg)-3:]]
		var digest []byte
		if hash != 0 {
			h := hash.New()
			h.Write(input)
			digest = h.Sum(nil)
		}
		valid := false
		switch k.Kty + " " + k.Alg[:2] {
		case "RSA RS":
			public := rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
			valid = rsa.VerifyPKCS1v15(&public, hash, digest, signature) == nil
		case "RSA PS":
			public := rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
			valid = rsa.VerifyPSS(&public, hash, digest, signature, &rsa.PSSOptions{SaltLength: hash.Size()}) == nil
		case "EC ES":
			curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
			public := ecdsa.PublicKey{Curve: curve, X: number(k.X), Y: number(k.Y)}
			half := len(signature) / 2
			r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
			valid = half == (curve.Params().BitSize+7)/8 && ecdsa.Verify(&public, digest, r, s)
		case "OKP Ed":
			valid = k.Crv == "Ed25519" && ed25519.Verify(unbase64(t, k.X), input, signature)
		}
		if !valid {
			return fmt.Errorf("the signature is not the key's")
		}
		return nil
	}
	return fmt.Errorf("no key for %v in %s", header, body)
}
