package testutil_test

import (
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

func TestDPoPKey(t *testing.T) {
	t.Parallel()

	const url, token = "https://api.example.com/orders", "a.b.c"
	v, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []*testutil.ProofKey{testutil.DPoPKey(t), testutil.DPoPKey(t, validator.EdDSA), testutil.DPoPKey(t, validator.Ed25519)} {
		good := []string{
			key.Proof("GET", url, token),
			key.Proof("GET", url+"?page=2#top", token),
			key.Proof("GET", url, token, testutil.Claims{"nonce": "n", "exp": nil}),
		}
		for i, proof := range good {
			got, err := v.Verify(dpop.Request{Method: "GET", URL: url, Proofs: []string{proof}, Token: token})
			if err != nil || got.Thumbprint != key.Thumbprint() {
				t.Errorf("Verify(proof %d) = %v, %v, want the thumbprint %s", i, got, err, key.Thumbprint())
			}
		}
		for _, bad := range key.BadProofs("GET", url, token) {
			_, err := v.Verify(dpop.Request{Method: "GET", URL: url, Proofs: bad.DPoP, Token: token})
			if validator.CodeOf(err) != validator.CodeProof {
				t.Errorf("Verify(%s) error = %v, want code %q: %s", bad.Name, err, validator.CodeProof, bad.Why)
			}
			if bad.Why == "" || !strings.HasPrefix(bad.Why, "RFC ") {
				t.Errorf("%s: Why = %q, want a section of an RFC", bad.Name, bad.Why)
			}
		}
	}
}

func TestProofKey_Authorize(t *testing.T) {
	t.Parallel()

	key, iss := testutil.DPoPKey(t), testutil.NewIssuer(t)
	tokens, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	token := iss.Token(testutil.Claims{"cnf": key.Confirmation()})
	for _, tt := range []struct{ target, url string }{
		{"https://api.example.com/orders?page=2", "https://api.example.com/orders"},
		{"/orders", "http://example.com/orders"},
	} {
		r := httptest.NewRequest("POST", tt.target, nil)
		key.Authorize(r, token)
		if got := r.Header.Get("Authorization"); got != "DPoP "+token {
			t.Errorf("Authorization = %.20q, want the token under DPoP", got)
		}
		proof, err := v.Verify(dpop.Request{Method: "POST", URL: tt.url, Proofs: r.Header.Values("DPoP"), Token: token})
		if err != nil {
			t.Fatalf("Verify(%s) error = %v", tt.target, err)
		}
		ctx := validator.ContextWithConfirmation(t.Context(), validator.Confirmation{JKT: proof.Thumbprint})
		claims, err := tokens.Validate(ctx, token)
		if err != nil {
			t.Fatalf("Validate() error = %v", err)
		}
		if err := v.Redeem(ctx, proof, claims); err != nil {
			t.Errorf("Redeem() = %v, want nil", err)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()

	cert := testutil.ClientCertificate(t)
	if err := cert.Leaf.CheckSignature(cert.Leaf.SignatureAlgorithm, cert.Leaf.RawTBSCertificate, cert.Leaf.Signature); err != nil {
		t.Errorf("the certificate's signature: %v", err)
	}
	got := testutil.CertificateConfirmation(&x509.Certificate{Raw: []byte("abc")})
	if want := "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"; got["x5t#S256"] != want {
		t.Errorf("CertificateConfirmation(abc) = %v, want %s", got, want)
	}
}
