package mockissuer

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

// A Token is what [Issuer.Sign] makes a token of. The zero Token is a valid
// one.
type Token struct {
	// Claims are added to iss (the issuer's URL), sub ([DefaultSubject]), aud
	// ([DefaultAudience]), iat (now) and exp (an hour from now), or replace
	// them. One that is nil is left out. A [time.Time] becomes a NumericDate; a
	// [json.RawMessage] is written as it is, so a claim can be null.
	Claims map[string]any
	// Header fields are added to alg, kid and typ (JWT), or replace them, with
	// the same rules.
	Header map[string]any
	// Algorithm signs the token. Empty means the issuer's first. HS256, HS384
	// and HS512 need Secret, "none" leaves the signature empty. The header's
	// alg can be made to differ by Header.
	Algorithm string
	// KeyID chooses among the published keys of the algorithm. Empty means the
	// one that is active.
	KeyID string
	// Key signs instead of one of the issuer's: an *rsa.PrivateKey,
	// *ecdsa.PrivateKey or ed25519.PrivateKey.
	Key crypto.Signer `json:"-"`
	// Secret is the key of HS256, HS384 and HS512.
	Secret []byte `json:"-"`
}

// Sign makes a compact JWS of t. Its error says that the algorithm is unknown
// or does not fit the key, that there is no such key, or that a claim has no
// JSON form.
func (iss *Issuer) Sign(t Token) (string, error) {
	now := iss.Now()
	claims := map[string]any{
		"iss": iss.URL,
		"sub": DefaultSubject,
		"aud": DefaultAudience,
		"iat": now,
		"exp": now.Add(time.Hour),
	}
	overlay(claims, t.Claims)
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("mockissuer: claims: %w", err)
	}
	return iss.SignPayload(t, string(payload))
}

// SignPayload is [Issuer.Sign] with a payload that is signed byte for byte, and
// need not be JSON. The claims of t are not looked at.
func (iss *Issuer) SignPayload(t Token, payload string) (string, error) {
	if t.Algorithm == "" {
		t.Algorithm = iss.cfg.Algorithms[0]
	}
	header := map[string]any{"alg": t.Algorithm, "typ": "JWT"}

	if t.Key == nil && Asymmetric(t.Algorithm) {
		k, err := iss.signingKey(t.Algorithm, t.KeyID)
		if err != nil {
			return "", err
		}
		t.Key = k.private
		t.KeyID = k.id
	}
	if t.KeyID != "" {
		header["kid"] = t.KeyID
	}
	overlay(header, t.Header)
	head, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("mockissuer: header: %w", err)
	}
	return compact(t, string(head), payload)
}

// compact signs header and payload as they are with t's algorithm and key.
func compact(t Token, header, payload string) (string, error) {
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	if t.Algorithm == "none" {
		return input + ".", nil
	}
	a, ok := algorithms[t.Algorithm]
	if !ok {
		return "", fmt.Errorf("mockissuer: unknown algorithm %q", t.Algorithm)
	}
	if a.family == jose.HMAC {
		if len(t.Secret) == 0 {
			return "", errors.New("mockissuer: no secret to sign with")
		}
		return input + "." + encode(a.mac(t.Secret, input)), nil
	}

	signature, err := a.sign(t.Key, input)
	if err != nil {
		return "", err
	}
	return input + "." + encode(signature), nil
}

func (iss *Issuer) signingKey(alg, id string) (*key, error) {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	if err := iss.ensureKeys(); err != nil {
		return nil, err
	}
	if id == "" {
		return iss.activeKey(alg)
	}
	for _, k := range iss.keys {
		if k.id == id && k.alg == alg {
			return k, nil
		}
	}
	return nil, fmt.Errorf("mockissuer: no key %q for %s in the key set", id, alg)
}

// overlay puts more over members: a nil removes one.
func overlay(members, more map[string]any) {
	maps.Copy(members, more)
	for name, value := range members {
		switch value := value.(type) {
		case nil:
			delete(members, name)
		case time.Time:
			members[name] = value.Unix()
		}
	}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
