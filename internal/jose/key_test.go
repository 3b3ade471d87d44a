package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/jose"
)

// Keys of the standards' own examples, whose private halves are public.
const (
	rsaN = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	ecX  = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
	ecY  = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
	edX  = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
)

type members map[string]any

var (
	rsaJWK = members{"kty": "RSA", "n": rsaN, "e": "AQAB"}
	ecJWK  = members{"kty": "EC", "crv": "P-256", "x": ecX, "y": ecY}
	edJWK  = members{"kty": "OKP", "crv": "Ed25519", "x": edX}
)

// with returns a copy of m with changes; a nil value leaves a member out.
func (m members) with(changes members) members {
	m = maps.Clone(m)
	for name, value := range changes {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return m
}

func (m members) String() string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// integer spells a number as a JWK does.
func integer(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// modulus returns an odd number of that many bits.
func modulus(bits uint) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return integer(n.SetBit(n, 0, 1))
}

func TestParsePublicKey(t *testing.T) {
	t.Parallel()
	even := new(big.Int).Lsh(big.NewInt(1), 2047)
	odd := new(big.Int).SetBit(even, 0, 1)
	for _, tt := range []struct {
		name string
		jwk  fmt.Stringer
		want string // in the error; "" if there must be none
	}{
		{"RSA", rsaJWK, ""},
		{"EC", ecJWK, ""},
		{"OKP", edJWK, ""},
		{"with everything", rsaJWK.with(members{"use": "sig", "key_ops": []string{"encrypt", "verify"}, "alg": "PS512", "kid": "1"}), ""},
		{"empty kid", rsaJWK.with(members{"kid": ""}), ""},
		{"kid is a number", rsaJWK.with(members{"kid": 1}), `"kid" is a number, want a string`},

		{"x5t in hexadecimal", rsaJWK.with(members{"x5t": "NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg"}), ""},
		{"x5c that is none", rsaJWK.with(members{"x5c": []any{1, "!"}, "x5u": 7, "x5t#S256": nil}), ""},
		{"unknown members", rsaJWK.with(members{"KTY": "oct", "D": 1, "Alg": "none", "exp": 1}), ""},

		{"no kty", rsaJWK.with(members{"kty": nil}), `"kty" is ""`},
		{"kty in another case", rsaJWK.with(members{"kty": "rsa"}), `"kty" is "\"rsa\""`},
		{"kty is a number", rsaJWK.with(members{"kty": 1}), `"kty" is "1"`},
		{"unknown kty", rsaJWK.with(members{"kty": "AKP"}), `"kty" is "\"AKP\""`},
		{"symmetric", members{"kty": "oct", "k": "c2VjcmV0"}, `not a public key: it has "k"`},
		{"symmetric without k", members{"kty": "oct"}, `"kty" is "\"oct\""`},
		{"RSA, private", rsaJWK.with(members{"d": "AQAB"}), `it has "d"`},
		{"RSA, private in part", rsaJWK.with(members{"qi": "AQAB"}), `it has "qi"`},
		{"EC, private", ecJWK.with(members{"d": 0}), `it has "d"`},

		{"use enc", rsaJWK.with(members{"use": "enc"}), `"use" is "\"enc\""`},
		{"use is a list", rsaJWK.with(members{"use": []string{"sig"}}), `"use" is`},
		{"key_ops without verify", rsaJWK.with(members{"key_ops": []string{"encrypt"}}), `"key_ops" is without "verify"`},
		{"key_ops is a string", rsaJWK.with(members{"key_ops": "verify"}), `"key_ops" is not`},
		{"key_ops holds more than strings", rsaJWK.with(members{"key_ops": []any{"verify", []int{}}}), `"key_ops" is not`},

		{"alg of encryption", rsaJWK.with(members{"alg": "RSA-OAEP"}), `"alg" is "\"RSA-OAEP\""`},
		{"alg of a shared secret", rsaJWK.with(members{"alg": "HS256"}), `"alg" is "\"HS256\""`},
		{"alg none", rsaJWK.with(members{"alg": "none"}), `"alg" is "\"none\""`},
		{"alg empty", rsaJWK.with(members{"alg": ""}), `"alg" is "\"\""`},
		{"alg is a number", rsaJWK.with(members{"alg": 256}), `"alg" is "256"`},
		{"alg for another type", rsaJWK.with(members{"alg": "ES256"}), "wrong type or curve"},
		{"alg for another curve", ecJWK.with(members{"alg": "ES384"}), "wrong type or curve"},
		{"alg by the name of its curve", edJWK.with(members{"alg": "Ed25519"}), ""},
		{"alg by the name of its curve, of another key", ecJWK.with(members{"alg": "Ed25519"}), `"alg" is "Ed25519", for which it is the wrong type or curve`},
		{"alg by another name", ecJWK.with(members{"alg": "ESP256"}), ""},
		{"alg by another name, of another curve", ecJWK.with(members{"alg": "ESP384"}), `"alg" is "ESP384", for which it is the wrong type or curve`},
		{"alg that fits", ecJWK.with(members{"alg": "ES256"}), ""},

		{"RSA of 2047 bits", rsaJWK.with(members{"n": modulus(2047)}), "2047 bits"},
		{"RSA of 2048 bits", rsaJWK.with(members{"n": modulus(2048)}), ""},
		{"RSA of 8192 bits", rsaJWK.with(members{"n": modulus(8192)}), ""},
		{"RSA of 8193 bits", rsaJWK.with(members{"n": modulus(8193)}), `"n" is a number of 1025 bytes`},
		{"RSA of 80,000 bits", rsaJWK.with(members{"n": modulus(80_000)}), `"n" has 13334 characters`},
		{"RSA with an even modulus", rsaJWK.with(members{"n": integer(even)}), "even modulus"},
		{"n with a leading zero", rsaJWK.with(members{"n": base64.RawURLEncoding.EncodeToString(append([]byte{0}, odd.Bytes()...))}), ""},
		{"n is zero", rsaJWK.with(members{"n": "AAAA"}), `"n" is a number of 0 bytes`},
		{"no n", rsaJWK.with(members{"n": nil}), `"n" is not a string`},
		{"n in the standard alphabet", rsaJWK.with(members{"n": strings.ReplaceAll(rsaN, "_", "/")}), `"n" is not base64url`},
		{"n with padding", rsaJWK.with(members{"n": rsaN + "=="}), `"n" is not base64url`},
		{"n with a line break", rsaJWK.with(members{"n": rsaN[:40] + "\n" + rsaN[40:]}), `"n" is not base64url`},
		{"e is 1", rsaJWK.with(members{"e": "AQ"}), "exponent 1"},
		{"e is 2", rsaJWK.with(members{"e": "Ag"}), "exponent 2"},
		{"e is 3", rsaJWK.with(members{"e": "Aw"}), ""},
		{"e is even", rsaJWK.with(members{"e": "AQAC"}), "exponent 65538"},
		{"e is 2^31-1", rsaJWK.with(members{"e": "f____w"}), ""},
		{"e is 2^31+1", rsaJWK.with(members{"e": "gAAAAQ"}), "exponent 2147483649"},
		{"e is 2^64+1", rsaJWK.with(members{"e": "AQAAAAAAAAAB"}), `"e" is a number of 9 bytes`},
		{"e is a number", rsaJWK.with(members{"e": 65537}), `"e" is not a string`},

		{"point off the curve", ecJWK.with(members{"y": ecX}), "not on its curve"},
		{"point (0, 0)", ecJWK.with(members{"x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}), "not on its curve"},
		{"coordinate over the field", ecJWK.with(members{"x": strings.Repeat("_", 42) + "8"}), "not on its curve"},
		{"point of another curve", ecJWK.with(members{"crv": "P-384"}), `"x" has 43 characters, not 64`},
		{"short coordinate", ecJWK.with(members{"x": ecX[:40]}), `"x" has 40 characters`},
		{"coordinate with unused bits set", ecJWK.with(members{"x": ecX[:42] + "5"}), `"x" is not base64url`},
		{"no y", ecJWK.with(members{"y": nil}), `"y" is not a string`},
		{"secp256k1", ecJWK.with(members{"crv": "secp256k1"}), `"crv" is "\"secp256k1\""`},

		{"X25519", edJWK.with(members{"crv": "X25519"}), `"crv" is`},
		{"Ed448", edJWK.with(members{"crv": "Ed448"}), `"crv" is`},
		{"Ed25519 of 31 bytes", edJWK.with(members{"x": edX[:42]}), `"x" has 42 characters`},
		{"Ed25519, the neutral element", edJWK.with(members{"x": "AQ" + strings.Repeat("A", 41)}), "small order"},

		{"twice the same member", text(`{"kty":"RSA","n":"` + rsaN + `","e":"AQAB","e":"AQAB"}`), `two members of one name in an object: "e"`},
		{"not an object", text(`["RSA"]`), "not an object"},
		{"nothing", text(``), "not an object"},
	} {
		_, err := jose.ParsePublicKey(tt.jwk.String())
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("ParsePublicKey(%s) error = %v, want none", tt.name, err)
		case tt.want != "" && err == nil:
			t.Errorf("ParsePublicKey(%s) error = none, want %s", tt.name, tt.want)
		case tt.want != "" && !strings.Contains(err.Error(), tt.want):
			t.Errorf("ParsePublicKey(%s) error = %v, want one with %s", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), rsaN[:20]) {
			t.Errorf("ParsePublicKey(%s) error = %v, want nothing of the key in it", tt.name, err)
		}
	}
}

type text string

func (s text) String() string { return string(s) }

func TestParseKeySet(t *testing.T) {
	t.Parallel()
	set := func(elements ...string) string { return `{"keys":[` + strings.Join(elements, ",") + `]}` }
	good := ecJWK.with(members{"kid": "good"}).String()
	for _, tt := range []struct {
		name, set string
		keys      int
		leftOut   string
		want      string // in the error
	}{
		{"one key", set(good), 1, "", ""},
		{"no key", set(), 0, "", ""},
		{"unknown members, odd ones too", `{"KEYS":1,"x":{"a":1,"a":2},"x":"\ud800` + "\xff" + `","keys":[` + good + `]}`, 1, "", ""},
		{"a byte order mark", "\ufeff" + set(good), 1, "", ""},
		{"a key that is not UTF-8", set("{\"kid\":\"a\",\"x\":\"\xff\"}", good, "\"\xff\""), 1, `key 0 (kid "a"): JSON is not valid UTF-8 key 2: not an object`, ""},
		{"a kid that is not UTF-8", set("{\"kid\":\"\xff\"}", good), 1, "key 0: JSON is not valid UTF-8", ""},
		{"a name that is not UTF-8", set("{\"\xff\":1}", good), 1, "key 0: JSON is not valid UTF-8", ""},
		{"a key with half a surrogate pair", set(`{"x":"\ud800","kid":"a"}`, good), 1, `key 0 (kid "a"): JSON has half a surrogate pair`, ""},
		{"a kid of half a surrogate pair", set(`{"kid":"\ud800"}`, good), 1, `key 0: JSON has half a surrogate pair`, ""},
		{"a key that is too deep", set(strings.Repeat(`{"a":`, 40)+"1"+strings.Repeat("}", 40), good), 1, `key 0: JSON is nested too deep: over 32 levels`, ""},
		{"a megabyte of brackets", set(strings.Repeat("[", 1<<19)+strings.Repeat("]", 1<<19), good), 1, `key 0: not an object`, ""},
		{"a megabyte of objects", set(strings.Repeat(`{"":`, 1<<18)+"1"+strings.Repeat("}", 1<<18), good), 1, `key 0: JSON is nested too deep: over 32 levels`, ""},
		{"a key with too many members", set("{"+strings.Repeat(`"\n":1,`, 1<<17)+`"kid":"a"}`, good), 1, `key 0 (kid "a"): JSON has two members of one name in an object: "\n"`, ""},
		{"everything beside the keys", `{"\ud800":[{"\ud800":"\udfff"},1e5,-0,true,false,null,{},[],"\"\\"],"":{"a":1, "a" : [ ] },` + set(good)[1:], 1, "", ""},
		{"two keys of one kid", set(good, good), 2, "", ""},
		{"a twice-named member", set(`{"kid":"a","kid":"a"}`, good), 1, `key 0: JSON has two members of one name in an object: "kid"`, ""},
		{"one deeper", set(`{"kid":"a","x":[{"b":1,"b":2}]}`, good), 1, `key 0 (kid "a"): JSON has two members of one name in an object: "b"`, ""},
		{"not an object", set(`null`, good), 1, "key 0: not an object", ""},
		{"a set in the set", set(set(good), good), 1, `key 0: "kty" is ""`, ""},
		{"kid with a line break", set(good, `{"kid":"a\nb"}`), 1, `key 1 (kid "a\nb"): "kty" is ""`, ""},
		{"long kid", set(good, `{"kid":"`+strings.Repeat("a", 1000)+`"}`), 1, `key 1 (kid "` + strings.Repeat("a", 64) + `"): "kty" is ""`, ""},

		{"no keys", `{}`, 0, "", `no "keys"`},
		{"keys in another case", `{"Keys":[` + good + `]}`, 0, "", `no "keys"`},
		{"keys is an object", `{"keys":` + good + `}`, 0, "", `"keys" is an object, want an array`},
		{"keys is null", `{"keys":null}`, 0, "", `"keys" is null, want an array`},
		{"keys twice", `{"keys":[],"keys":[` + good + `]}`, 0, "", `two members of one name in an object: "keys"`},
		{"keys twice, once with an escape", `{"k\u0065ys":[],"keys":[` + good + `]}`, 0, "", `two members of one name in an object: "keys"`},
		{"keys with an odd letter more", `{"keys\ud800":[` + good + `]}`, 0, "", `no "keys"`},
		{"two byte order marks", "\ufeff\ufeff" + set(good), 0, "", "not an object"},
		{"a byte order mark after it", set(good) + "\ufeff", 0, "", "after the object"},
		{"a list", `[` + good + `]`, 0, "", "not an object"},
		{"null", `null`, 0, "", "not an object"},
		{"a web page", `<html>`, 0, "", "not an object"},
		{"something after it", set(good) + `{}`, 0, "", "after the object"},
		{"malformed after a good key", `{"keys":[` + good + `,{,}]}`, 0, "", "malformed"},
		{"cut off", set(good)[:60], 0, "", "malformed"},
		{"too many", set(strings.Repeat("0,", 16384) + good), 0, "", "16385 elements"},
		{"brackets that do not match", `{"keys":[` + good + `],"x":[{]}}`, 0, "", "malformed"},
		{"brackets that never end", `{"keys":[` + good + `],"x":` + strings.Repeat("[", 1<<20), 0, "", "malformed"},
		{"a comma too many", `{"keys":[` + good + `,]}`, 0, "", "malformed"},
		{"a comma too many beside it", `{"keys":[` + good + `],"x":{"a":1,}}`, 0, "", "malformed"},
		{"no comma", `{"keys":[` + good + good + `]}`, 0, "", "malformed"},
		{"a colon in an array", `{"keys":["a":1]}`, 0, "", "malformed"},
		{"a name alone", `{"keys":[` + good + `],"x":{"a"}}`, 0, "", "malformed"},
		{"a control character", set(good, "\"\x01\""), 0, "", "malformed string"},
		{"an unknown escape", set(good, `"\x"`), 0, "", "malformed string"},
		{"a short escape", set(good, `"\u00g0"`), 0, "", "malformed string"},
	} {
		keys, leftOut, err := jose.ParseKeySet([]byte(tt.set))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("ParseKeySet(%s) error = %v, want %q", tt.name, err, tt.want)
		}
		if len(keys) != tt.keys {
			t.Errorf("ParseKeySet(%s) = %d keys, want %d", tt.name, len(keys), tt.keys)
		}
		for i, key := range keys {
			if key.ID != "good" || jose.CheckPublicKey(key.Public) != nil {
				t.Errorf("ParseKeySet(%s) key %d = %+v, want the good one", tt.name, i, key)
			}
		}
		if got := fmt.Sprint(leftOut); got != "["+tt.leftOut+"]" {
			t.Errorf("ParseKeySet(%s) left out %s, want [%s]", tt.name, got, tt.leftOut)
		}
	}
}

// The hashes of certificates are names for keys. A value that can't be one is
// ignored.
func TestParseKeySet_certificateHashes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key          members
		x5t, x5tS256 string
	}{
		{members{}, "", ""},
		{members{"x5t": "a", "x5t#S256": "b"}, "a", "b"},
		{members{"x5t": 1, "x5t#S256": nil}, "", ""},
		{members{"X5T": "a", "x5t#s256": "b"}, "", ""},
		{members{"x5t": strings.Repeat("x", 128), "x5t#S256": strings.Repeat("x", 129)}, strings.Repeat("x", 128), ""},
	} {
		keys, leftOut, err := jose.ParseKeySet([]byte(`{"keys":[` + ecJWK.with(tt.key).String() + `]}`))
		if err != nil || len(keys) != 1 || keys[0].X5T != tt.x5t || keys[0].X5TS256 != tt.x5tS256 {
			t.Errorf("ParseKeySet(%v) = %+v, %v, %v, want x5t %q and x5t#S256 %q", tt.key, keys, leftOut, err, tt.x5t, tt.x5tS256)
		}
	}
}

func TestCheckPublicKey(t *testing.T) {
	t.Parallel()
	ec := mustParse(t, ecJWK).(*ecdsa.PublicKey)
	n := mustParse(t, rsaJWK).(*rsa.PublicKey).N
	for _, tt := range []struct {
		name string
		key  crypto.PublicKey
		ok   bool
	}{
		{"nil", nil, false},
		{"[]byte", []byte("secret"), false},
		{"string", "secret", false},
		{"RSA", &rsa.PublicKey{N: n, E: 65537}, true},
		{"RSA by value", rsa.PublicKey{N: n, E: 65537}, false},
		{"RSA, nil", (*rsa.PublicKey)(nil), false},
		{"RSA, zero", &rsa.PublicKey{}, false},
		{"RSA, negative", &rsa.PublicKey{N: new(big.Int).Neg(n), E: 65537}, false},
		{"RSA, negative exponent", &rsa.PublicKey{N: n, E: -3}, false},
		{"EC", ec, true},
		{"EC, nil", (*ecdsa.PublicKey)(nil), false},
		{"EC, zero", &ecdsa.PublicKey{}, false},
		{"EC, no curve", &ecdsa.PublicKey{X: ec.X, Y: ec.Y}, false},
		{"EC, no Y", &ecdsa.PublicKey{Curve: ec.Curve, X: ec.X}, false},
		{"EC, negative", &ecdsa.PublicKey{Curve: ec.Curve, X: new(big.Int).Neg(ec.X), Y: ec.Y}, false},
		{"EC, over the field", &ecdsa.PublicKey{Curve: ec.Curve, X: new(big.Int).Add(ec.X, ec.Params().P), Y: ec.Y}, false},
		{"EC, P-224", &ecdsa.PublicKey{Curve: elliptic.P224(), X: elliptic.P224().Params().Gx, Y: elliptic.P224().Params().Gy}, false},
		{"EC, a curve of one's own", &ecdsa.PublicKey{Curve: ec.Params(), X: ec.X, Y: ec.Y}, false},
		{"Ed25519", mustParse(t, edJWK), true},
		{"Ed25519, nil", ed25519.PublicKey(nil), false},
		{"Ed25519, private", ed25519.NewKeyFromSeed(make([]byte, 32)), false},
	} {
		if err := jose.CheckPublicKey(tt.key); (err == nil) != tt.ok {
			t.Errorf("CheckPublicKey(%s) = %v, want accepted = %t", tt.name, err, tt.ok)
		}
	}
}

// Under a key of small order one signature is good for one message in eight,
// whatever made it.
func TestCheckPublicKey_smallOrder(t *testing.T) {
	t.Parallel()
	forged := make([]byte, ed25519.SignatureSize)
	forged[0] = 1 // R is the neutral element, S is 0
	for _, encoding := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		for _, sign := range []byte{0, 0x80} {
			var key [32]byte
			if _, err := hex.Decode(key[:], []byte(encoding)); err != nil {
				t.Fatal(err)
			}
			key[31] |= sign

			accepted := 0
			for i := range 64 {
				if ed25519.Verify(key[:], fmt.Append(nil, i), forged) {
					accepted++
				}
			}
			t.Logf("%x: a forged signature is good for %d of 64 messages", key, accepted)
			if err := jose.CheckPublicKey(ed25519.PublicKey(key[:])); err == nil {
				t.Errorf("CheckPublicKey(%x) = nil, want an error: a forgery is good for %d of 64 messages", key, accepted)
			}
		}
	}
}

func TestThumbprint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		jwk        members
	}{
		{"RFC 7638, Section 3.1", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", rsaJWK.with(members{"alg": "RS256", "kid": "2011-04-29"})},
		{"RFC 8037, Appendix A.3", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", edJWK},
		{"P-256, key of RFC 7517, Appendix A.1", "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", ecJWK},
	} {
		if got, err := jose.Thumbprint(mustParse(t, tt.jwk)); got != tt.want || err != nil {
			t.Errorf("Thumbprint(%s) = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	if got, err := jose.Thumbprint(&rsa.PublicKey{}); err == nil {
		t.Errorf("Thumbprint(an empty key) = %q, want an error", got)
	}
}

func mustParse(t *testing.T, jwk members) crypto.PublicKey {
	t.Helper()
	key, err := jose.ParsePublicKey(jwk.String())
	if err != nil {
		t.Fatalf("ParsePublicKey(%s) error = %v", jwk, err)
	}
	return key.Public
}

// Whatever JSON stands beside it, a good key is found, and the same keys are
// found without it. What is accepted is a good key, which means the same when it
// is written anew.
func FuzzParseKeySet(f *testing.F) {
	for _, seed := range []members{
		rsaJWK.with(members{"kid": "é", "alg": "RS256", "use": "sig", "key_ops": []string{"verify"}}),
		ecJWK.with(members{"x5c": []string{"AA=="}}), edJWK, {"kty": "oct", "k": "AA"}, rsaJWK.with(members{"d": "AQAB"}),
	} {
		f.Add(seed.String())
	}
	f.Add(`{"kid":"a","kid":"b"}`)
	f.Add("{\"kid\":\"\\ud800\",\"x\":[[],{\"\xff\":{}}]}")
	f.Add(`{"kty":"EC","crv":"P-521","x":"` + strings.Repeat("A", 88) + `","y":"` + strings.Repeat("A", 88) + `"}`)
	good := ecJWK.with(members{"kid": "good"}).String()
	f.Fuzz(func(t *testing.T, element string) {
		keys, leftOut, err := jose.ParseKeySet([]byte(`{"keys":[` + element + `,` + good + `]}`))
		isJSON := json.Valid([]byte("[" + element + "," + good + "]"))
		if err != nil {
			if len(keys)+len(leftOut) > 0 {
				t.Fatalf("ParseKeySet(%q) = %v, %v, %v, want nothing beside an error", element, keys, leftOut, err)
			}
			if isJSON {
				t.Errorf("ParseKeySet(%q) error = %v, and it is JSON", element, err)
			}
			return
		}
		if !isJSON {
			if len(element) < 10_000 && !json.Valid([]byte(`{"keys":[`+element+`,`+good+`]}`)) { // it limits the depth
				t.Errorf("ParseKeySet(%q) = %v, and it is not JSON", element, keys)
			}
			return // what ends the array
		}
		for _, set := range []string{`{"keys":[` + good + `,` + element + `]}`, `{"x":[` + element + `],"keys":[` + good + `],"y":[` + element + `]}`} {
			if keys, _, err := jose.ParseKeySet([]byte(set)); err != nil || !slices.ContainsFunc(keys, isGood) {
				t.Errorf("ParseKeySet(%q) = %v, %v, want the good key, which it has with the parts in another order", set, keys, err)
			}
		}
		if len(keys) == 0 || keys[len(keys)-1].ID != "good" {
			t.Fatalf("ParseKeySet(%q) = %v, want the good key at the end", element, keys)
		}
		for _, key := range keys {
			if err := jose.CheckPublicKey(key.Public); err != nil {
				t.Errorf("ParseKeySet(%q) accepted %v", element, err)
			}
			if key.Algorithm != "" && !jose.Fits(key.Algorithm, key.Public) {
				t.Errorf("ParseKeySet(%q) accepted a key that doesn't fit %q", element, key.Algorithm)
			}
			again, err := jose.ParsePublicKey(encode(key).String())
			if err != nil || again.ID != key.ID || again.Algorithm != key.Algorithm || !equal(again.Public, key.Public) {
				t.Errorf("ParsePublicKey(%s) = %v, %v, want %v", encode(key), again, err, key)
			}
			a, errA := jose.Thumbprint(key.Public)
			b, errB := jose.Thumbprint(again.Public)
			if a != b || errA != nil || errB != nil {
				t.Errorf("Thumbprint(%v) = %q, %v, and %q, %v for the same key", key, a, errA, b, errB)
			}
		}
	})
}

func isGood(key jose.Key) bool { return key.ID == "good" }

func equal(a, b crypto.PublicKey) bool {
	x, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && x.Equal(b)
}

// encode writes a JWK by way of math/big and encoding/json, not by what is
// under test.
func encode(key jose.Key) members {
	m := members{"kid": key.ID}
	if key.Algorithm != "" {
		m["alg"] = key.Algorithm
	}
	switch pub := key.Public.(type) {
	case *rsa.PublicKey:
		return m.with(members{"kty": "RSA", "n": integer(pub.N), "e": integer(big.NewInt(int64(pub.E)))})
	case *ecdsa.PublicKey:
		size := (pub.Params().BitSize + 7) / 8
		x, y := pub.X.FillBytes(make([]byte, size)), pub.Y.FillBytes(make([]byte, size))
		return m.with(members{"kty": "EC", "crv": pub.Params().Name,
			"x": base64.RawURLEncoding.EncodeToString(x), "y": base64.RawURLEncoding.EncodeToString(y)})
	case ed25519.PublicKey:
		return m.with(members{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(pub)})
	}
	return m
}
