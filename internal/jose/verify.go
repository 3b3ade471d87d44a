package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
)

// Fits reports whether key has the type, size and curve of alg.
func Fits(alg string, key crypto.PublicKey) bool {
	a := algorithm(alg)
	switch key := key.(type) {
	case *rsa.PublicKey:
		return (a.Family == PKCS1 || a.Family == PSS) && usableRSA(key)
	case *ecdsa.PublicKey:
		return a.Family == ECDSA && key != nil && key.Curve == a.Curve && hasPoint(key)
	case ed25519.PublicKey:
		return a.Family == EdDSA && checkEd25519(key) == nil
	}
	return false
}

// usableRSA applies RFC 7518, Section 3.3, and an upper bound, because the cost
// of a check grows with every bit.
func usableRSA(key *rsa.PublicKey) bool {
	if key == nil || key.N == nil || key.E < 3 || key.E&1 == 0 {
		return false
	}
	bits := key.N.BitLen()
	return 2048 <= bits && bits <= 8*maxSignature
}

// verify checks a signature of the right length by a key that fits alg.
func verify(alg string, key crypto.PublicKey, signed string, signature []byte) error {
	a := algorithm(alg)
	if a.Family == EdDSA {
		var few [2 << 10]byte
		return verdict(ed25519.Verify(key.(ed25519.PublicKey), append(few[:0], signed...), signature))
	}
	var sum [sha512.Size]byte
	digest := sum[:digestInto(&sum, a.Hash, signed)]
	switch a.Family {
	case PKCS1:
		return verdict(rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), a.Hash, digest, signature) == nil)
	case PSS:
		// RFC 7518, Section 3.5: the salt is as long as the hash. By default,
		// the check would accept any length.
		opts := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return verdict(rsa.VerifyPSS(key.(*rsa.PublicKey), a.Hash, digest, signature, &opts) == nil)
	default:
		return verdict(ecdsa.VerifyASN1(key.(*ecdsa.PublicKey), digest, asn1Signature(signature)))
	}
}

func verdict(valid bool) error {
	if !valid {
		return ErrSignature
	}
	return nil
}

// isDER reports whether the signature of an ECDSA algorithm is a SEQUENCE of
// two INTEGERs, which most interfaces other than JWS use (RFC 3279, Section
// 2.2.3).
func isDER(alg string, signature []byte) bool {
	if algorithm(alg).Family != ECDSA {
		return false
	}
	sequence, rest, ok := derElement(signature, 0x30)
	if !ok || len(rest) > 0 {
		return false
	}
	if _, rest, ok = derElement(sequence, 0x02); !ok {
		return false
	}
	_, rest, ok = derElement(rest, 0x02)
	return ok && len(rest) == 0
}

// derElement returns the content of the first element of der, which must have
// this tag and at most 255 bytes, and the rest of der.
func derElement(der []byte, tag byte) (content, rest []byte, ok bool) {
	if len(der) < 2 || der[0] != tag {
		return nil, nil, false
	}
	length, rest := int(der[1]), der[2:]
	if length == 0x81 && len(rest) > 0 {
		length, rest = int(rest[0]), rest[1:]
	} else if length >= 0x80 {
		return nil, nil, false
	}
	if len(rest) < length {
		return nil, nil, false
	}
	return rest[:length], rest[length:], true
}

// signatureSize returns the length in bytes of every signature by key.
func signatureSize(key crypto.PublicKey) int {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.Size()
	case *ecdsa.PublicKey:
		return 2 * ((key.Curve.Params().BitSize + 7) / 8)
	}
	return ed25519.SignatureSize
}

// digestInto hashes input without a copy on the heap.
func digestInto(sum *[sha512.Size]byte, hash crypto.Hash, input string) int {
	var few [2 << 10]byte
	if len(input) > len(few) {
		return digestLong(sum, hash, input)
	}
	bytes := append(few[:0], input...)
	switch hash {
	case crypto.SHA256:
		h := sha256.Sum256(bytes)
		return copy(sum[:], h[:])
	case crypto.SHA384:
		h := sha512.Sum384(bytes)
		return copy(sum[:], h[:])
	}
	h := sha512.Sum512(bytes)
	return copy(sum[:], h[:])
}

func digestLong(sum *[sha512.Size]byte, hash crypto.Hash, input string) int {
	var part [2 << 10]byte
	h := hash.New()
	for len(input) > 0 {
		n := copy(part[:], input)
		h.Write(part[:n]) // never fails
		input = input[n:]
	}
	return len(h.Sum(sum[:0]))
}

// asn1Signature converts the R ∥ S of RFC 7518, Section 3.4, into the SEQUENCE
// of two INTEGERs that crypto/ecdsa reads.
func asn1Signature(signature []byte) []byte {
	r, s := asn1Integer(signature[:len(signature)/2]), asn1Integer(signature[len(signature)/2:])
	length := 2 + integerLength(r) + 2 + integerLength(s)
	der := make([]byte, 0, 3+length)
	der = append(der, 0x30)
	if length >= 0x80 {
		der = append(der, 0x81)
	}
	der = append(der, byte(length))
	for _, n := range [2][]byte{r, s} {
		der = append(der, 0x02, byte(integerLength(n)))
		if integerLength(n) > len(n) {
			der = append(der, 0) // otherwise the first bit would make it negative
		}
		der = append(der, n...)
	}
	return der
}

// asn1Integer removes leading zeros of a number, except a single zero byte.
func asn1Integer(n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	return n
}

func integerLength(n []byte) int {
	if n[0]&0x80 != 0 {
		return len(n) + 1
	}
	return len(n)
}

func verifyMAC(alg string, secret []byte, signed string, mac []byte) error {
	a := algorithm(alg)
	if a.Family != HMAC {
		return ErrKeyMismatch
	}
	h := hmac.New(a.Hash.New, secret)
	h.Write([]byte(signed))
	return verdict(hmac.Equal(h.Sum(nil), mac))
}
