package validator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/validator"
)

func TestClaims_MarshalJSON(t *testing.T) {
	t.Parallel()
	const payload = `{"iss":"https://tenant.eu.auth0.com/","aud":["https://api.example.com"],"exp":1700003600,` +
		`"https://example.com/plan":{"name":"gold","limit":12345678901234567890},"note":"a <b> & c"}`
	claims, err := newValidator(t, nil).Validate(t.Context(), signed(`{"alg":"EdDSA","kid":"k1"}`, payload))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		claims any
		want   string
	}{
		{"a token's", claims, payload},
		{"a token's, by value", *claims, payload},
		{"a token's, in a struct", struct{ C *validator.Claims }{claims}, `{"C":` + payload + `}`},
		{"a test's", &validator.Claims{
			Issuer: "https://issuer.example/", Subject: "anna", Scopes: []string{"a", "b"}, Audience: []string{"x"},
			ExpiresAt: time.Unix(1700003600, 0), Confirmation: &validator.Confirmation{JKT: "k"},
		}, `{"iss":"https://issuer.example/","sub":"anna","aud":["x"],"scope":"a b","exp":1700003600,"cnf":{"jkt":"k"}}`},
		{"none's", validator.Claims{}, `{}`},
		{"nil", (*validator.Claims)(nil), `null`},
	} {
		// As encoding/json writes <, > and & unless it is told otherwise.
		want := strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(tt.want)
		if got, err := json.Marshal(tt.claims); string(got) != want || err != nil {
			t.Errorf("Marshal(%s claims) = %s, %v\nwant %s", tt.name, got, err, want)
		}
	}
}

// What logs show of claims is which token they are of.
func TestClaims_LogValue(t *testing.T) {
	t.Parallel()
	claims, err := newValidator(t, nil).Validate(t.Context(), token(nil, object{
		"sub": "anna@example.com", "jti": "a\nb", "azp": strings.Repeat("c", 300), "scope": "orders:read", "plan": "gold",
	}))
	if err != nil {
		t.Fatal(err)
	}
	client := strings.Repeat("c", 256) + "…"
	want := `validator.Claims{iss:"https://tenant.eu.auth0.com/" jti:"a\nb" client_id:"` + client + `" exp:` + claims.ExpiresAt.String() + `}`
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, claims); got != want {
			t.Errorf("Sprintf(%q, claims) = %s\nwant %s", verb, got, want)
		}
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "claims", claims)
	if got := b.String(); !strings.Contains(got, `claims.iss=https://tenant.eu.auth0.com/ claims.jti="a\nb" claims.client_id=`) ||
		strings.Contains(got, "anna") {
		t.Errorf("slog writes %s", got)
	}
	if got := fmt.Sprint((*validator.Claims)(nil), validator.Claims{}); got != "<nil> validator.Claims{}" {
		t.Errorf("Sprint(nil, Claims{}) = %s", got)
	}
}

// An error of New quotes wrong values, but never the Secret.
func TestConfig_secretInErrors(t *testing.T) {
	t.Parallel()
	cfg := validator.Config{Issuers: []string{issuer}, Audiences: []string{audience}, Secret: []byte("too-short-secret")}
	_, err := validator.New(cfg)
	if err == nil {
		t.Fatal("New() error = nil, want one")
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", fmt.Errorf("with %+v: %w", cfg, errors.Join(err)))} {
		if strings.Contains(text, "too-short") || strings.Contains(text, "116 111 111") {
			t.Errorf("the error shows the Secret: %s", text)
		}
	}
	cfg.Secret = []byte(strings.Repeat("long-secret-", 4))
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const want = `validator.Validator{issuers:["https://tenant.eu.auth0.com/"] audiences:["https://api.example.com"] algorithms:["HS256"]}`
	if got := fmt.Sprintf("%+v", v); got != want {
		t.Errorf("Sprintf(%%+v, v) = %s\nwant %s", got, want)
	}
	// A wrong verb, and a field whose methods fmt can't call.
	server := struct{ v *validator.Validator }{v}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		if got := fmt.Sprintf(verb, server); strings.Contains(got, "long-secret") || strings.Contains(got, "108 111 110 103") {
			t.Errorf("Sprintf(%q, server) = %s", verb, got)
		}
	}
}
