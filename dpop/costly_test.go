package dpop_test

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

var rsa3072 = sync.OnceValue(func() clientKey {
	private, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		panic(err)
	}
	return clientKey{"RS256", private}
})

// Read leaves out the check of signatures that cost much, and nothing is
// redeemed without it.
func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		key    clientKey
		costly bool
	}{
		{"Ed25519", edKey, false},
		{"P-256", esKey(), false},
		{"P-384", es384(), true},
		{"P-521", es512(), true},
		{"RSA of 2048 bits", rsaKey(), false},
		{"RSA of 3072 bits", rsa3072(), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, func(cfg *dpop.Config) {
				cfg.Algorithms = []validator.Algorithm{
					validator.EdDSA, validator.ES256, validator.ES384, validator.ES512, validator.RS256,
				}
			})
			good := tt.key.proof(t, nil, nil)
			proof, err := v.Read(request(good))
			if err != nil {
				t.Fatalf("Read(a good proof) error = %v", err)
			}
			for range 2 {
				if err := proof.Verify(); err != nil {
					t.Errorf("Verify() of a good proof = %v, want nil", err)
				}
			}
			if err := v.Redeem(t.Context(), proof, bound(proof.Thumbprint)); err != nil {
				t.Errorf("Redeem(a good proof) = %v, want nil", err)
			}

			// A signature of the right length, by the same key, of another
			// proof.
			bad := swapSignature(good, tt.key.proof(t, nil, object{"jti": "id-2"}))
			proof, err = v.Read(request(bad))
			if code := validator.CodeOf(err); tt.costly != (err == nil) || err != nil && code != validator.CodeProof {
				t.Fatalf("Read(a proof with a wrong signature) error = %v, want none: %t", err, tt.costly)
			}
			if _, err := v.Verify(request(bad)); validator.CodeOf(err) != validator.CodeProof {
				t.Errorf("Verify(a proof with a wrong signature) error = %v, want code %q", err, validator.CodeProof)
			}
			if err != nil {
				return
			}
			for range 2 {
				if err := proof.Verify(); validator.CodeOf(err) != validator.CodeProof {
					t.Errorf("Verify() of a proof with a wrong signature = %v, want code %q", err, validator.CodeProof)
				}
			}
			if err := v.Redeem(t.Context(), proof, bound(proof.Thumbprint)); validator.CodeOf(err) != validator.CodeProof {
				t.Errorf("Redeem(a proof with a wrong signature) = %v, want code %q", err, validator.CodeProof)
			}
		})
	}
	for name, proof := range map[string]*dpop.Proof{"nil": nil, "zero": {}} {
		if err := proof.Verify(); validator.CodeOf(err) != validator.CodeProof {
			t.Errorf("Verify() of the %s Proof = %v, want code %q", name, err, validator.CodeProof)
		}
	}
}

// swapSignature returns the first JWS with the signature of the other.
func swapSignature(jws, other string) string {
	return jws[:strings.LastIndexByte(jws, '.')] + other[strings.LastIndexByte(other, '.'):]
}
