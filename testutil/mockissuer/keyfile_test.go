package mockissuer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

func TestKeysOutliveTheIssuer(t *testing.T) {
	t.Parallel()

	var stored []byte
	cfg := mockissuer.Config{
		Algorithms:  []string{"ES256", "RS256", "EdDSA"},
		KeysChanged: func(keys []byte) error { stored = keys; return nil },
	}
	before := open(t, cfg)
	if _, err := before.RotateKey(mockissuer.Publish, mockissuer.Activate); err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for _, alg := range []string{"ES256", "RS256", "EdDSA", "PS256"} {
		token, err := before.Sign(mockissuer.Token{Algorithm: alg})
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}

	cfg.Keys = stored
	after := open(t, cfg)
	for _, token := range tokens {
		if err := verify(t, after, token); err != nil {
			t.Errorf("a token of before: %v", err)
		}
	}
	got, _ := after.KeyIDs()
	want, _ := before.KeyIDs()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("KeyIDs() = %v, want those of before, %v", got, want)
	}
	again, err := after.Sign(mockissuer.Token{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := part(t, again, 0)["kid"], part(t, tokens[0], 0)["kid"]; got != want {
		t.Errorf("a token is signed with the key %v, want %v as before", got, want)
	}
}

func TestStoredKeysAreChecked(t *testing.T) {
	t.Parallel()

	var stored string
	cfg := mockissuer.Config{
		URL: tenant, Algorithms: []string{"ES256"},
		KeysChanged: func(keys []byte) error { stored = string(keys); return nil },
	}
	iss := open(t, cfg)
	if _, err := iss.KeyIDs(); err != nil {
		t.Fatal(err)
	}
	one := strings.Trim(stored, "[]\n\t ")
	for name, keys := range map[string]string{
		"no JSON":           "keys",
		"another algorithm": strings.Replace(stored, "ES256", "EdDSA", 1),
		"another curve":     strings.Replace(stored, "ES256", "ES384", 1),
		"of no algorithm":   strings.Replace(stored, "ES256", "HS256", 1),
		"no key":            strings.Replace(stored, `"pkcs8": "`, `"pkcs8": "AAAA`, 1),
		"a key twice":       "[" + one + "," + one + "]",
	} {
		cfg.Keys = []byte(keys)
		if _, err := mockissuer.New(cfg); err == nil {
			t.Errorf("New with stored keys that are %s: error = nil, want one", name)
		}
	}

	full := errors.New("the disk is full")
	cfg.Keys, cfg.KeysChanged = nil, func([]byte) error { return full }
	if _, err := open(t, cfg).Sign(mockissuer.Token{}); !errors.Is(err, full) {
		t.Errorf("Sign when keys cannot be stored: error = %v, want %v", err, full)
	}
}
