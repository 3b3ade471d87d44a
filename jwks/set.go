package jwks

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
)

// A Key is a public key of an issuer. It must not be changed once it is in use.
type Key struct {
	ID        string           // the JWK's "kid"; empty if it has none
	Algorithm string           // the JWK's "alg"; empty means any that fits the key
	Issuer    string           // the JWK's "issuer"; empty means all whose set it is in. See [Key.SignsFor]
	X5T       string           // the JWK's "x5t"; empty if it has none
	X5TS256   string           // the JWK's "x5t#S256"; empty if it has none
	Public    crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// A Set is a fixed set of keys, for an issuer whose keys are configured and not
// fetched. It is safe for concurrent use while it is not changed.
type Set []Key

// Parse reads a JWK Set (RFC 7517, Section 5). It leaves out the keys that must
// not verify a signature:
//
//   - keys of an unknown type, curve or algorithm
//   - keys for a use other than "sig" or "jwt-svid", or for operations other
//     than "verify"
//   - RSA keys of less than 2048 or more than 8192 bits
//   - points that are not on their curve
//   - private and symmetric keys
//   - keys with a duplicate member, text that is not valid UTF-8, half a
//     surrogate pair, more than 1,024 members, or a depth of more than 32
//   - keys whose "issuer" is not the name of an issuer
//
// Certificates in a key are ignored, as are the set's members other than "keys",
// and a byte order mark in front. Parse returns an error if data is not JSON or
// not a JWK Set, if it has two members "keys" or more than 16,384 keys, or if no
// usable key is left.
func Parse(data []byte) (Set, error) {
	keys, _, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	return keys, nil
}

// parse also returns the reasons of the keys that it left out.
func parse(data []byte) (Set, []error, error) {
	parsed, leftOut, err := jose.ParseKeySet(data)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("not a key set: %w", err)
	case len(parsed)+len(leftOut) == 0:
		return nil, nil, errors.New("the key set is empty")
	case len(parsed) == 0:
		return nil, nil, fmt.Errorf("the key set has no usable key: %s", strings.Join(shortened(leftOut), "; "))
	}
	keys := make(Set, len(parsed))
	for i, key := range parsed {
		keys[i] = Key(key)
	}
	return keys, leftOut, nil
}

// Keys returns the keys with the key ID kid. If kid is empty it returns all,
// because a token without a "kid" may be signed by any of them. If no key has
// this ID, the result is empty and the error nil. The caller must not change
// the result.
func (s Set) Keys(_ context.Context, kid string) ([]Key, error) {
	if kid == "" {
		return slices.Clip(s), nil
	}
	for i := range s {
		if s[i].ID != kid {
			continue
		}
		found := []Key(s[i : i+1 : i+1])
		for _, key := range s[i+1:] {
			if key.ID == kid {
				found = append(found, key)
			}
		}
		return found, nil
	}
	return nil, nil
}

// check reports the keys of s that Parse would have left out.
func (s Set) check() error {
	var errs []error
	for i, key := range s {
		err := jose.CheckPublicKey(key.Public)
		if err == nil && key.Algorithm != "" && !jose.Fits(key.Algorithm, key.Public) {
			err = fmt.Errorf("not a key for %q", key.Algorithm)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("key %d (kid %.64q): %w", i, key.ID, err))
		}
	}
	return errors.Join(errs...)
}
