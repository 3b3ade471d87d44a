package conformance

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"

	"github.com/rsguard/rsguard/internal/jose"
)

// The examples of RFC 7515, Appendix A; RFC 7520, Section 4; RFC 8037, Appendix
// A; and RFC 7638, Section 3.1.
func TestRFCExamples(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct {
		Name, JWS, Secret, Thumbprint, Reason string
		Key                                   json.RawMessage
		Valid                                 bool
	}
	if err := json.Unmarshal(data, &examples); err != nil {
		t.Fatal(err)
	}

	accepted, refused := 0, 0
	for _, e := range examples {
		if e.Thumbprint != "" {
			key, err := jose.ParsePublicKey(string(e.Key))
			if err != nil {
				t.Errorf("%s: ParsePublicKey() error = %v", e.Name, err)
				continue
			}
			if got, err := jose.Thumbprint(key.Public); got != e.Thumbprint {
				t.Errorf("%s: Thumbprint() = %q, %v, want %q", e.Name, got, err, e.Thumbprint)
			}
		}
		if e.JWS == "" {
			continue
		}
		k, err := exampleKeys(e.Key, e.Secret)
		if err != nil {
			t.Errorf("%s: key: %v", e.Name, err)
			continue
		}
		if err := k.verify(e.JWS); (err == nil) != e.Valid {
			t.Errorf("%s: error = %v, want valid: %t %s", e.Name, err, e.Valid, e.Reason)
		}
		if e.Valid {
			accepted++
		} else {
			refused++
		}
	}
	t.Logf("%d examples accepted, %d refused with a reason", accepted, refused)
}

func exampleKeys(jwk json.RawMessage, secret string) (keys, error) {
	if jwk != nil {
		return publicKeys(jwk)
	}
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	return keys{secret: raw, alg: "HS256"}, err
}
