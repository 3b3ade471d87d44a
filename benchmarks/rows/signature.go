package rows

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Yard is the least work of any check: hashing the signing input and verifying
// the signature, by the fastest call of the standard library. The token is
// already split, decoded and, for ES256, in ASN.1. The claims are constants.
var Yard = Row{
	Name:  Signature,
	Group: Call,
	Role:  Yardstick,
	Open: func(_ context.Context, issuer *Issuer) (Checker, error) {
		return func(token string) Check {
			end := strings.LastIndexByte(token, '.')
			input := []byte(token[:end])
			raw, err := base64.RawURLEncoding.DecodeString(token[end+1:])
			if err != nil {
				return func() (Claims, error) { return Claims{}, err }
			}

			verify := verifier(issuer.Public, input, raw)

			return func() (Claims, error) {
				if err := verify(); err != nil {
					return Claims{}, err
				}

				return Want, nil
			}
		}, nil
	},
}

var errSignature = errors.New("wrong signature")

func verifier(key crypto.PublicKey, input, raw []byte) func() error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return func() error {
			digest := sha256.Sum256(input)

			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw)
		}
	case *ecdsa.PublicKey:
		rs := struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])}
		der, err := asn1.Marshal(rs)

		return func() error {
			digest := sha256.Sum256(input)
			if err != nil || !ecdsa.VerifyASN1(key, digest[:], der) {
				return errSignature
			}

			return nil
		}
	case ed25519.PublicKey:
		return func() error {
			if !ed25519.Verify(key, input, raw) {
				return errSignature
			}

			return nil
		}
	}

	return func() error { return fmt.Errorf("no way to verify with a %T", key) }
}
