package jose

import (
	"math"
	"math/big"
	"math/bits"
)

// hasROCA recognizes the moduli of a widely used smart card library. Their
// primes are powers of 65537 modulo the product of many small primes, and can
// be computed from the modulus with little work (CVE-2017-15361). Modulo each
// small prime, such a modulus is a power of 65537 too. For keys of 2048 bits
// and more, these are the first 126 primes, up to 701.
//
// The table has the primes modulo which not every number is a power of 65537.
// Any other modulus passes for one with a probability below 1 in 2¹⁶⁰.
func hasROCA(modulus *big.Int) bool {
	// A stranger can choose a modulus that fails at the last prime. Modulo the
	// product of the primes it is short, so the work is small for any length.
	rest := new(big.Int).Mod(modulus, rocaProduct).Bits()
	for _, g := range rocaGroups {
		if !isPower(remainder(rest, uint64(g.prime)), g) {
			return false
		}
	}
	return true
}

// A rocaGroup is the set of the powers of 65537 modulo a prime. They are the
// numbers whose power by order is 1, since there is one group of each order.
type rocaGroup struct{ prime, order uint16 }

// isPower reports whether n is in g.
func isPower(n uint64, g rocaGroup) bool {
	power, prime := uint64(1), uint64(g.prime)
	for order := g.order; order > 0; order >>= 1 {
		if order&1 == 1 {
			power = power * n % prime
		}
		n = n * n % prime
	}
	return power == 1
}

// remainder returns the remainder of a number divided by one below 2¹⁶.
func remainder(number []big.Word, divisor uint64) uint64 {
	var rest uint64
	for i := len(number) - 1; i >= 0; i-- {
		word := uint64(number[i])
		for shift := bits.UintSize - 32; shift >= 0; shift -= 32 {
			rest = (rest<<32 | word>>shift&math.MaxUint32) % divisor
		}
	}
	return rest
}

// rocaGroups are the groups of the table, and rocaProduct is the product of
// their primes.
var (
	rocaGroups = [...]rocaGroup{
		{11, 2}, {13, 6}, {17, 8}, {19, 9}, {37, 3}, {53, 26}, {61, 20}, {71, 35},
		{73, 24}, {79, 13}, {97, 6}, {103, 51}, {107, 53}, {109, 54}, {127, 42}, {151, 50},
		{157, 78}, {181, 45}, {191, 95}, {193, 96}, {197, 49}, {199, 99}, {227, 113}, {229, 19},
		{233, 29}, {239, 17}, {241, 6}, {257, 16}, {263, 131}, {269, 134}, {277, 69}, {281, 35},
		{283, 141}, {293, 146}, {307, 153}, {317, 79}, {331, 2}, {337, 112}, {349, 29}, {353, 44},
		{367, 61}, {373, 62}, {379, 126}, {397, 44}, {419, 209}, {421, 70}, {431, 215}, {433, 144},
		{439, 73}, {457, 152}, {461, 20}, {463, 154}, {467, 233}, {479, 239}, {487, 81}, {491, 70},
		{503, 251}, {523, 18}, {541, 27}, {547, 91}, {571, 57}, {577, 192}, {587, 293}, {593, 74},
		{599, 299}, {601, 120}, {617, 154}, {619, 103}, {631, 315}, {641, 128}, {647, 323}, {659, 94},
		{673, 6}, {677, 338}, {683, 341}, {691, 23},
	}
	rocaProduct = func() *big.Int {
		product := big.NewInt(1)
		for _, g := range rocaGroups {
			product.Mul(product, big.NewInt(int64(g.prime)))
		}
		return product
	}()
)
