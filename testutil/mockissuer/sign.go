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

// A Token describes a token for [Issuer.Sign]. The zero Token is valid.
type Token struct {
	// Claims are added to the defaults, or replace them: iss (the issuer's
	// URL), sub ([DefaultSubject]), aud ([DefaultAudience]), iat (now) and exp
	// (an hour from now). A claim that is nil is left out. A [time.Time]
	// becomes a NumericDate. A [json.RawMessage] is written as it is, which
	// makes a null possible.
	Claims map[string]any
	// Header fields are added to alg, kid and typ (JWT), or replace them, by
	// the same rules.
	Header map[string]any
	// Algorithm signs the token. If empty, it is the issuer's first. HS256,
	// HS384 and HS512 require Secret. With "none" the signature is empty. The
	// header can name another alg by Header.
	Algorithm string
	// KeyID is the id of the published key that signs. If empty, the active key
	// of the algorithm signs.
	KeyID string
	// Key signs instead of the issuer's key. It is an *rsa.PrivateKey, an
	// *ecdsa.PrivateKey or an ed25519.PrivateKey.
	Key crypto.Signer `json:"-"`
	// Secret is the key of HS256, HS384 and HS512.
	Secret []byte `json:"-"`
}

// Sign returns a compact JWS of t. It returns an error if the algorithm is
// unknown or does not fit the key, if the key does not exist, or if a claim has
// no JSON form.
func (iss *Issuer) Sign(t Token) (string, error) {
	claims := iss.defaultClaims()
	overlay(claims, t.Claims)
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("mockissuer: claims: %w", err)
	}
	return iss.SignPayload(t, string(payload))
}

func (iss *Issuer) defaultClaims() map[string]any {
	now := iss.Now()
	return map[string]any{
		"iss": iss.URL,
		"sub": DefaultSubject,
		"aud": DefaultAudience,
		"iat": now,
		"exp": now.Add(time.Hour),
	}
}

// SignPayload is [Issuer.Sign] with a payload that is signed byte for byte and
// need not be JSON. The claims of t are ignored.
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

// compact signs this header and payload with t's algorithm and key.
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

// overlay copies more into members. A nil removes a member.
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
