package mockissuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

// ownClaims returns the claims of a token if it is a valid JWT signed by a
// published key, or by an API's secret. The issuer's own endpoints need it. It
// is no model for validating tokens.
func (iss *Issuer) ownClaims(token string) (map[string]any, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	var header struct{ Alg, Kid string }
	claims := make(map[string]any)
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return nil, false
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !iss.signed(header.Alg, header.Kid, parts[0]+"."+parts[1], signature, claims) {
		return nil, false
	}

	now := float64(iss.Now().UnixNano()) / float64(time.Second)
	exp, ok := claims["exp"].(float64)
	nbf, _ := claims["nbf"].(float64)
	issuer, _ := claims["iss"].(string)
	return claims, ok && now < exp && now >= nbf && slices.Contains(iss.Domains(), issuer)
}

func decodePart(part string, v any) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && json.Unmarshal(raw, v) == nil
}

func (iss *Issuer) signed(alg, kid, input string, signature []byte, claims map[string]any) bool {
	if alg == "HS256" {
		audience, _ := claims["aud"].(string)
		api, _ := iss.cfg.api(audience)
		return api.Algorithm == alg && hmac.Equal(signature, algorithms[alg].mac([]byte(api.Secret), input))
	}

	iss.mu.Lock()
	keys := slices.Clone(iss.keys)
	iss.mu.Unlock()
	for _, k := range keys {
		if k.id == kid && k.alg == alg {
			return algorithms[alg].verify(k.private.Public(), input, signature)
		}
	}
	return false
}

// verify checks a signature with a public key, which may not fit.
func (a algorithm) verify(public crypto.PublicKey, input string, signature []byte) bool {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if a.family == jose.PKCS1 {
			return rsa.VerifyPKCS1v15(public, a.hash, a.digest(input), signature) == nil
		}
		return a.family == jose.PSS && rsa.VerifyPSS(public, a.hash, a.digest(input), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case *ecdsa.PublicKey:
		half := len(signature) / 2
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		return a.curve == public.Curve && len(signature) == 2*((a.curve.Params().BitSize+7)/8) && ecdsa.Verify(public, a.digest(input), r, s)
	case ed25519.PublicKey:
		return a.family == jose.EdDSA && ed25519.Verify(public, []byte(input), signature)
	}
	return false
}
