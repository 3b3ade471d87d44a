package jose

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// base64url encodes and computes lengths. Foreign text is decoded by decode and
// decodeInto.
var base64url = base64.RawURLEncoding

// sextets are the values of the characters of base64url (RFC 4648, Section 5),
// in the first, second, third and last place of a group of four characters and
// three bytes. All other characters have the value foreign.
var sextets = func() (places [4][256]uint32) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for place := range places {
		for c := range places[place] {
			places[place][c] = foreign
		}
		for value, c := range []byte(alphabet) {
			places[place][c] = uint32(value) << (18 - 6*place)
		}
	}
	return places
}()

// foreign is a bit that no group has.
const foreign = 1 << 24

// decodeInto decodes s to the beginning of dst, which must have room for it. It
// reports false for text that no encoder produces: a character outside the
// alphabet, including padding and line breaks, an impossible length, or a last
// character with unused bits that aren't zero (RFC 4648, Section 3.5). Two
// different strings therefore never decode to the same bytes.
func decodeInto(dst []byte, s string) bool {
	places := &sextets
	var seen uint32 // all quanta, over each other
	for len(s) >= 8 && len(dst) >= 8 {
		high := places[0][s[0]] | places[1][s[1]] | places[2][s[2]] | places[3][s[3]]
		low := places[0][s[4]] | places[1][s[5]] | places[2][s[6]] | places[3][s[7]]
		binary.BigEndian.PutUint64(dst, uint64(high)<<40|uint64(low)<<16) // six bytes, and two that don't count
		seen |= high | low
		s, dst = s[8:], dst[6:]
	}
	for len(s) >= 4 {
		quantum := places[0][s[0]] | places[1][s[1]] | places[2][s[2]] | places[3][s[3]]
		dst[0], dst[1], dst[2] = byte(quantum>>16), byte(quantum>>8), byte(quantum)
		seen |= quantum
		s, dst = s[4:], dst[3:]
	}
	var unused uint32
	switch len(s) {
	case 1:
		return false
	case 2:
		quantum := places[0][s[0]] | places[1][s[1]]
		dst[0] = byte(quantum >> 16)
		seen |= quantum
		unused = quantum & 0xffff
	case 3:
		quantum := places[0][s[0]] | places[1][s[1]] | places[2][s[2]]
		dst[0], dst[1] = byte(quantum>>16), byte(quantum>>8)
		seen |= quantum
		unused = quantum & 0xff
	}
	return seen < foreign && unused == 0
}

// decode appends the decoded s to b, and returns that part of b, by the rules
// of decodeInto.
func decode(b *strings.Builder, s string) (string, bool) {
	const chunk = 1 << 10 // a multiple of 4: only the last chunk may end within a quantum
	var dst [chunk / 4 * 3]byte
	start := b.Len()
	for len(s) > 0 {
		size := min(len(s), chunk)
		if !decodeInto(dst[:], s[:size]) {
			return "", false
		}
		b.Write(dst[:base64url.DecodedLen(size)])
		s = s[size:]
	}
	return b.String()[start:], true
}
