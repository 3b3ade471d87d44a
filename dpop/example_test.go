package dpop_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

// A Validator that knows one token, in place of the real thing.
type oneToken struct{}

func (oneToken) Validate(context.Context, string) (*validator.Claims, error) {
	return &validator.Claims{Subject: "someone@example.com", Confirmation: &validator.Confirmation{JKT: rfcThumbprint}}, nil
}

// For a program that has no use for net/http: three steps, in this order.
func ExampleVerifier() {
	tokens := oneToken{} // a *validator.Validator
	proofs, err := dpop.New(dpop.Config{
		Now: func() time.Time { return time.Unix(1562262618, 0) }, // when the proof was made
	})
	if err != nil {
		panic(err)
	}

	accept := func(ctx context.Context, r dpop.Request) (*validator.Claims, error) {
		proof, err := proofs.Verify(r)
		if err != nil {
			return nil, err
		}
		ctx = validator.ContextWithConfirmation(ctx, validator.Confirmation{JKT: proof.Thumbprint})
		claims, err := tokens.Validate(ctx, r.Token)
		if err != nil {
			return nil, err
		}
		return claims, proofs.Redeem(ctx, proof, claims)
	}

	r := dpop.Request{
		Method: "GET",
		URL:    "https://resource.example.org/protectedresource?page=1",
		Proofs: []string{rfcResource},
		Token:  rfcToken,
	}
	for range 2 {
		claims, err := accept(context.Background(), r)
		fmt.Println(claims.Subject, err)
	}
	// Output:
	// someone@example.com <nil>
	// someone@example.com proof_replayed: the proof was used before
}

func ExampleNewNonces() {
	nonces, err := dpop.NewNonces(dpop.NonceConfig{
		Secrets: [][]byte{[]byte("32 bytes that every server shares")},
	})
	if err != nil {
		panic(err)
	}
	proofs, err := dpop.New(dpop.Config{Nonces: nonces})
	fmt.Println(nonces.Valid(proofs.Nonce()), nonces.Valid("another"), err)
	// Output: true false <nil>
}
