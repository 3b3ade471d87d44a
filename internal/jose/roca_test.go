package jose

import (
	"math/big"
	"testing"
)

// The table has every prime up to 701 modulo which some number is no power of
// 65537, and how many powers there are.
func TestROCA_table(t *testing.T) {
	t.Parallel()

	want := map[rocaGroup]bool{}
	for prime := int64(3); prime <= 701; prime += 2 {
		if !big.NewInt(prime).ProbablyPrime(0) {
			continue
		}
		order := int64(1)
		for power := 65537 % prime; power != 1; power = power * 65537 % prime {
			order++
		}
		if order < prime-1 {
			want[rocaGroup{uint16(prime), uint16(order)}] = true
		}
	}
	for _, g := range rocaGroups {
		if !want[g] {
			t.Errorf("the table has %+v, want no such group, or not twice", g)
		}
		delete(want, g)
	}
	if len(want) > 0 {
		t.Errorf("the table is without %+v", want)
	}
}

// Each prime is asked: a modulus is a power of 65537 modulo all of them but
// one.
func TestROCA_primes(t *testing.T) {
	t.Parallel()

	power := new(big.Int).Exp(big.NewInt(65537), big.NewInt(1234), rocaProduct)
	for _, bits := range []uint{2048, 4096, 8192} {
		// The first number of so many bits that is congruent to that power.
		modulus := new(big.Int).Lsh(big.NewInt(1), bits-1)
		modulus.Add(modulus, new(big.Int).Mod(new(big.Int).Sub(power, modulus), rocaProduct))
		if !hasROCA(modulus) {
			t.Errorf("hasROCA(a power of 65537, of %d bits) = false, want true", bits)
		}
		for _, g := range rocaGroups {
			prime := big.NewInt(int64(g.prime))
			others := new(big.Int).Div(rocaProduct, prime)
			for other := new(big.Int).Add(modulus, others); ; other.Add(other, others) {
				if isIn(new(big.Int).Mod(other, prime).Int64(), g) {
					continue // another power by chance
				}
				if hasROCA(other) {
					t.Errorf("hasROCA(no power modulo %d, of %d bits) = true, want false", g.prime, bits)
				}
				break
			}
		}
	}
}

// isIn asks the powers of 65537 one by one.
func isIn(n int64, g rocaGroup) bool {
	prime := int64(g.prime)
	power := int64(1)
	for range g.order {
		if power == n {
			return true
		}
		power = power * 65537 % prime
	}
	return false
}
