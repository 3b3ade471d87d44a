// Package jwtsign signs what a client signs with a key of its own: assertions
// and DPoP proofs.
package jwtsign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
)

// Algorithm returns the JWS algorithm of a key: RS256, ES256 on the curve P-256,
// or EdDSA. It fails for other keys, and for RSA keys of less than 2048 bits
// (RFC 7518, Section 3.3).
func Algorithm(key crypto.Signer) (string, error) {
	if key == nil {
		return "", errors.New("nil key")
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() >= 2048 {
			return "RS256", nil
		}
		return "", errors.New("an RSA key of less than 2048 bits")
	case *ecdsa.PublicKey:
		if public.Curve.Params().BitSize == 256 {
			return "ES256", nil
		}
		return "", errors.New("an ECDSA key on another curve than P-256")
	case ed25519.PublicKey:
		return "EdDSA", nil
	}
	return "", fmt.Errorf("a key of type %T", key.Public())
}

// Sign returns a JWS in compact form with alg, which is the key's [Algorithm],
// in its header.
func Sign(key crypto.Signer, alg string, header, claims map[string]any) (string, error) {
	header = maps.Clone(header)
	header["alg"] = alg
	var signed string
	for i, part := range []map[string]any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		if i > 0 {
			signed += "."
		}
		signed += base64.RawURLEncoding.EncodeToString(text)
	}
	signature, err := sign(key, alg, []byte(signed))
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func sign(key crypto.Signer, alg string, text []byte) ([]byte, error) {
	if alg == "EdDSA" {
		return key.Sign(rand.Reader, text, crypto.Hash(0))
	}
	hash := crypto.SHA256.New()
	hash.Write(text)
	signature, err := key.Sign(rand.Reader, hash.Sum(nil), crypto.SHA256)
	if err != nil || alg != "ES256" {
		return signature, err
	}
	return rawECDSA(signature)
}

// rawECDSA makes of a signature in DER, as a crypto.Signer returns it, the one
// of RFC 7518, Section 3.4 for P-256.
func rawECDSA(der []byte) ([]byte, error) {
	var parts struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &parts)
	if err != nil || len(rest) > 0 || parts.R.Sign() <= 0 || parts.S.Sign() <= 0 ||
		parts.R.BitLen() > 256 || parts.S.BitLen() > 256 {
		return nil, errors.New("the key returned no ECDSA signature on P-256")
	}
	raw := make([]byte, 64)
	parts.R.FillBytes(raw[:32])
	parts.S.FillBytes(raw[32:])
	return raw, nil
}
