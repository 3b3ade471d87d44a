package jose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/internal/vectors"
)

// What ParseObject accepts, encoding/json accepts and understands the same.
// What it refuses for other reasons than its limits and its three rules (UTF-8,
// unique names, whole surrogate pairs), encoding/json refuses.
func FuzzParseObject(f *testing.F) {
	seen := map[string]bool{}
	for _, token := range seedTokens(f) {
		for _, segment := range strings.Split(token, ".") {
			if text, err := base64.RawURLEncoding.DecodeString(segment); err == nil && len(text) < 2000 && !seen[string(text)] {
				seen[string(text)] = true
				f.Add(string(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		var members []jose.Member
		var err error
		bounded(t, len(text), func() { members, err = jose.ParseObject(nil, text, jose.TokenLimits) })
		if err != nil {
			if readable(text) {
				t.Fatalf("ParseObject(%q) error = %v, want none", text, err)
			}
			return
		}

		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var want map[string]any
		if err := dec.Decode(&want); err != nil || dec.More() {
			t.Fatalf("ParseObject(%q) accepts what encoding/json does not: %v", text, err)
		}
		got := tree(t, members)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("ParseObject(%q) = %v, want %v", text, got, want)
		}

		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		members, err = jose.ParseObject(nil, string(again), jose.TokenLimits)
		if err != nil || !reflect.DeepEqual(tree(t, members), want) {
			t.Fatalf("ParseObject(%q), written anew, = %v, %v, want %v", again, members, err, want)
		}
	})
}

// What Decode stores, encoding/json stores too, and nothing of it under a name
// that is another's but for its case. Where it fails, encoding/json does, or
// there is such a name, or a number that takes long to read.
func FuzzDecode(f *testing.F) {
	for _, text := range decodeInputs {
		f.Add(text)
	}
	f.Add(`{"Name":"a"}`)
	f.Add(`{"a":1,"A":2.4703282292062327208e-324}`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := jose.ParseObject(nil, text, jose.TokenLimits); err != nil {
			for _, into := range decodeTypes {
				_ = jose.Decode(text, into(), nil) // which must not panic, whatever it makes of that
			}
			return
		}
		for _, into := range decodeTypes {
			got, want := into(), into()
			err, wantErr := jose.Decode(text, got, nil), json.Unmarshal([]byte(text), want)
			var name *jose.NameError
			var far *jose.SyntaxError
			switch {
			case errors.As(err, &name):
				if name.Name == name.Want || !strings.EqualFold(name.Name, name.Want) {
					t.Fatalf("Decode(%s) into %T error = %v, of two names that are no such pair", text, got, err)
				}
			case errors.As(err, &far):
				if !strings.ContainsAny(text, "eE") && len(text) < 60 && strings.Count(text, "{")+strings.Count(text, "[") < 1024 {
					t.Fatalf("Decode(%s) into %T error = %v, without such numbers", text, got, err)
				}
			case (err == nil) != (wantErr == nil) && !strings.Contains(fmt.Sprint(err), "does not hold"):
				t.Fatalf("Decode(%s) into %T error = %v, and encoding/json's is %v", text, got, err, wantErr)
			case err == nil && !cmp.Equal(want, got, cmp.Exporter(func(reflect.Type) bool { return true })):
				t.Fatalf("Decode(%s) = %+v, and encoding/json's is %+v", text, got, want)
			}
		}
	})
}

// tree makes of members what encoding/json makes of an object.
func tree(t *testing.T, members []jose.Member) map[string]any {
	object := map[string]any{}
	for _, m := range members {
		if _, ok := object[m.Name]; ok {
			t.Fatalf("two members %q were accepted", m.Name)
		}
		object[m.Name] = treeOf(t, m.Value)
	}
	return object
}

func treeOf(t *testing.T, v jose.Value) any {
	switch v.Kind() {
	case jose.KindNull:
		return nil
	case jose.KindBool:
		b, ok := v.Bool()
		if !ok {
			t.Fatalf("Bool() of %s", v.Raw())
		}
		return b
	case jose.KindNumber:
		return json.Number(v.Raw())
	case jose.KindString:
		s, ok := v.Text()
		if !ok {
			t.Fatalf("Text() of %s", v.Raw())
		}
		return s
	case jose.KindArray:
		elements, ok := v.Elements()
		if !ok {
			t.Fatalf("Elements() of %s", v.Raw())
		}
		array := []any{}
		for _, e := range elements {
			array = append(array, treeOf(t, e))
		}
		return array
	case jose.KindObject:
		members, err := jose.ParseObject(nil, v.Raw(), jose.TokenLimits)
		if err != nil {
			t.Fatalf("ParseObject(%s), which was accepted within another, error = %v", v.Raw(), err)
		}
		return tree(t, members)
	default:
		t.Fatalf("Kind() = %v of %s", v.Kind(), v.Raw())
		return nil
	}
}

// readable tells, by encoding/json, whether text is an object that ParseObject
// has no reason to refuse. It does not know of those with \u escapes, which may
// be halves of a surrogate pair.
func readable(text string) bool {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) || strings.Contains(text, `\u`) || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return false
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber() // otherwise a number out of range ends it
	depth, deepest, members := 0, 0, 0
	names := []map[string]bool{} // nil for an array
	isName := false
	for {
		token, err := dec.Token()
		if err != nil {
			if strings.Contains(text, `\`) {
				members *= 4 // as those with an escape in their names count
			}
			return deepest <= jose.TokenLimits.Depth && members <= jose.TokenLimits.Members
		}
		switch token {
		case json.Delim('{'):
			depth++
			names = append(names, map[string]bool{})
			isName = true
		case json.Delim('['):
			depth++
			names = append(names, nil)
			isName = false
		case json.Delim('}'), json.Delim(']'):
			depth--
			names = names[:depth]
			isName = depth > 0 && names[depth-1] != nil
		default:
			if depth > 0 && names[depth-1] != nil && isName {
				if name := token.(string); names[depth-1][name] {
					return false
				} else {
					names[depth-1][name] = true
				}
				members++
				isName = false
			} else {
				isName = depth > 0 && names[depth-1] != nil
			}
		}
		deepest = max(deepest, depth)
	}
}

// A NumericDate is the number that math/big reads, cut to nanoseconds, or none
// at all.
func FuzzTime(f *testing.F) {
	for _, n := range []string{"0", "-0", "1767225600", "1767225600.5", "-1.5", "1e9", "1E+9", "253402300799", "253402300800", "-253402300800", "1e400", "1e-400", "0.0000000001", "9223372036854775808", "1767225600000"} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, number string) {
		if len(number) > 100 {
			return // math/big takes its time with exponents
		}
		members, err := jose.ParseObject(nil, `{"n":`+number+`}`, jose.TokenLimits)
		if err != nil || len(members) != 1 {
			return
		}
		v := members[0].Value
		got, ok := v.Time()
		if ok && v.Kind() != jose.KindNumber {
			t.Fatalf("Time() of %s = %v, want none", v.Raw(), got)
		}
		want, _, err := big.ParseFloat(v.Raw(), 10, 400, big.ToNearestEven)
		if v.Kind() != jose.KindNumber || err != nil {
			return
		}
		limit := big.NewFloat(253402300799)
		if inside := new(big.Float).Abs(want).Cmp(limit) <= 0; ok != inside && new(big.Float).Abs(want).Cmp(big.NewFloat(253402300800)) != -1 {
			t.Fatalf("Time() of %s = %v, %t, want %t", v.Raw(), got, ok, inside)
		}
		if !ok {
			return
		}
		seconds, _ := want.Float64()
		if difference := float64(got.Unix()) + float64(got.Nanosecond())/1e9 - seconds; difference < -1e-4 || difference > 1e-4 {
			t.Fatalf("Time() of %s = %v, %v seconds off", v.Raw(), got, difference)
		}
	})
}

// What Parse and Payload accept is, decoded and encoded again, the same byte
// for byte: a token has one spelling.
func FuzzToken(f *testing.F) {
	for _, token := range seedTokens(f) {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		const maxSize = 16 << 10
		var parsed jose.Token
		var payload string
		var err error
		bounded(t, len(token), func() {
			if err = parsed.Parse(token, maxSize); err == nil {
				payload, err = parsed.Payload()
			}
		})
		if err != nil {
			return
		}
		if len(token) > maxSize {
			t.Fatalf("Parse accepts %d bytes", len(token))
		}
		segments := strings.Split(token, ".")
		if len(segments) != 3 {
			t.Fatalf("Parse(%q) accepts %d segments", token, len(segments))
		}
		var decoded [3][]byte
		for i, segment := range segments {
			decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(segment)
			if err != nil || base64.RawURLEncoding.EncodeToString(decoded[i]) != segment || segment == "" {
				t.Fatalf("Parse(%q) accepts segment %d, which is not what its bytes are encoded as: %v", token, i, err)
			}
		}
		if payload != string(decoded[1]) {
			t.Fatalf("Payload() = %q, want %q", payload, decoded[1])
		}

		var header map[string]any
		dec := json.NewDecoder(bytes.NewReader(decoded[0]))
		dec.UseNumber() // a number need not fit a float64
		if err := dec.Decode(&header); err != nil || dec.More() {
			t.Fatalf("Parse accepts a header that encoding/json does not: %v", err)
		}
		if _, ok := header["crit"]; ok {
			t.Fatalf("Parse accepts crit: %s", decoded[0])
		}
		alg, _ := header["alg"].(string)
		kid, _ := header["kid"].(string)
		typ, _ := header["typ"].(string)
		if h := parsed.Header; h.Algorithm != alg || h.KeyID != kid || h.Type != typ {
			t.Fatalf("Header = %q, %q, %q, want %q, %q, %q", h.Algorithm, h.KeyID, h.Type, alg, kid, typ)
		}
	})
}

// Verify says what the standard library says of the same signature, and never
// yes to another length.
func FuzzVerify(f *testing.F) {
	algs := []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"}
	keys := fuzzKeys(f)
	for i := range algs {
		f.Add(uint8(i), uint8(i), []byte("signature"), []byte{})
		f.Add(uint8(i), uint8(i), bytes.Repeat([]byte{1}, 64), []byte{0, 0, 1})
		f.Add(uint8(i), uint8(i), bytes.Repeat([]byte{0xff}, 132), []byte{5})
	}
	for i, token := range seedTokens(f) {
		if racing.Enabled && i%20 > 0 {
			continue
		}
		if signature, err := base64.RawURLEncoding.DecodeString(token[strings.LastIndexByte(token, '.')+1:]); err == nil {
			f.Add(uint8(2), uint8(2), signature, []byte{})
		}
	}
	const payload = `{"iss":"fuzz"}`
	f.Fuzz(func(t *testing.T, a, k uint8, signature, flips []byte) {
		alg, key := algs[int(a)%len(algs)], keys[int(k)%len(keys)]
		input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		if len(flips) > 0 { // begin with the good one
			if good := key.sign(t, []byte(input)); len(good) > 0 {
				signature = good
				for i, flip := range flips {
					signature[(i*31+int(flip))%len(signature)] ^= flip
				}
			}
		}
		if len(signature) == 0 {
			return
		}
		token := input + "." + base64.RawURLEncoding.EncodeToString(signature)
		var parsed jose.Token
		if err := parsed.Parse(token, 1<<20); err != nil {
			t.Fatalf("Parse(%q) error = %v", token, err)
		}
		err := parsed.Verify(key.public)
		if want := key.alg == alg && key.valid([]byte(input), signature); (err == nil) != want {
			t.Fatalf("Verify(%s by a key for %s, %x) error = %v, want valid: %t", alg, key.alg, signature, err, want)
		}
	})
}

type fuzzKey struct {
	alg    string
	public crypto.PublicKey
	sign   func(t *testing.T, input []byte) []byte
	valid  func(input, signature []byte) bool
}

func fuzzKeys(f *testing.F) []fuzzKey {
	var keys []fuzzKey
	for _, c := range []struct {
		alg   string
		curve elliptic.Curve
		hash  crypto.Hash
	}{{"ES256", elliptic.P256(), crypto.SHA256}, {"ES384", elliptic.P384(), crypto.SHA384}, {"ES512", elliptic.P521(), crypto.SHA512}} {
		size := (c.curve.Params().BitSize + 7) / 8
		scalar := bytes.Repeat([]byte{0x42}, size)
		scalar[0] = 0
		private, err := ecdsa.ParseRawPrivateKey(c.curve, scalar)
		if err != nil {
			f.Fatal(err)
		}
		digest := func(input []byte) []byte {
			h := c.hash.New()
			h.Write(input)
			return h.Sum(nil)
		}
		keys = append(keys, fuzzKey{c.alg, private.Public(),
			func(t *testing.T, input []byte) []byte {
				der, err := private.Sign(nil, digest(input), c.hash) // without randomness: a finding can be repeated
				if err != nil {
					t.Fatal(err)
				}
				var rs struct{ R, S *big.Int }
				if _, err := asn1.Unmarshal(der, &rs); err != nil {
					t.Fatal(err)
				}
				return append(rs.R.FillBytes(make([]byte, size)), rs.S.FillBytes(make([]byte, size))...)
			},
			func(input, signature []byte) bool {
				if len(signature) != 2*size {
					return false
				}
				r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
				return ecdsa.Verify(&private.PublicKey, digest(input), r, s)
			},
		})
	}
	ed := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	keys = append(keys, fuzzKey{"EdDSA", ed.Public(),
		func(_ *testing.T, input []byte) []byte { return ed25519.Sign(ed, input) },
		func(input, signature []byte) bool {
			return ed25519.Verify(ed.Public().(ed25519.PublicKey), input, signature)
		},
	})

	// Of RSA we have a public key alone: whatever is valid under it was found
	// by luck.
	n := new(big.Int).SetBytes(bytes.Repeat([]byte{0xc3}, 256))
	public := &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
	none := func(*testing.T, []byte) []byte { return nil }
	keys = append(keys,
		fuzzKey{"RS256", public, none, func(input, signature []byte) bool {
			sum := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
		}},
		fuzzKey{"PS256", public, none, func(input, signature []byte) bool {
			sum := sha256.Sum256(input)
			return rsa.VerifyPSS(public, crypto.SHA256, sum[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}},
	)
	return keys
}

// bounded fails if f allocates more than the size of its input allows.
func bounded(t *testing.T, size int, f func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(256<<10+64*size); got > limit {
		t.Fatalf("%d bytes of input cost %d bytes of memory, want %d at most", size, got, limit)
	}
}

// seedTokens are those of the vectors, except the long ones.
func seedTokens(f *testing.F) []string {
	var tokens []string
	for _, file := range vectors.Read(f, "../../vectors/data") {
		for _, v := range file.Vectors {
			if v.Token != "" && len(v.Token) < 3000 {
				tokens = append(tokens, v.Token)
			}
		}
	}
	return tokens
}
