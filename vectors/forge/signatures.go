package forge

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"math/big"
	"strconv"
	"strings"
)

const (
	sigLength = "RFC 8725, Section 3.3: what does not verify is rejected, and a signature has one length"
	sigECDSA  = "RFC 7518, Section 3.4: R and S, each as long as the order"
	sigRange  = "FIPS 186-5, Section 6.4.2: R and S are from 1 to the order less one"
	sigPKCS1  = "RFC 8017, Section 8.2.2: the whole block is compared"
	sigPSS    = "RFC 7518, Section 3.5: the salt is as long as the hash, and so is MGF1's"
	sigEdDSA  = "RFC 8032, Section 5.1.7: S is below the order"
	sigGroup  = "RFC 8032, Section 5.1.7: R and S fit the key and the message"
)

func signatures() *suite {
	s := newSuite("signatures", "Signatures that nearly are: lengths, ranges, paddings, salts, other keys, other bytes.")
	refuse := func(name, why string, opts ...option) { s.refuse("invalid_signature", name, why, opts...) }

	for _, a := range signers {
		with := signed(a.alg, a.k)
		for _, m := range []struct {
			name string
			f    func([]byte) []byte
		}{
			{"one byte short", func(b []byte) []byte { return b[:len(b)-1] }},
			{"first byte missing", func(b []byte) []byte { return b[1:] }},
			{"one byte more", func(b []byte) []byte { return append(b, 0) }},
			{"a zero before it", func(b []byte) []byte { return append([]byte{0}, b...) }},
			{"one byte long", func(b []byte) []byte { return b[:1] }},
			{"twice", func(b []byte) []byte { return append(bytes.Clone(b), b...) }},
			{"all zero", func(b []byte) []byte { return make([]byte, len(b)) }},
			{"all ones", func(b []byte) []byte { return bytes.Repeat([]byte{0xff}, len(b)) }},
			{"first bit flipped", func(b []byte) []byte { b[0] ^= 0x80; return b }},
			{"last bit flipped", func(b []byte) []byte { b[len(b)-1] ^= 1; return b }},
			{"a bit in the middle flipped", func(b []byte) []byte { b[len(b)/2] ^= 0x10; return b }},
			{"reversed", func(b []byte) []byte {
				b = bytes.Clone(b)
				for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
					b[i], b[j] = b[j], b[i]
				}
				return b
			}},
		} {
			refuse(a.alg+" signature: "+m.name, sigLength, with, mangled(m.f))
		}
		refuse(a.alg+" signature of the token without its header", "RFC 7515, Section 5.2: header and payload are signed", with, signature(func(in string) []byte {
			return sign(a.k(), a.alg, []byte(in[strings.Index(in, ".")+1:]))
		}))
		refuse(a.alg+" signature of another payload", "RFC 7515, Section 5.2", with, edited(func(t string) string {
			parts := strings.Split(t, ".")
			return parts[0] + "." + b64([]byte(strings.Replace(string(mustDecode(parts[1])), secret, "auth0|another", 1))) + "." + parts[2]
		}))
	}
	for _, a := range []struct {
		alg  string
		k    func() *key
		as   string
		self func() *key
	}{{"RS256", otherRSA, "rsa", rsaKey1}, {"PS256", otherRSA, "rsa", rsaKey1}, {"ES256", otherP256, "p256", p256Key}, {"EdDSA", otherEd, "ed", edKey}, {"RS256", tenantBKey, "rsa", rsaKey1}} {
		refuse(a.alg+" by "+a.k().kid+" under the kid "+a.as, "RFC 7515, Section 5.2: the issuer's key", signed(a.alg, a.k), head("kid", quote(a.as)))
	}

	ecdsaCases(s)
	rsaCases(s)
	pssCases(s)

	// Ed25519: S + L is a second spelling of the same number.
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	refuse("EdDSA with S + L", sigEdDSA, signed("EdDSA", edKey), mangled(func(sig []byte) []byte {
		s := new(big.Int).SetBytes(reversed(sig[32:]))
		return append(bytes.Clone(sig[:32]), reversed(s.Add(s, l).FillBytes(make([]byte, 32)))...)
	}))
	refuse("EdDSA with R and S of other tokens", sigGroup, signed("EdDSA", edKey), signature(func(in string) []byte {
		return append(sign(edKey(), "EdDSA", []byte(in))[:32:32], sign(edKey(), "EdDSA", []byte(in+"x"))[32:]...)
	}))
	refuse("EdDSA with the neutral point and zero", sigGroup, signed("EdDSA", edKey), signature(func(string) []byte {
		return append([]byte{1}, make([]byte, 63)...)
	}))
	return s
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[len(b)-1-i] = b[i]
	}
	return out
}

func mustDecode(segment string) []byte {
	data, err := rawURL.DecodeString(segment)
	if err != nil {
		panic(err)
	}
	return data
}

func ecdsaCases(s *suite) {
	for _, c := range []struct {
		alg string
		k   func() *key
	}{{"ES256", p256Key}, {"ES384", p384Key}, {"ES512", p521Key}} {
		k := c.k().ec
		n := k.Curve.Params().N
		one, zero := big.NewInt(1), new(big.Int)
		with := signed(c.alg, c.k)
		rs := func(change func(r, s *big.Int) (*big.Int, *big.Int)) option {
			return signature(func(in string) []byte {
				r, s := change(ecdsaRS(k, hashOf(c.alg), []byte(in)))
				return joinRS(k, r, s)
			})
		}
		constant := func(r, s *big.Int) option {
			return rs(func(*big.Int, *big.Int) (*big.Int, *big.Int) { return r, s })
		}
		less := new(big.Int).Sub(n, one)
		for _, f := range []struct {
			name string
			r, s *big.Int
		}{
			{"0, 1", zero, one}, {"1, 0", one, zero}, {"1, 1", one, one}, {"n, n", n, n}, {"n, 1", n, one}, {"1, n", one, n},
			{"n-1, n-1", less, less}, {"n, 0", n, zero}, {"p, p", k.Curve.Params().P, k.Curve.Params().P},
		} {
			s.refuse("invalid_signature", c.alg+" with R and S of "+f.name, sigRange, with, constant(f.r, f.s))
		}
		s.refuse("invalid_signature", c.alg+" with R zero", sigRange, with, rs(func(_, s *big.Int) (*big.Int, *big.Int) { return zero, s }))
		s.refuse("invalid_signature", c.alg+" with S zero", sigRange, with, rs(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, zero }))
		s.refuse("invalid_signature", c.alg+" with R and S swapped", sigECDSA, with, rs(func(r, s *big.Int) (*big.Int, *big.Int) { return s, r }))
		s.refuse("invalid_signature", c.alg+" with n-R", sigECDSA, with, rs(func(r, s *big.Int) (*big.Int, *big.Int) { return new(big.Int).Sub(n, r), s }))
		s.accept(c.alg+" with n-S", "RFC 7518, Section 3.4: ECDSA has two signatures for one, and asks for neither", with,
			rs(func(r, s *big.Int) (*big.Int, *big.Int) { return r, new(big.Int).Sub(n, s) }))
		s.refuse("invalid_signature", c.alg+" in DER", sigECDSA, with, signature(func(in string) []byte {
			r, s := ecdsaRS(k, hashOf(c.alg), []byte(in))
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
			if err != nil {
				panic(err)
			}
			return der
		}))
		s.refuse("invalid_signature", c.alg+" with R and S one byte longer", sigECDSA, with, signature(func(in string) []byte {
			r, s := ecdsaRS(k, hashOf(c.alg), []byte(in))
			size := (k.Curve.Params().BitSize+7)/8 + 1
			return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}))
		s.refuse("invalid_signature", c.alg+" with another hash", sigECDSA, with, signature(func(in string) []byte {
			other := map[string]crypto.Hash{"ES256": crypto.SHA512, "ES384": crypto.SHA256, "ES512": crypto.SHA256}[c.alg]
			r, s := ecdsaRS(k, other, []byte(in))
			return joinRS(k, r, s)
		}))
	}
	// In one of 256 signatures R begins with a zero byte, which must be kept.
	short := func() option {
		for i := 0; ; i++ {
			jti := claim("jti", quote("short-r-"+strconv.Itoa(i)))
			d := &draft{}
			probe := newSuite("probe", "")
			probe.accept("probe", "", signed("ES256", p256Key), jti)
			d.v = probe.file.Vectors[0]
			if mustDecode(d.v.Token[strings.LastIndex(d.v.Token, ".")+1:])[0] == 0 {
				return jti
			}
		}
	}()
	s.accept("ES256 with a zero at the start of R", sigECDSA, signed("ES256", p256Key), short)
	s.refuse("invalid_signature", "ES256 without the zero at the start of R", sigECDSA, signed("ES256", p256Key), short, mangled(func(sig []byte) []byte { return sig[1:] }))
	s.refuse("invalid_signature", "ES256 with R's zero moved to the end of S", sigECDSA, signed("ES256", p256Key), short, mangled(func(sig []byte) []byte { return append(sig[1:], 0) }))
}

func rsaCases(s *suite) {
	k := rsaKey1().rsa
	fromBlock := func(k *rsaKey, f func(in string) []byte) option {
		return signature(func(in string) []byte { return k.private(f(in)) })
	}
	refuse := func(name string, opts ...option) { s.refuse("invalid_signature", name, sigPKCS1, opts...) }
	info := func(h crypto.Hash, in string) []byte {
		return append(bytes.Clone(digestInfo[h]), digest(h, []byte(in))...)
	}
	number := func(n *big.Int) option {
		return signature(func(string) []byte { return n.FillBytes(make([]byte, k.size())) })
	}

	refuse("RS256: signature is 1", number(big.NewInt(1)))
	refuse("RS256: signature is n-1", number(new(big.Int).Sub(k.n, big.NewInt(1))))
	refuse("RS256: signature is n", number(k.n))
	refuse("RS256: signature is n+1", number(new(big.Int).Add(k.n, big.NewInt(1))))
	refuse("RS256: signature plus n, one byte longer", mangled(func(sig []byte) []byte {
		n := new(big.Int).SetBytes(sig)
		return n.Add(n, k.n).FillBytes(make([]byte, k.size()+1))
	}))
	refuse("RS256: n less the signature", mangled(func(sig []byte) []byte {
		n := new(big.Int).SetBytes(sig)
		return n.Sub(k.n, n).FillBytes(make([]byte, k.size()))
	}))
	refuse("RS256: block type 2", fromBlock(k, func(in string) []byte { return block(k.size(), 2, 0xff, info(crypto.SHA256, in)) }))
	refuse("RS256: block type 0", fromBlock(k, func(in string) []byte { return block(k.size(), 0, 0, info(crypto.SHA256, in)) }))
	refuse("RS256: padding of other bytes", fromBlock(k, func(in string) []byte { return block(k.size(), 1, 0xfe, info(crypto.SHA256, in)) }))
	refuse("RS256: one byte of the padding is zero", fromBlock(k, func(in string) []byte {
		em := block(k.size(), 1, 0xff, info(crypto.SHA256, in))
		em[100] = 0
		return em
	}))
	refuse("RS256: short padding, then the hash, then garbage", fromBlock(k, func(in string) []byte {
		em := bytes.Repeat([]byte{0xaa}, k.size())
		copy(em, block(64, 1, 0xff, info(crypto.SHA256, in)))
		return em
	}))
	refuse("RS256: hash without its name", fromBlock(k, func(in string) []byte { return block(k.size(), 1, 0xff, digest(crypto.SHA256, []byte(in))) }))
	refuse("RS256: name of the hash without NULL", fromBlock(k, func(in string) []byte {
		noNull := []byte{0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20}
		return block(k.size(), 1, 0xff, append(noNull, digest(crypto.SHA256, []byte(in))...))
	}))
	refuse("RS256: long form of a length", fromBlock(k, func(in string) []byte {
		long := append([]byte{0x30, 0x81, 0x31}, digestInfo[crypto.SHA256][2:]...)
		return block(k.size(), 1, 0xff, append(long, digest(crypto.SHA256, []byte(in))...))
	}))
	refuse("RS256: SHA-1", fromBlock(k, func(in string) []byte { return block(k.size(), 1, 0xff, info(crypto.SHA1, in)) }))
	refuse("RS256: SHA-512", fromBlock(k, func(in string) []byte { return block(k.size(), 1, 0xff, info(crypto.SHA512, in)) }))
	refuse("RS256: SHA-512's name before SHA-256", fromBlock(k, func(in string) []byte {
		return block(k.size(), 1, 0xff, append(bytes.Clone(digestInfo[crypto.SHA512]), digest(crypto.SHA256, []byte(in))...))
	}))

	// With e = 3 a cube root passes a check that ignores the end of the block.
	e3 := rsaKey3().rsa
	s.accept("RS256 with e = 3", "RFC 8017, Section 3.1: e is at least 3", signed("RS256", rsaKey3))
	s.refuse("invalid_signature", "RS256 with e = 3: a cube root", sigPKCS1+" (CVE-2006-4339)", signed("RS256", rsaKey3), signature(func(in string) []byte {
		em := make([]byte, e3.size())
		head := block(3+8+len(info(crypto.SHA256, in)), 1, 0xff, info(crypto.SHA256, in))
		copy(em, head)
		for i := len(head); i < len(em); i++ {
			em[i] = 0xff
		}
		root := cubeRoot(new(big.Int).SetBytes(em))
		return root.FillBytes(make([]byte, e3.size()))
	}))
	// The first byte of a signature is zero in one of 256.
	var short option
	for i := 0; short == nil; i++ {
		jti := claim("jti", quote("short-"+strconv.Itoa(i)))
		probe := newSuite("probe", "")
		probe.accept("probe", "", jti)
		if t := probe.file.Vectors[0].Token; mustDecode(t[strings.LastIndex(t, ".")+1:])[0] == 0 {
			short = jti
		}
	}
	s.accept("RS256 with a zero at the start", sigLength, short)
	refuse("RS256 without the zero at the start", short, mangled(func(sig []byte) []byte { return sig[1:] }))
}

// cubeRoot returns the greatest integer whose cube is at most n.
func cubeRoot(n *big.Int) *big.Int {
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	for one := big.NewInt(1); new(big.Int).Sub(high, low).Cmp(one) > 0; {
		mid := new(big.Int).Add(low, high)
		mid.Rsh(mid, 1)
		if cube := new(big.Int).Exp(mid, big.NewInt(3), nil); cube.Cmp(n) <= 0 {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func pssCases(s *suite) {
	k := rsaKey1().rsa
	for _, alg := range []string{"PS256", "PS384", "PS512"} {
		h := hashOf(alg)
		with := signed(alg, rsaKey1)
		for _, salt := range []int{0, 1, 20, 28, 32, 48, 64, h.Size() - 1, h.Size() + 1, k.size() - h.Size() - 2} {
			name := alg + " with a salt of " + strconv.Itoa(salt) + " bytes"
			opts := []option{with, signature(func(in string) []byte { return k.private(emsaPSS(k, h, h, salt, []byte(in))) })}
			if salt == h.Size() {
				s.accept(name, sigPSS, opts...)
			} else {
				s.refuse("invalid_signature", name, sigPSS, opts...)
			}
		}
		for _, mgf := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA512} {
			if mgf != h {
				s.refuse("invalid_signature", alg+" with MGF1 of "+mgf.String(), sigPSS, with, signature(func(in string) []byte {
					return k.private(emsaPSS(k, h, mgf, h.Size(), []byte(in)))
				}))
			}
		}
		s.refuse("invalid_signature", alg+" with another trailer", "RFC 8017, Section 9.1.2", with, signature(func(in string) []byte {
			em := emsaPSS(k, h, h, h.Size(), []byte(in))
			em[len(em)-1] = 0xcc
			return k.private(em)
		}))
	}
}
