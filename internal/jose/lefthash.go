package jose

import (
	"crypto"
	"crypto/sha512"
	"encoding/base64"
)

// LeftHash returns the base64url form of the left half of text's hash, by the
// hash of the algorithm with this name (OpenID Connect Core 1.0, Section
// 3.1.3.6). Ed25519 hashes with SHA-512 (RFC 8032, Section 5.1), and so does
// LeftHash for it. It returns "" if alg is not known.
func LeftHash(alg, text string) string {
	a := algorithm(alg)
	hash := a.Hash
	switch a.Family {
	case 0:
		return ""
	case EdDSA:
		hash = crypto.SHA512
	}
	var sum [sha512.Size]byte
	size := digestInto(&sum, hash, text)
	return base64.RawURLEncoding.EncodeToString(sum[:size/2])
}
