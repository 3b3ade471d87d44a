package jose

import (
	"math"
	"math/bits"
	"reflect"
	"strconv"
	"strings"
)

// float returns the floating-point number nearest to a JSON number, with this
// many bits.
//
// For some numbers, strconv.ParseFloat takes a thousand times longer than for
// others, and an attacker may choose them. They have more digits than fit into
// 64 bits, are exactly between two results, or are near the ends of the range.
// Such calls are counted by their possible cost.
func (d *decoder) float(raw string, size int) (float64, error) {
	if n, ok := smallInteger(raw); ok {
		return float64(n), nil
	}
	digits, negative := strings.CutPrefix(raw, "-")
	mantissa, exponent, ok := scientific(digits)
	f := 0.0
	switch {
	case ok && mantissa == 0:
	case ok && -maxPower <= exponent && exponent <= maxPower:
		f = scaled(mantissa, exponent, size)
	default:
		if !ok || !isSmooth(mantissa, exponent, size) {
			if d.effort += effort(digits); d.effort > max(maxEffort, len(d.s)/bytesToEffort) {
				return 0, errEffort
			}
		}
		var err error
		if f, err = strconv.ParseFloat(digits, size); err != nil {
			t := reflect.TypeFor[float64]()
			if size == 32 {
				t = reflect.TypeFor[float32]()
			}
			return 0, d.wrongType(t, "number "+raw)
		}
	}
	if negative {
		f = -f
	}
	return f, nil
}

// maxEffort and bytesToEffort bound the cost of strconv.ParseFloat for one text
// to about two signature checks for a token of the default size.
const (
	maxEffort     = 48
	bytesToEffort = 256
)

var errEffort = &SyntaxError{format: "JSON has numbers of over 19 digits, or near the ends of the range, that take too long to read"}

// isSmooth reports whether strconv.ParseFloat is fast for a number whose
// exponent is larger than maxPower. The number must be normal, and not between
// two results.
func isSmooth(mantissa uint64, exponent, size int) bool {
	largest := 300
	if size == 32 {
		largest = 37
	}
	// A number is between two others of 53 bits if it has 54. Multiples of 5^24
	// have more, and no fraction with a denominator of 5 is.
	const half = 23
	magnitude := exponent + bits.Len64(mantissa)*3/10
	return -largest < magnitude && magnitude < largest && (exponent < 0 || exponent > half)
}

// effort returns the time in about microseconds that strconv.ParseFloat may
// take for a number without a sign. It grows with the exponent and the number
// of digits.
func effort(number string) int {
	const longest, largest = 64, 400
	if len(number) > longest {
		return maxEffort + 1
	}
	exponent := largest
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		exponent = 0
	} else if n, err := strconv.Atoi(number[i+1:]); err == nil {
		exponent = min(max(n, -n), largest)
	}
	return 1 + exponent/16
}

// scientific reads a number without a sign as an integer times a power of ten.
func scientific(number string) (mantissa uint64, exponent int, ok bool) {
	const limit = (math.MaxUint64 - 9) / 10
	zeros, fraction := 0, 0 // zeros are those that may stand at the end
	for i := range len(number) {
		switch c := number[i]; {
		case c == '0' && mantissa != 0:
			zeros++
			exponent -= fraction
		case '0' <= c && c <= '9':
			for ; zeros > 0; zeros-- {
				if mantissa > limit {
					return 0, 0, false
				}
				mantissa *= 10
			}
			if mantissa > limit {
				return 0, 0, false
			}
			mantissa = 10*mantissa + uint64(c-'0')
			exponent -= fraction
		case c == '.':
			fraction = 1
		default: // e or E
			n, err := strconv.Atoi(number[i+1:])
			return mantissa, exponent + zeros + n, err == nil && -1000 < n && n < 1000
		}
	}
	return mantissa, exponent + zeros, true
}

// scaled returns mantissa × 10^exponent, rounded once, to even. The mantissa is
// not zero.
func scaled(mantissa uint64, exponent, size int) float64 {
	const exact = 1 << 53
	if mantissa < exact && size == 64 {
		if exponent < 0 {
			return float64(mantissa) / float64(powersOfTen[-exponent])
		}
		return float64(mantissa) * float64(powersOfTen[exponent])
	}
	// The result is x × 2^shift and a little more, if there is a rest.
	var x, rest uint64
	var shift int
	if exponent >= 0 {
		x, rest = bits.Mul64(mantissa, powersOfTen[exponent])
		if shift = 64; x == 0 {
			x, rest, shift = rest, 0, 0
		}
	} else {
		divisor := powersOfTen[-exponent]
		m, d := bits.LeadingZeros64(mantissa), bits.LeadingZeros64(divisor)
		mantissa, divisor = mantissa<<m, divisor<<d
		x, rest = bits.Div64(mantissa>>1, mantissa<<63, divisor)
		shift = d - m - 63
		rest = min(rest, 1) // it is one of divisor, not of x
	}
	if zeros := bits.LeadingZeros64(x); zeros > 0 {
		x = x<<zeros | rest>>(64-zeros)
		rest <<= zeros
		shift -= zeros
	}

	precision := 53
	if size == 32 {
		precision = 24
	}
	const half = 1 << 63
	f, tail := x>>(64-precision), x<<precision
	if tail > half || tail == half && (rest != 0 || f&1 == 1) {
		f++
	}
	return math.Ldexp(float64(f), shift+64-precision)
}

const maxPower = 19

var powersOfTen = [maxPower + 1]uint64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}
