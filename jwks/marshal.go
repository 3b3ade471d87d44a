package jwks

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
)

// MarshalJSON returns s as a JWK Set (RFC 7517, Section 5), which [Parse] reads
// as a Set that is equal to s. It returns an error if there is none, such as for
// a key that Parse would leave out. Each key has the "use" "sig".
func (s Set) MarshalJSON() ([]byte, error) {
	if len(s) == 0 {
		return []byte(`{"keys":[]}`), nil
	}
	keys := make([]string, len(s))
	for i := range s {
		var err error
		if keys[i], err = s[i].jwk(); err != nil {
			return nil, fmt.Errorf("jwks: key %d (kid %.64q): %w", i, s[i].ID, err)
		}
	}
	text := []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`)
	read, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(s, read, Key.equal) {
		return nil, errors.New("jwks: a Set with a key that no JWK Set can have")
	}
	return text, nil
}

// UnmarshalJSON sets s to the keys that [Parse] reads. Unlike Parse, it accepts
// a JWK Set without keys, which is what MarshalJSON returns for an empty Set.
func (s *Set) UnmarshalJSON(data []byte) error {
	keys, leftOut, err := jose.ParseKeySet(data)
	if err == nil && len(keys)+len(leftOut) == 0 {
		*s = nil
		return nil
	}
	set, err := Parse(data)
	if err != nil {
		return err
	}
	*s = set
	return nil
}

func (k *Key) jwk() (string, error) {
	public, err := jose.PublicJWK(k.Public)
	if err != nil {
		return "", err
	}
	described, err := json.Marshal(struct {
		Use       string `json:"use"`
		ID        string `json:"kid,omitempty"`
		Algorithm string `json:"alg,omitempty"`
		Issuer    string `json:"issuer,omitempty"`
		X5T       string `json:"x5t,omitempty"`
		X5TS256   string `json:"x5t#S256,omitempty"`
	}{"sig", k.ID, k.Algorithm, k.Issuer, k.X5T, k.X5TS256})
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(public, "}") + "," + strings.TrimPrefix(string(described), "{"), nil
}
