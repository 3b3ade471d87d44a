package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// Of these, nothing in the token tells whose it is.
var plain = map[string]bool{"PingFederate": true, "Authelia": true, "Dex": true}

// variants are forms that a guess doesn't tell apart.
var variants = map[string]string{"EntraTenants": "Entra", "EntraAppKeys": "Entra"}

func unsigned(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	segment := func(members map[string]any) string {
		text, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return segment(header) + "." + segment(claims) + ".AAAA"
}

// The access token of each real issuer is known for what it is, and its usual
// mistakes are named.
func TestGuess(t *testing.T) {
	t.Parallel()

	known := 0
	for _, s := range mockissuer.Shapes() {
		now := time.Now()
		check := func(what string, token mockissuer.Token, err error, mistake string) {
			alg := s.Algorithm
			if alg == "" {
				alg = "RS256"
			}
			lines := guess(unsigned(t, map[string]any{"alg": alg}, token.Claims), err)
			if plain[s.Name] {
				if lines != "" {
					t.Errorf("%s, %s: guess = %q, want none", s.Name, what, lines)
				}
				return
			}
			name := s.Name
			if variant := variants[name]; variant != "" {
				name = variant
			}
			if !strings.Contains(lines, "docs/issuers.md#"+strings.ToLower(name)+"\n") || !strings.Contains(lines, mistake) {
				t.Errorf("%s, %s: guess = %q, want %s, and %q", s.Name, what, lines, name, mistake)
				return
			}
			known++
		}
		check("the access token", s.AccessToken(now), nil, "")
		for _, o := range s.Others {
			if o.Kind != mockissuer.KindMistake || variants[s.Name] != "" || s.Name == "SPIFFE" || s.Name == "CognitoResource" || s.Name == "PingFederate" {
				continue
			}
			check(o.What, s.Other(o, now), &validator.Error{Code: validator.Code(o.Code)}, "a usual mistake there: "+o.What+"\n             what to do: "+o.Remedy+"\n")
		}
	}
	if known < 60 {
		t.Errorf("%d guesses, want 60 at least", known)
	}
}

// Cognito has two names for the issuer of a user pool.
func TestGuess_cognito(t *testing.T) {
	t.Parallel()

	for iss, want := range map[string]string{
		"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf":        "issuers.Cognito,",
		"https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf": "issuers.Cognito,",
		"https://my-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf":     "",
	} {
		lines := guess(unsigned(t, map[string]any{"alg": "RS256"}, map[string]any{"iss": iss, "token_use": "access"}), nil)
		if want == "" && lines != "" || !strings.Contains(lines, want) {
			t.Errorf("guess(a token of %s) = %q, want %q", iss, lines, want)
		}
	}
}

func TestGuess_none(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	for name, token := range map[string]string{
		"the mock issuer's token": iss.Token(nil),
		"an opaque token":         "opaque",
		"no JSON":                 "e30.AAAA.AAAA",
		"nothing":                 "",
		"another issuer's":        unsigned(t, map[string]any{"alg": "RS256"}, map[string]any{"iss": "https://evil.example/?auth0.com", "sub": "x"}),
		"a host that only begins": unsigned(t, map[string]any{"alg": "RS256"}, map[string]any{"iss": "https://auth0.com.evil.example/", "sub": "x"}),
	} {
		if lines := guess(token, nil); lines != "" {
			t.Errorf("%s: guess = %q, want none", name, lines)
		}
	}
}

// In the command, the guess comes after the verdict and does not change it.
func TestExplain_guess(t *testing.T) {
	t.Parallel()

	keycloak, ok := mockissuer.ShapeOf("Keycloak")
	if !ok {
		t.Fatal("there is no shape Keycloak")
	}
	iss := testutil.NewIssuer(t)
	claims := maps.Clone(keycloak.AccessToken(iss.Now()).Claims)
	claims["iss"], claims["aud"] = iss.URL, "account"
	token := iss.Token(claims)
	code, out, _ := command(t, "", "explain", "-issuer", iss.URL, "-audience", keycloak.Audience, token)
	want := "guess        this looks like a token of Keycloak: see issuers.Keycloak, and docs/issuers.md#keycloak\n" +
		"             a usual mistake there: there is no audience mapper\n" +
		"             what to do: add a mapper of the type Audience"
	if code != 1 || !strings.Contains(out, want) || strings.Count(out, "mistake") != 1 {
		t.Errorf("rsguard explain = %d, %s\nwant 1, %s in it", code, out, want)
	}
	claims["aud"] = keycloak.Audience
	code, out, _ = command(t, "", "explain", "-issuer", iss.URL, "-audience", keycloak.Audience, iss.Token(claims))
	if code != 0 || strings.Contains(out, "mistake") || !strings.Contains(out, "looks like a token of Keycloak") {
		t.Errorf("rsguard explain of a good token = %d, %s\nwant 0, a guess and no mistake", code, out)
	}
}

// Without an issuer or an API there is the guess, no verdict, and the exit code
// of flags that are missing.
func TestExplain_guessAlone(t *testing.T) {
	t.Parallel()

	const guessed = "guess        this looks like a token of Keycloak: see issuers.Keycloak, and docs/issuers.md#keycloak\n"
	token := unsigned(t, map[string]any{"alg": "RS256"}, map[string]any{"iss": "https://sso.example.com/realms/shop"})
	for _, tt := range []struct {
		name        string
		flags       []string
		token, want string
		missing     string
	}{
		{"no flags", nil, token, guessed, "-issuer is missing"},
		{"no audience", []string{"-issuer", "https://sso.example.com/realms/shop"}, token, guessed, "-audience is missing"},
		{"no issuer", []string{"-audience", "orders-api"}, token, guessed, "-issuer is missing"},
		{"an opaque token", nil, "2YotnFZFEjr1zCsicMWpAA", "", "-issuer is missing"},
		{"no token", nil, "", "", "-issuer is missing"},
	} {
		code, out, errOut := command(t, tt.token, append([]string{"explain"}, tt.flags...)...)
		if code != 2 || out != tt.want || !strings.Contains(errOut, tt.missing) {
			t.Errorf("rsguard explain, %s = %d, %q, %q\nwant 2, %q, and %q", tt.name, code, out, errOut, tt.want, tt.missing)
		}
	}
}
