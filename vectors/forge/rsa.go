package forge

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
)

// stream yields the same bytes for the same label each time. The vectors' keys
// come from it, so that the repository holds no private key and the files can
// be made again.
type stream struct {
	label string
	block uint64
	rest  []byte
}

func (s *stream) bytes(n int) []byte {
	for len(s.rest) < n {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("rsguard test vectors: "+s.label+": "), s.block))
		s.rest = append(s.rest, sum[:]...)
		s.block++
	}
	out := s.rest[:n]
	s.rest = s.rest[n:]
	return out
}

// An rsaKey has many small primes. It is quick to find and to sign with, and
// useless except for tests.
type rsaKey struct {
	n      *big.Int
	e      int64
	primes []*big.Int
	exps   []*big.Int // d mod p-1
	coeffs []*big.Int // inverse of the other primes' product mod p, times that product
}

func newRSA(label string, bits int, e int64) *rsaKey {
	const primeBits = 512
	source := &stream{label: label}
	count := (bits + primeBits - 1) / primeBits
	k := &rsaKey{n: big.NewInt(1), e: e}
	for i := range count {
		size := bits / count
		if i < bits%count {
			size++
		}
		p := source.prime(size, e)
		k.primes = append(k.primes, p)
		k.n.Mul(k.n, p)
	}

	one := big.NewInt(1)
	for _, p := range k.primes {
		order := new(big.Int).Sub(p, one)
		k.exps = append(k.exps, new(big.Int).ModInverse(big.NewInt(e), order))
		others := new(big.Int).Div(k.n, p)
		inverse := new(big.Int).ModInverse(others, p)
		k.coeffs = append(k.coeffs, inverse.Mul(inverse, others))
	}
	if k.n.BitLen() != bits {
		panic("forge: " + label + " has another size")
	}
	return k
}

// prime returns a prime whose highest eight bits are set, so that the size of a
// product is the sum of the sizes.
func (s *stream) prime(bits int, e int64) *big.Int {
	one, exponent := big.NewInt(1), big.NewInt(e)
	for {
		p := new(big.Int).SetBytes(s.bytes((bits + 7) / 8))
		p.Rsh(p, uint((bits+7)/8*8-bits))
		for i := range 8 {
			p.SetBit(p, bits-1-i, 1)
		}
		p.SetBit(p, 0, 1)
		order := new(big.Int).Sub(p, one)
		if new(big.Int).GCD(nil, nil, order, exponent).Cmp(one) == 0 && p.ProbablyPrime(4) {
			return p
		}
	}
}

func (k *rsaKey) size() int { return (k.n.BitLen() + 7) / 8 }

// private is the RSA private operation (RFC 8017, Section 5.2.1).
func (k *rsaKey) private(em []byte) []byte {
	m, s := new(big.Int).SetBytes(em), new(big.Int)
	for i, p := range k.primes {
		part := new(big.Int).Exp(new(big.Int).Mod(m, p), k.exps[i], p)
		s.Add(s, part.Mul(part, k.coeffs[i]))
	}
	return s.Mod(s, k.n).FillBytes(make([]byte, k.size()))
}
