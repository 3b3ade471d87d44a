package jose

import (
	"crypto"
	"errors"
	"fmt"
	"strings"
)

// A Key is a public key that checks signatures.
type Key struct {
	ID        string           // "kid"; empty if there is none
	Algorithm string           // "alg"; empty means any that fits
	Issuer    string           // "issuer": whose tokens it signs; empty means any
	X5T       string           // "x5t", as it stands; empty if there is none that is a short string
	X5TS256   string           // "x5t#S256", likewise
	Public    crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey, past CheckPublicKey
}

// maxKeys is the number of keys in the largest accepted key set.
const maxKeys = 1 << 14

// ParseKeySet reads a JWK Set (RFC 7517, Section 5). A key that can't be used
// is left out, and leftOut says why, with the key's position and "kid" and
// nothing more of the key. The other keys are not affected. The last error says
// why data is not a JWK Set. A set without a usable key is not an error.
func ParseKeySet(data []byte) (keys []Key, leftOut []error, err error) {
	// One key with a duplicate member must not invalidate the others, so each
	// is read strictly by itself.
	var set Value
	var o Object
	o.Open(string(data), Limits{DocumentLimits.Depth, DocumentLimits.Members, true})
	for o.Next() {
		if o.Member.Name == "keys" {
			set = o.Member.Value
		}
	}
	if err := o.Err(); err != nil {
		return nil, nil, err
	}
	if set.Kind() == KindNone {
		return nil, nil, &SyntaxError{format: `JSON has no "keys"`}
	}
	if set.Kind() != KindArray {
		return nil, nil, &SyntaxError{`"keys" is %v, want an array`, []any{set.Kind()}}
	}
	if set.Len() > maxKeys {
		return nil, nil, &SyntaxError{`"keys" has %d elements, over %d`, []any{set.Len(), maxKeys}}
	}

	i := -1
	for element := range set.All() {
		i++
		key, err := parseKey(element)
		if err != nil {
			leftOut = append(leftOut, fmt.Errorf("key %d%s: %w", i, describeID(element), err))
			continue
		}
		// Cloned, so that a short string doesn't keep the whole document in
		// memory.
		for _, text := range []*string{&key.ID, &key.Algorithm, &key.Issuer, &key.X5T, &key.X5TS256} {
			*text = strings.Clone(*text)
		}
		keys = append(keys, key)
	}
	return keys, leftOut, nil
}

// ParsePublicKey reads one public key in JWK form (RFC 7517, Section 4), by the
// rules of a set.
func ParsePublicKey(text string) (Key, error) {
	m, err := readJWK(text)
	if err != nil {
		return Key{}, err
	}
	return m.parse(parameters.directly)
}

func parseKey(v Value) (Key, error) {
	if v.Kind() != KindObject {
		return Key{}, errors.New("not an object")
	}
	m, err := readJWK(v.Raw())
	if err != nil {
		return Key{}, err
	}
	key, err := m.parse(parameters.byLibrary)
	if err != nil {
		return Key{}, err
	}
	if m.issuer.Kind() != KindNone {
		// Without the member, the key's issuer is unknown. It must not pass for
		// a key of all issuers.
		if key.Issuer, _ = m.issuer.Text(); key.Issuer == "" {
			return Key{}, errors.New(`"issuer" is not a string that names one`)
		}
	}
	key.X5T, key.X5TS256 = shortText(m.x5t), shortText(m.x5tS256)
	return key, nil
}

// shortText returns a string of at most the length of a certificate's hash in
// any spelling in use, and "" for any other value.
func shortText(v Value) string {
	if text, _ := v.Text(); len(text) <= 128 {
		return text
	}
	return ""
}

// describeID names a key in a log line by its kid, if it has a readable one.
func describeID(v Value) string {
	if v.Kind() != KindObject {
		return ""
	}
	var kid Value
	var o Object
	o.Open(v.Raw(), Limits{TokenLimits.Depth, TokenLimits.Members, true})
	for o.Next() {
		if o.Member.Name == "kid" {
			kid = o.Member.Value
		}
	}
	text, ok := kid.Text()
	if o.Err() != nil || !ok {
		return ""
	}
	return fmt.Sprintf(" (kid %.64q)", text)
}
