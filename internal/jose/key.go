package jose

import (
	"crypto"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
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

// ByteOrderMark may stand before a document, and is ignored there (RFC 8259,
// Section 8.1). No other JSON may begin with it.
const ByteOrderMark = "\ufeff"

// maxKeys is the number of keys in the largest accepted key set.
const maxKeys = 1 << 14

// ParseKeySet reads a JWK Set (RFC 7517, Section 5). A key that can't be used
// is left out, and leftOut says why, with the key's position and "kid" and
// nothing more of the key. The other keys are not affected. The last error says
// why data is not a JWK Set. A set without a usable key is not an error.
func ParseKeySet(data []byte) (keys []Key, leftOut []error, err error) {
	// One key with a duplicate member, half a surrogate pair or a depth beyond
	// the limit must not invalidate the others, so each is read strictly by
	// itself. Members beside "keys" are not read at all.
	var set string
	sets := 0
	err = looseMembers(strings.TrimPrefix(string(data), ByteOrderMark), func(name, value string) {
		if looseName(name, "keys") {
			set = value
			sets++
		}
	})
	switch {
	case err != nil:
		return nil, nil, err
	case sets == 0:
		return nil, nil, &SyntaxError{format: `JSON has no "keys"`}
	case sets > 1:
		return nil, nil, errDuplicate("keys")
	case looseKind(set) != KindArray:
		return nil, nil, &SyntaxError{`"keys" is %v, want an array`, []any{looseKind(set)}}
	}

	var elements []string
	n := 0
	looseElements(set, func(element string) {
		if n++; n <= maxKeys {
			elements = append(elements, element)
		}
	})
	if n > maxKeys {
		return nil, nil, &SyntaxError{`"keys" has %d elements, over %d`, []any{n, maxKeys}}
	}
	for i, element := range elements {
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

func parseKey(element string) (Key, error) {
	if looseKind(element) != KindObject {
		return Key{}, errors.New("not an object")
	}
	m, err := readJWK(element)
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
func describeID(element string) string {
	var kid string
	kids := 0
	err := looseMembers(element, func(name, value string) {
		if looseName(name, "kid") {
			kid = value
			kids++
		}
	})
	if err != nil || kids != 1 || !utf8.ValidString(kid) {
		return ""
	}
	p := parser{s: kid}
	v, err := p.string()
	if err != nil {
		return ""
	}
	text, _ := v.Text()
	return fmt.Sprintf(" (kid %.64q)", text)
}
