package jwks_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A signer signs tokens by one algorithm, with the standard library alone.
type signer struct {
	kid, alg string
	key      crypto.Signer
}

func newSigner(kid, alg string) *signer {
	s := &signer{kid: kid, alg: alg}
	var err error
	switch alg {
	case "ES256":
		s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		s.key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA":
		_, s.key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		panic(err)
	}
	return s
}

type object map[string]any

func (o object) base64() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// jwk writes the public key, without alg, as many issuers do.
func (s *signer) jwk() string {
	switch key := s.key.Public().(type) {
	case ed25519.PublicKey:
		return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, s.kid, base64.RawURLEncoding.EncodeToString(key))
	case *ecdsa.PublicKey:
		size := (key.Params().BitSize + 7) / 8
		x, y := key.X.FillBytes(make([]byte, size)), key.Y.FillBytes(make([]byte, size))
		return fmt.Sprintf(`{"kty":"EC","crv":%q,"kid":%q,"x":%q,"y":%q}`, key.Params().Name, s.kid,
			base64.RawURLEncoding.EncodeToString(x), base64.RawURLEncoding.EncodeToString(y))
	}
	panic("unreachable")
}

// token signs claims that are good for an hour unless they say otherwise. A nil
// member is left out.
func (s *signer) token(header, claims object) string {
	head := object{"alg": s.alg, "kid": s.kid, "typ": "at+jwt"}
	body := object{"iss": issuerURL, "aud": "https://api.example.com", "sub": "user", "exp": time.Now().Add(time.Hour).Unix()}
	for target, changes := range map[*object]object{&head: header, &body: claims} {
		for name, value := range changes {
			if (*target)[name] = value; value == nil {
				delete(*target, name)
			}
		}
	}
	signed := head.base64() + "." + body.base64()
	return signed + "." + base64.RawURLEncoding.EncodeToString(s.sign([]byte(signed)))
}

func (s *signer) sign(message []byte) []byte {
	var digest []byte
	switch s.alg {
	case "EdDSA":
		return ed25519.Sign(s.key.(ed25519.PrivateKey), message)
	case "ES256":
		sum := sha256.Sum256(message)
		digest = sum[:]
	case "ES384":
		sum := sha512.Sum384(message)
		digest = sum[:]
	}
	key := s.key.(*ecdsa.PrivateKey)
	r, v, err := ecdsa.Sign(rand.Reader, key, digest)
	if err != nil {
		panic(err)
	}
	size := (key.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, size)), v.FillBytes(make([]byte, size))...)
}

func newValidator(t *testing.T, keys validator.KeySource) *validator.Validator {
	t.Helper()
	v, err := validator.New(validator.Config{
		Issuers:    []string{issuerURL},
		Audiences:  []string{"https://api.example.com"},
		Algorithms: []validator.Algorithm{validator.ES256, validator.ES384, validator.EdDSA},
		Keys:       keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A token that can't be meant for this API costs the issuer nothing, whatever
// kid it names.
func TestCache_hopelessTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, evil := newSigner("1", "ES256"), newSigner("unknown", "ES256")
		iss := newIssuer(set(good.jwk()))
		c := iss.cache(t)
		v := newValidator(t, c)
		hopeless := func() {
			for name, token := range map[string]string{
				"wrong issuer":        evil.token(nil, object{"iss": "https://evil.example/"}),
				"issuer without /":    evil.token(nil, object{"iss": strings.TrimSuffix(issuerURL, "/")}),
				"no issuer":           evil.token(nil, object{"iss": nil}),
				"wrong audience":      evil.token(nil, object{"aud": "https://other.example.com"}),
				"no audience":         evil.token(nil, object{"aud": nil}),
				"expired":             evil.token(nil, object{"exp": time.Now().Add(-time.Minute).Unix()}),
				"no exp":              evil.token(nil, object{"exp": nil}),
				"alg none":            evil.token(object{"alg": "none"}, nil),
				"alg HS256":           evil.token(object{"alg": "HS256"}, nil),
				"alg not allowed":     evil.token(object{"alg": "RS256"}, nil),
				"critical extension":  evil.token(object{"crit": []string{"x"}, "x": 1}, nil),
				"type":                evil.token(object{"typ": "dpop+jwt"}, nil),
				"kid is a number":     evil.token(object{"kid": 1}, nil),
				"two segments":        strings.Join(strings.Split(evil.token(nil, nil), ".")[:2], "."),
				"over size":           evil.token(nil, object{"x": strings.Repeat("x", 20_000)}),
				"not base64":          evil.token(nil, nil) + "!",
				"a claim's type":      evil.token(nil, object{"sub": 7}),
				"a header that names": evil.token(object{"alg": "none", "jku": "https://evil.example/keys"}, nil),
			} {
				if _, err := v.Validate(t.Context(), token); err == nil || errors.Is(err, jwks.ErrUnavailable) {
					t.Errorf("Validate(%s) error = %v, want a refusal", name, err)
				}
			}
		}
		for range 20 {
			hopeless()
			pass(time.Second)
		}
		if got := iss.requests(); got != 0 {
			t.Errorf("%d fetches for hopeless tokens before any other, want none", got)
		}
		if _, err := v.Validate(t.Context(), good.token(nil, nil)); err != nil {
			t.Fatalf("Validate(good token) = %v", err)
		}
		for range 20 {
			hopeless()
			pass(time.Second)
		}
		t.Logf("%d fetches for 720 hopeless tokens and a good one", iss.requests())
		if got := iss.requests(); got != 1 {
			t.Errorf("%d fetches, want the good token's", got)
		}
		// The nearest that is worth a fetch.
		if _, err := v.Validate(t.Context(), evil.token(nil, nil)); validator.CodeOf(err) != validator.CodeUnknownKey {
			t.Errorf("Validate(unknown kid) code = %q, want %q", validator.CodeOf(err), validator.CodeUnknownKey)
		}
		if got := iss.requests(); got != 2 {
			t.Errorf("%d fetches, want one more", got)
		}
	})
}

func TestCache_keyIsFoundByWhatItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p256, p384, ed := newSigner("one", "ES256"), newSigner("one", "ES384"), newSigner("one", "EdDSA")
		twin := newSigner("one", "ES256")
		others := []*signer{newSigner("5", "ES256"), newSigner("6", "ES256"), newSigner("7", "ES256")}
		iss := newIssuer(set(p256.jwk(), p384.jwk(), ed.jwk(), twin.jwk(), others[0].jwk(), others[1].jwk(), others[2].jwk()))
		v := newValidator(t, iss.cache(t))
		withoutKid := object{"kid": nil}
		for _, tt := range []struct {
			name  string
			token string
			want  validator.Code
		}{
			{"P-256", p256.token(nil, nil), ""},
			{"P-384 of the same kid", p384.token(nil, nil), ""},
			{"Ed25519 of the same kid", ed.token(nil, nil), ""},
			{"another P-256 of the same kid", twin.token(nil, nil), ""},
			{"no kid, P-384", p384.token(withoutKid, nil), ""},
			{"no kid, Ed25519", ed.token(withoutKid, nil), ""},
			{"no kid, the first of five P-256", p256.token(withoutKid, nil), ""},
			{"no kid, the fourth", others[1].token(withoutKid, nil), ""},
			{"no kid, the fifth", others[2].token(withoutKid, nil), validator.CodeSignature}, // at most four are tried
			{"by its kid, the fifth", others[2].token(nil, nil), ""},
			{"kid of a key of another type", others[0].token(object{"alg": "EdDSA"}, nil), validator.CodeAlgorithm},
			{"signed by somebody else", newSigner("one", "ES256").token(nil, nil), validator.CodeSignature},
		} {
			if _, err := v.Validate(t.Context(), tt.token); validator.CodeOf(err) != tt.want {
				t.Errorf("Validate(%s) = %v, want %q", tt.name, err, tt.want)
			}
		}
		if got := iss.requests(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

// What a Validator tells of an issuer that can't be reached, and of a caller
// that leaves.
func TestCache_validatorErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("1", "ES256")
		iss := newIssuer(set(s.jwk()))
		v := newValidator(t, iss.cache(t))
		iss.set(func() { iss.down = true })
		var retry interface{ RetryAfter() time.Duration }
		_, err := v.Validate(t.Context(), s.token(nil, nil))
		if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, jwks.ErrUnavailable) || !errors.As(err, &retry) {
			t.Errorf("Validate in an outage = %v, want %q with a RetryAfter", err, validator.CodeUnavailable)
		}
		iss.set(func() { iss.down, iss.silent = false, true })
		pass(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if _, err := v.Validate(ctx, s.token(nil, nil)); !errors.Is(err, context.Canceled) {
			t.Errorf("Validate for a caller that leaves = %v, want context.Canceled", err)
		}
		pass(time.Minute)
	})
}

// A validator and its cache may tell the time by different clocks. Each goes by
// its own.
func TestCache_clocks(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for _, tt := range []struct {
		name             string
		validator, cache bool // has a clock of its own, an hour behind for a start, that goes on an hour for each token
		requests         int
	}{
		{"the system's for both", false, false, 1},
		{"a validator's own", true, false, 1},
		{"a cache's own", false, true, 3},
		{"one for both", true, true, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			good := newSigner("1", "ES256")
			iss := newIssuer(set(good.jwk()))
			now := time.Now().Add(-hour)
			clock := func() time.Time { return now }
			c := iss.cache(t, func(cfg *jwks.Config) {
				if tt.cache {
					cfg.Now = clock
				}
			})
			cfg := validator.Config{
				Issuers: []string{issuerURL}, Audiences: []string{"https://api.example.com"},
				Algorithms: []validator.Algorithm{validator.ES256}, Keys: c, CacheSize: 1,
			}
			if tt.validator {
				cfg.Now = clock
			}
			v, err := validator.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			token := good.token(nil, object{"exp": time.Now().Add(10 * hour).Unix()})
			for range 3 { // the second and third time remembered
				if _, err := v.Validate(t.Context(), token); err != nil {
					t.Errorf("%s: Validate() error = %v", tt.name, err)
				}
				now = now.Add(hour)
			}
			if got := iss.requests(); got != tt.requests {
				t.Errorf("%s: %d requests for keys, want %d", tt.name, got, tt.requests)
			}
		})
	}
}
