package dpop_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

var (
	secret1 = []byte("secret 1 of thirty-two bytes and more")
	secret2 = []byte("secret 2 of thirty-two bytes and more")
)

// noncesAt returns a source whose clock stands at start+d, where start is the
// start of a step.
func noncesAt(t testing.TB, d time.Duration, secrets ...[]byte) *dpop.Nonces {
	t.Helper()
	start := t0.Truncate(dpop.DefaultNonceStep)
	n, err := dpop.NewNonces(dpop.NonceConfig{Secrets: secrets, Now: func() time.Time { return start.Add(d) }})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNonces(t *testing.T) {
	t.Parallel()

	const step = dpop.DefaultNonceStep
	nonce := noncesAt(t, 0, secret1).Nonce()
	for _, tt := range []struct {
		name    string
		at      time.Duration
		secrets [][]byte
		nonce   string
		want    bool
	}{
		{"at once", 0, [][]byte{secret1}, nonce, true},
		{"in the same step", step - 1, [][]byte{secret1}, nonce, true},
		{"in the next step", step, [][]byte{secret1}, nonce, true},
		{"at the end of the next step", 2*step - 1, [][]byte{secret1}, nonce, true},
		{"after it", 2 * step, [][]byte{secret1}, nonce, false},
		{"by a server whose clock is a step behind", -1, [][]byte{secret1}, nonce, true},
		{"by a server whose clock is two steps behind", -step - 1, [][]byte{secret1}, nonce, false},
		{"of another secret", 0, [][]byte{secret2}, nonce, false},
		{"of a secret that is not yet the first", 0, [][]byte{secret2, secret1}, nonce, true},
		{"empty", 0, [][]byte{secret1}, "", false},
		{"with padding", 0, [][]byte{secret1}, nonce + "=", false},
		{"cut", 0, [][]byte{secret1}, nonce[:31], false},
		{"with a line break", 0, [][]byte{secret1}, nonce[:31] + "\n", false},
		{"with a bit changed in its step", 0, [][]byte{secret1}, changed(t, nonce, 7), false},
		{"with a bit changed in its code", 0, [][]byte{secret1}, changed(t, nonce, 23), false},
		{"of the last step that there could be", 0, [][]byte{secret1}, b64(bytes.Repeat([]byte{0xff}, 24)), false},
		{"of zeros", 0, [][]byte{secret1}, b64(make([]byte, 24)), false},
	} {
		if got := noncesAt(t, tt.at, tt.secrets...).Valid(tt.nonce); got != tt.want {
			t.Errorf("Valid(%q), %s = %t, want %t", tt.nonce, tt.name, got, tt.want)
		}
	}
	if again := noncesAt(t, step-1, secret1).Nonce(); again != nonce {
		t.Errorf("Nonce() at the end of a step = %q, want %q as at its start", again, nonce)
	}
	if next := noncesAt(t, step, secret1).Nonce(); next == nonce {
		t.Errorf("Nonce() in the next step = %q, want another than %q", next, nonce)
	}
	if strings.Trim(nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("Nonce() = %q, want nothing outside of RFC 9449, Section 8.1", nonce)
	}
}

func changed(t *testing.T, nonce string, i int) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil {
		t.Fatal(err)
	}
	return b64(flip(b, i))
}

// What the caller does to the secret later must not matter.
func TestNonces_copies(t *testing.T) {
	t.Parallel()

	secret := bytes.Clone(secret1)
	n := noncesAt(t, 0, secret)
	clear(secret)
	if want := noncesAt(t, 0, secret1).Nonce(); n.Nonce() != want {
		t.Error("Nonce() is made with a secret that was changed after NewNonces")
	}
}

func TestNewNonces_wrong(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name string
		cfg  dpop.NonceConfig
		want []string
	}{
		{"no secret", dpop.NonceConfig{}, []string{"Secrets is empty"}},
		{"short secrets", dpop.NonceConfig{Secrets: [][]byte{secret1, secret1[:31], nil}}, []string{"Secrets[1] has 31 bytes", "Secrets[2] has 0 bytes"}},
		{"a short step", dpop.NonceConfig{Secrets: [][]byte{secret1}, Step: time.Millisecond}, []string{"Step is 1ms"}},
		{"a negative step", dpop.NonceConfig{Step: -1}, []string{"Secrets is empty", "Step is -1ns"}},
	} {
		_, err := dpop.NewNonces(tt.cfg)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("NewNonces(%s) error = %v, want %q in it", tt.name, err, want)
			}
		}
	}
	if _, err := dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{secret1[:32]}, Step: time.Second}); err != nil {
		t.Errorf("NewNonces(the least) error = %v, want nil", err)
	}
}

func TestVerify_nonce(t *testing.T) {
	t.Parallel()

	const step = dpop.DefaultNonceStep
	at := t0.Sub(t0.Truncate(step))
	nonces := noncesAt(t, at, secret1)
	demanding := func(cfg *dpop.Config) { cfg.Nonces = nonces }
	for _, tt := range []struct {
		name   string
		claims object
		want   validator.Code
	}{
		{"the present one", object{"nonce": nonces.Nonce()}, ""},
		{"the one before", object{"nonce": noncesAt(t, at-step, secret1).Nonce()}, ""},
		{"one that is too old", object{"nonce": noncesAt(t, at-2*step, secret1).Nonce()}, validator.CodeNonce},
		{"of another server", object{"nonce": noncesAt(t, at, secret2).Nonce()}, validator.CodeNonce},
		{"none", nil, validator.CodeNonce},
		{"an empty one", object{"nonce": ""}, validator.CodeNonce},
		{"a number", object{"nonce": 1}, bad},
		{"none, and another URL", object{"htu": "https://api.example.org/"}, bad},
	} {
		_, err := newVerifier(t, demanding).Verify(request(edKey.proof(t, nil, tt.claims)))
		if validator.CodeOf(err) != tt.want {
			t.Errorf("Verify(a proof with a nonce: %s) error = %v, want code %q", tt.name, err, tt.want)
		}
	}
	if got := newVerifier(t, demanding).Nonce(); got != nonces.Nonce() {
		t.Errorf("Nonce() = %q, want the source's, %q", got, nonces.Nonce())
	}
	if got := newVerifier(t, nil).Nonce(); got != "" {
		t.Errorf("Nonce() without a source = %q, want none", got)
	}
}
