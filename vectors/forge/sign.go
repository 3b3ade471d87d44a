package forge

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/sha1" // for forgeries
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"math/big"
)

// hashOf returns the hash of a JWA name such as PS384.
func hashOf(alg string) crypto.Hash {
	switch alg[len(alg)-3:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

func digest(h crypto.Hash, data []byte) []byte {
	d := h.New()
	d.Write(data)
	return d.Sum(nil)
}

// sign returns the signature of RFC 7518 or RFC 8037, the same each time.
func sign(k *key, alg string, input []byte) []byte {
	switch alg[:2] {
	case "RS":
		return k.rsa.private(emsaPKCS1(k.rsa.size(), hashOf(alg), input))
	case "PS":
		h := hashOf(alg)
		return k.rsa.private(emsaPSS(k.rsa, h, h, h.Size(), input))
	case "ES": // or ESP
		r, s := ecdsaRS(k.ec, hashOf(alg), input)
		return joinRS(k.ec, r, s)
	default:
		return ed25519.Sign(k.ed, input)
	}
}

// digestInfo returns the DER prefix of RFC 8017, Section 9.2, Note 1.
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA1:   {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// emsaPKCS1 is RFC 8017, Section 9.2.
func emsaPKCS1(size int, h crypto.Hash, input []byte) []byte {
	return block(size, 1, 0xff, append(bytes.Clone(digestInfo[h]), digest(h, input)...))
}

// block pads content to 00 KIND FILL… 00 content.
func block(size int, kind, fill byte, content []byte) []byte {
	em := bytes.Repeat([]byte{fill}, size)
	em[0], em[1] = 0, kind
	em[size-len(content)-1] = 0
	copy(em[size-len(content):], content)
	return em
}

// emsaPSS is RFC 8017, Section 9.1.1, with a salt that is the message's own
// hash, repeated.
func emsaPSS(k *rsaKey, h, mgf crypto.Hash, saltSize int, input []byte) []byte {
	salt := bytes.Repeat(digest(h, append([]byte("salt"), input...)), saltSize/h.Size()+1)[:saltSize]
	sum := digest(h, append(append(make([]byte, 8), digest(h, input)...), salt...))

	emBits := k.n.BitLen() - 1
	emLen := (emBits + 7) / 8
	db := make([]byte, emLen-len(sum)-1)
	db[len(db)-saltSize-1] = 1
	copy(db[len(db)-saltSize:], salt)
	for i, mask := range mgf1(mgf, sum, len(db)) {
		db[i] ^= mask
	}
	db[0] &= 0xff >> (8*emLen - emBits)
	return append(append(db, sum...), 0xbc)
}

// mgf1 is RFC 8017, Appendix B.2.1.
func mgf1(h crypto.Hash, seed []byte, size int) []byte {
	var out []byte
	for i := byte(0); len(out) < size; i++ {
		out = append(out, digest(h, append(bytes.Clone(seed), 0, 0, 0, i))...)
	}
	return out[:size]
}

// ecdsaRS signs with the nonce of RFC 6979.
func ecdsaRS(k *ecdsa.PrivateKey, h crypto.Hash, input []byte) (r, s *big.Int) {
	der, err := k.Sign(nil, digest(h, input), h)
	if err != nil {
		panic(err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		panic(err)
	}
	return rs.R, rs.S
}

// joinRS is RFC 7518, Section 3.4: two integers, each as long as the curve's
// order.
func joinRS(k *ecdsa.PrivateKey, r, s *big.Int) []byte {
	size := (k.Curve.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}
