package jose

import (
	"crypto"
	"crypto/elliptic"
	"slices"
)

// An Algorithm is a signature algorithm under one of its names.
type Algorithm struct {
	Name   string
	Family Family
	Hash   crypto.Hash    // none for EdDSA
	Curve  elliptic.Curve // of ECDSA

	// Older is the more widely used name of the same algorithm, or empty.
	Older string
}

// A Family of algorithms shares a type of key and a way to check a signature.
type Family byte

// The families.
const (
	PKCS1 Family = iota + 1 // RFC 7518, Section 3.3
	PSS                     // RFC 7518, Section 3.5
	ECDSA                   // RFC 7518, Section 3.4
	EdDSA                   // RFC 8037, Section 3.1, with Ed25519
	HMAC                    // RFC 7518, Section 3.2
)

// algorithms is the table from which all others are derived. RFC 9864 has new
// names for existing algorithms: Ed25519, and ESP256 and the like, which are
// registered for COSE alone.
var algorithms = [...]Algorithm{
	{Name: "RS256", Family: PKCS1, Hash: crypto.SHA256},
	{Name: "RS384", Family: PKCS1, Hash: crypto.SHA384},
	{Name: "RS512", Family: PKCS1, Hash: crypto.SHA512},
	{Name: "PS256", Family: PSS, Hash: crypto.SHA256},
	{Name: "PS384", Family: PSS, Hash: crypto.SHA384},
	{Name: "PS512", Family: PSS, Hash: crypto.SHA512},
	{Name: "ES256", Family: ECDSA, Hash: crypto.SHA256, Curve: elliptic.P256()},
	{Name: "ES384", Family: ECDSA, Hash: crypto.SHA384, Curve: elliptic.P384()},
	{Name: "ES512", Family: ECDSA, Hash: crypto.SHA512, Curve: elliptic.P521()},
	{Name: "EdDSA", Family: EdDSA},
	{Name: "Ed25519", Family: EdDSA, Older: "EdDSA"},
	{Name: "ESP256", Family: ECDSA, Hash: crypto.SHA256, Curve: elliptic.P256(), Older: "ES256"},
	{Name: "ESP384", Family: ECDSA, Hash: crypto.SHA384, Curve: elliptic.P384(), Older: "ES384"},
	{Name: "ESP512", Family: ECDSA, Hash: crypto.SHA512, Curve: elliptic.P521(), Older: "ES512"},
	{Name: "HS256", Family: HMAC, Hash: crypto.SHA256},
	{Name: "HS384", Family: HMAC, Hash: crypto.SHA384},
	{Name: "HS512", Family: HMAC, Hash: crypto.SHA512},
}

// Algorithms returns all algorithms.
func Algorithms() []Algorithm { return slices.Clone(algorithms[:]) }

// PublicKeyAlgorithms returns the names of the asymmetric algorithms.
func PublicKeyAlgorithms() []string {
	var names []string
	for _, a := range algorithms {
		if a.Family != HMAC {
			names = append(names, a.Name)
		}
	}
	return names
}

// algorithm returns the algorithm with exactly this name, or one without a
// family.
func algorithm(name string) *Algorithm {
	for i := range algorithms {
		if algorithms[i].Name == name {
			return &algorithms[i]
		}
	}
	return &Algorithm{}
}

// Known reports whether alg is an asymmetric algorithm that this package
// supports.
func Known(alg string) bool {
	a := algorithm(alg)
	return a.Family != 0 && a.Family != HMAC
}

// HashSize returns the size in bytes of the hash of an HS algorithm, or 0 for
// any other.
func HashSize(alg string) int {
	a := algorithm(alg)
	if a.Family != HMAC {
		return 0
	}
	return a.Hash.Size()
}

// OlderName returns the more widely used name of an algorithm that has two, and
// alg itself for any other.
func OlderName(alg string) string {
	if older := algorithm(alg).Older; older != "" {
		return older
	}
	return alg
}

// SameAlgorithm reports whether two names are of one algorithm, as EdDSA and
// Ed25519 are.
func SameAlgorithm(a, b string) bool { return OlderName(a) == OlderName(b) }
