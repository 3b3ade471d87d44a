package dpop_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

func TestNew_wrong(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name string
		cfg  dpop.Config
		want []string // nothing: it is right
	}{
		{"zero", dpop.Config{}, nil},
		{"the most", dpop.Config{MaxAge: 10 * time.Minute, Leeway: 5 * time.Minute}, nil},
		{"every algorithm", dpop.Config{Algorithms: []validator.Algorithm{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "ESP256", "ESP384", "ESP512"}}, nil},
		{"no leeway", dpop.Config{Leeway: -1}, nil},
		{"a secret's algorithm", dpop.Config{Algorithms: []validator.Algorithm{"HS256"}}, []string{`Config.Algorithms has "HS256"`}},
		{"none", dpop.Config{Algorithms: []validator.Algorithm{"none", ""}}, []string{`Config.Algorithms has "none"`, `Config.Algorithms has ""`}},
		{"an algorithm twice", dpop.Config{Algorithms: []validator.Algorithm{"ES256", "RS256", "ES256"}}, []string{`"ES256" twice`}},
		{"a negative age", dpop.Config{MaxAge: -1}, []string{"MaxAge is -1ns"}},
		{"too old", dpop.Config{MaxAge: 10*time.Minute + 1}, []string{"MaxAge is"}},
		{"too lenient", dpop.Config{Leeway: 5*time.Minute + 1}, []string{"Leeway is"}},
		{"a nil store", dpop.Config{Replays: (*dpop.MemoryStore)(nil)}, []string{"Replays is a nil *dpop.MemoryStore"}},
		{"a nil source", dpop.Config{Nonces: (*dpop.Nonces)(nil)}, []string{"Nonces is a nil *dpop.Nonces"}},
		{"all at once", dpop.Config{MaxAge: time.Hour, Leeway: time.Hour, Algorithms: []validator.Algorithm{"x"}}, []string{"MaxAge", "Leeway", "Algorithms"}},
	} {
		v, err := dpop.New(tt.cfg)
		if (err == nil) != (tt.want == nil) || (v != nil) != (tt.want == nil) {
			t.Errorf("New(%s) = %v, %v, want an error: %t", tt.name, v, err, tt.want != nil)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("New(%s) error = %v, want %q in it", tt.name, err, want)
			}
		}
	}
}

func TestVerifier_Algorithms(t *testing.T) {
	t.Parallel()

	want := []validator.Algorithm{"ES256", "EdDSA", "PS256", "RS256"}
	v := newVerifier(t, nil)
	got := v.Algorithms()
	if !slices.Equal(got, want) {
		t.Errorf("Algorithms() = %q, want %q", got, want)
	}
	got[0] = "none"
	if again := v.Algorithms(); !slices.Equal(again, want) {
		t.Errorf("Algorithms() after its result was changed = %q, want %q", again, want)
	}

	own := []validator.Algorithm{"EdDSA"}
	v = newVerifier(t, func(cfg *dpop.Config) { cfg.Algorithms = own })
	own[0] = "ES256"
	if _, err := v.Verify(request(edKey.proof(t, nil, nil))); err != nil {
		t.Errorf("Verify() after the Config's slice was changed = %v, want nil", err)
	}
}
