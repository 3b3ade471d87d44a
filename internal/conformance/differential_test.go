package conformance

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
	"github.com/rsguard/rsguard/vectors"
)

// The reasons for which golang-jwt rejects a token that must be ours too.
var reasons = []error{
	jwt.ErrTokenSignatureInvalid, // which is also its error for an algorithm that is not allowed
	jwt.ErrTokenExpired, jwt.ErrTokenRequiredClaimMissing,
	jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer,
}

func TestMain(m *testing.M) {
	jwt.TimePrecision = time.Microsecond // otherwise it cuts fractions of a second off
	m.Run()
}

// A peer asks both.
type peer struct {
	ours   *validator.Validator
	theirs *jwt.Parser
	keys   keyfunc.Keyfunc
}

func newPeer(tb testing.TB, cfg vectors.Config, keySet []byte, now time.Time) (peer, bool) {
	set, err := jwks.Parse(keySet)
	if err != nil {
		return peer{}, false
	}
	keys, err := keyfunc.NewJWKSetJSON(keySet)
	if err != nil {
		return peer{}, false // it rejects more sets than we do
	}
	var algs []validator.Algorithm
	methods := cfg.Algorithms
	for _, alg := range cfg.Algorithms {
		algs = append(algs, validator.Algorithm(alg))
	}
	if len(methods) == 0 {
		methods = []string{"RS256"}
	}
	leeway := time.Duration(cfg.LeewaySeconds) * time.Second
	ours, err := validator.New(validator.Config{
		Issuers: cfg.Issuers, Audiences: cfg.Audiences, Keys: set, Algorithms: algs, Leeway: leeway,
		MaxTokenSize: cfg.MaxTokenSize, InsecureSkipTypeCheck: true, Now: func() time.Time { return now },
	})
	if err != nil {
		tb.Fatal(err)
	}
	switch {
	case leeway == 0:
		leeway = validator.DefaultLeeway
	case leeway < 0:
		leeway = 0
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods), jwt.WithAudience(cfg.Audiences...), jwt.WithLeeway(leeway),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }),
	}
	// It takes one issuer, and that of a JWT-SVID is in sub.
	if len(cfg.Issuers) == 1 && !strings.HasPrefix(cfg.Issuers[0], "spiffe:") {
		options = append(options, jwt.WithIssuer(cfg.Issuers[0]))
	}
	return peer{ours, jwt.NewParser(options...), keys}, true
}

// compare reports whether rsguard accepts, and fails if it accepts what
// golang-jwt has a good reason to refuse.
func (p peer) compare(t *testing.T, token string) bool {
	_, ourErr := p.ours.Validate(t.Context(), token)
	if ourErr != nil {
		return false
	}
	_, theirErr := p.theirs.Parse(token, p.keys.Keyfunc)
	for _, reason := range reasons {
		if errors.Is(theirErr, reason) {
			t.Errorf("Validate accepts %q, which golang-jwt refuses: %v", token, theirErr)
		}
	}
	return true
}

// sharesKeyID reports whether two keys of a set have one kid, as RFC 7517,
// Section 4.5 advises against. We take the one that fits, keyfunc the last.
func sharesKeyID(keySet json.RawMessage) bool {
	var set struct {
		Keys []struct {
			KeyID any `json:"kid"`
		} `json:"keys"`
	}
	if json.Unmarshal(keySet, &set) != nil {
		return false
	}
	seen := map[string]bool{}
	for _, key := range set.Keys {
		if id, ok := key.KeyID.(string); ok {
			if seen[id] {
				return true
			}
			seen[id] = true
		}
	}
	return false
}

// TestDifferential asks both about every token of our own vectors.
func TestDifferential(t *testing.T) {
	files, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	asked, accepted := 0, 0
	for _, file := range files {
		for _, v := range file.Vectors {
			if v.Token == "" || v.Keys == "" || v.Config.Secret != "" || sharesKeyID(file.KeySets[v.Keys]) {
				continue
			}
			p, ok := newPeer(t, v.Config, file.KeySets[v.Keys], v.Time())
			if !ok {
				continue
			}
			asked++
			if p.compare(t, v.Token) {
				accepted++
			}
		}
	}
	t.Logf("%d tokens, of which both accept %d", asked, accepted)
	if accepted < 300 {
		t.Errorf("%d tokens are accepted by rsguard, want more of them to compare", accepted)
	}
}

// FuzzDifferential signs what it is given, or takes a token as it is.
func FuzzDifferential(f *testing.F) {
	ed := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	scalar := bytes.Repeat([]byte{2}, 32)
	ec, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		f.Fatal(err)
	}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	keySet, err := json.Marshal(map[string]any{"keys": []any{
		map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": encode(ed.Public().(ed25519.PublicKey))},
		map[string]string{"kty": "EC", "crv": "P-256", "kid": "p256", "x": encode(point[1:33]), "y": encode(point[33:])},
	}})
	if err != nil {
		f.Fatal(err)
	}
	const now = 1767225600
	p, ok := newPeer(f, vectors.Config{
		Issuers: []string{"https://tenant.example.com/"}, Audiences: []string{"https://api.example.com"}, Algorithms: []string{"EdDSA", "ES256"},
	}, keySet, time.Unix(now, 0))
	if !ok {
		f.Fatal("the key set is refused")
	}

	files, err := vectors.All()
	if err != nil {
		f.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		for _, v := range file.Vectors {
			segments := strings.Split(v.Token, ".")
			if len(segments) != 3 || len(v.Token) > 2000 {
				continue
			}
			header, _ := base64.RawURLEncoding.DecodeString(segments[0])
			payload, _ := base64.RawURLEncoding.DecodeString(segments[1])
			if text := string(header) + string(payload); !seen[text] {
				seen[text] = true
				f.Add(strings.NewReplacer("RS256", "EdDSA", `"kid":"rsa"`, `"kid":"ed"`).Replace(string(header)), string(payload), uint8(len(seen)), "")
			}
		}
	}
	f.Add(`{"alg":"EdDSA","kid":"ed"}`, `{"iss":"https://tenant.example.com/","aud":["https://api.example.com"],"exp":1767225571.5}`, uint8(0), "")
	f.Add(`{"alg":"ES256","kid":"p256"}`, `{"iss":"https://tenant.example.com/","aud":"https://api.example.com","exp":1e10}`, uint8(1), "")

	f.Fuzz(func(t *testing.T, header, payload string, signer uint8, raw string) {
		token := raw
		if raw == "" {
			input := encode([]byte(header)) + "." + encode([]byte(payload))
			var signature []byte
			if signer%2 == 0 && !strings.Contains(header, "ES256") {
				signature = ed25519.Sign(ed, []byte(input))
			} else {
				digest := sha256.Sum256([]byte(input))
				der, err := ec.Sign(nil, digest[:], crypto.SHA256)
				if err != nil {
					t.Fatal(err)
				}
				var rs struct{ R, S *big.Int }
				if _, err := asn1.Unmarshal(der, &rs); err != nil {
					t.Fatal(err)
				}
				signature = append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...)
			}
			token = input + "." + encode(signature)
		}
		p.compare(t, token)
	})
}
