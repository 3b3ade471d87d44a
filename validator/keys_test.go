package validator_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"strings"
)

func otherKey(n byte) crypto.PublicKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed).Public()
}

func unusableKeys() map[string]crypto.PublicKey {
	bits := func(n uint) *big.Int {
		one := big.NewInt(1)
		return new(big.Int).Add(new(big.Int).Lsh(one, n-1), one)
	}
	return map[string]crypto.PublicKey{
		"no key":                    nil,
		"a secret":                  []byte("0123456789abcdef0123456789abcdef"),
		"nil RSA":                   (*rsa.PublicKey)(nil),
		"zero RSA":                  &rsa.PublicKey{},
		"RSA of 1024 bits":          &rsa.PublicKey{N: bits(1024), E: 65537},
		"RSA of 2047 bits":          &rsa.PublicKey{N: bits(2047), E: 65537},
		"RSA of 16384 bits":         &rsa.PublicKey{N: bits(16384), E: 65537},
		"RSA with e=1":              &rsa.PublicKey{N: bits(2048), E: 1},
		"RSA with even e":           &rsa.PublicKey{N: bits(2048), E: 4},
		"RSA by value":              rsa.PublicKey{N: bits(2048), E: 65537},
		"nil EC":                    (*ecdsa.PublicKey)(nil),
		"zero EC":                   &ecdsa.PublicKey{},
		"EC without point":          &ecdsa.PublicKey{Curve: elliptic.P256()},
		"EC of P-224":               &ecdsa.PublicKey{Curve: elliptic.P224(), X: big.NewInt(1), Y: big.NewInt(1)},
		"Ed25519 of small order":    ed25519.PublicKey("\x01" + strings.Repeat("\x00", 31)),
		"short Ed25519":             ed25519.PublicKey{1, 2, 3},
		"Ed25519 by pointer":        new(ed25519.PublicKey),
		"a private key, not public": key,
	}
}
