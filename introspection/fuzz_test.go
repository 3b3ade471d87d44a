package introspection_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// FuzzAnswer looks for answers that are accepted and should not be. Whatever is
// accepted says the same to encoding/json, is accepted again from what
// encoding/json makes of it, and is accepted as the claims of a JWT, after what
// an answer may leave out has been filled in.
func FuzzAnswer(f *testing.F) {
	f.Add(good)
	ours := strings.NewReplacer("https://tenant.example.com/", issuer)
	seen := map[string]bool{}
	for _, file := range vectors.Read(f, "../vectors/data") {
		for _, v := range file.Vectors {
			for _, s := range v.Served {
				if s.Method == "POST" && len(s.Body) < 2000 && !seen[s.Body] {
					seen[s.Body] = true
					f.Add(ours.Replace(s.Body))
				}
			}
		}
	}
	now := func() time.Time { return time.Unix(1767225600, 0) }
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	jwts, err := validator.New(validator.Config{
		Issuers: []string{issuer}, Audiences: []string{api}, Keys: jwks.Set{{Public: key.Public()}},
		Algorithms: []validator.Algorithm{validator.EdDSA}, MaxTokenSize: 1 << 20, Now: now,
	})
	if err != nil {
		f.Fatal(err)
	}
	decide := func(t *testing.T, answer string) (*validator.Claims, error) {
		cfg := config(&server{answer: says("%s", answer)})
		cfg.Now, cfg.CacheSize = now, -1
		in, err := introspection.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return in.Validate(t.Context(), "token")
	}
	f.Fuzz(func(t *testing.T, answer string) {
		claims, err := decide(t, answer)
		if err != nil {
			if claims != nil {
				t.Fatalf("Validate() of %q = %v and an error: %v", answer, claims, err)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(answer), &members); err != nil {
			t.Fatalf("the accepted answer %q is not JSON: %v", answer, err)
		}
		if string(members["active"]) != "true" {
			t.Errorf("the accepted answer %q has active %s", answer, members["active"])
		}

		encoded, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decide(t, string(encoded))
		if err != nil || again.Issuer != claims.Issuer || again.Subject != claims.Subject || again.ClientID != claims.ClientID ||
			!again.ExpiresAt.Equal(claims.ExpiresAt) || strings.Join(again.Scopes, " ") != strings.Join(claims.Scopes, " ") {
			t.Errorf("Validate() of %q = %+v, and of %s = %+v, %v", answer, claims, encoded, again, err)
		}

		filled := strings.TrimSuffix(strings.TrimRight(answer, " \t\r\n"), "}")
		for name, value := range map[string]string{"iss": `"` + issuer + `"`, "exp": "1767229200"} {
			if _, ok := members[name]; !ok {
				filled += `,"` + name + `":` + value
			}
		}
		if _, err := jwts.Validate(t.Context(), jwt(key, filled+"}")); err != nil {
			t.Errorf("the answer %q is accepted, and its claims as a JWT's are not: %v", answer, err)
		}
	})
}

func jwt(key ed25519.PrivateKey, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"EdDSA"}`)) + "." + encode([]byte(claims))
	return text + "." + encode(ed25519.Sign(key, []byte(text)))
}
