package jose

import "math/big"

// hasROCA recognises the moduli of a widely used smart card library, whose primes are powers of 65537 modulo the product of
// many small primes, and are found from the modulus with little work (CVE-2017-15361). Modulo each small prime, such a modulus
// is then a power of 65537 as well. For keys of 2048 bits and more those are the first 126 primes, up to 701. That any
// other modulus passes as one is less likely than 1 in 2¹⁶⁰.
func hasROCA(modulus *big.Int) bool {
	var remainder big.Int
	for prime := int64(3); prime <= 701; prime += 2 {
		p := big.NewInt(prime)
		if !p.ProbablyPrime(0) {
			continue
		}
		if want := remainder.Mod(modulus, p).Int64(); !isPower(65537%prime, want, prime) {
			return false
		}
	}
	return true
}

// isPower reports whether n is a power of base modulo a prime.
func isPower(base, n, prime int64) bool {
	for power, i := int64(1), int64(0); i < prime; i++ {
		if power == n {
			return true
		}
		power = power * base % prime
	}
	return false
}
