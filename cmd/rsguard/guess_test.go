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
var plain = map[string]bool{"Authelia": true}

// headers are what some issuers write into the header beside alg, kid and typ.
var headers = map[string]map[string]any{"PingFederate": {"pi.atm": "8dzf"}}

// headerOf returns the header of a token of that shape.
func headerOf(s mockissuer.Shape) map[string]any {
	header := map[string]any{"alg": s.Algorithm}
	maps.Copy(header, headers[s.Name])
	return header
}

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
			lines := guess(unsigned(t, headerOf(s), token.Claims), err)
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
			if o.Kind != mockissuer.KindMistake || variants[s.Name] != "" || s.Name == "SPIFFE" || s.Name == "CognitoResource" {
				continue
			}
			check(o.What, s.Other(o, now), &validator.Error{Code: validator.Code(o.Code)}, "a usual mistake there: "+o.What+"\n             what to do: "+o.Remedy+"\n")
		}
	}
	if known < 60 {
		t.Errorf("%d guesses, want 60 at least", known)
	}
}

// No token of an issuer is taken for another's, whatever it is and whichever
// claims it lacks. It may be known for nothing.
func TestGuess_another(t *testing.T) {
	t.Parallel()

	// Forms of one issuer, and what is known by the issuer's name alone.
	same := map[string]string{
		"EntraTenants": "entra", "EntraCloud": "entra", "GitHubActionsAt": "githubactions", "EntraAppKeys": "entra", "EntraV1": "entra", "CognitoResource": "cognito", "StytchB2B": "stytch",
		"SupabaseSecret": "supabase", "GoogleIAP": "google",
	}
	family := func(name string) string {
		if of := same[name]; of != "" {
			return of
		}
		return strings.ToLower(name)
	}
	guesses := 0
	for _, s := range mockissuer.Shapes() {
		now := time.Now()
		check := func(what string, claims map[string]any) {
			name := shapeNameOf(unsigned(t, headerOf(s), claims))
			if name != "" && family(name) != family(s.Name) {
				t.Errorf("%s, %s: shapeNameOf() = %s", s.Name, what, name)
			}
			if name != "" {
				guesses++
			}
		}
		tokens := map[string]map[string]any{"the access token": s.AccessToken(now).Claims}
		for _, o := range s.Others {
			tokens[o.What] = s.Other(o, now).Claims
		}
		for what, claims := range tokens {
			check(what, claims)
			for name := range claims {
				fewer := maps.Clone(claims)
				delete(fewer, name)
				check(what+", without "+name, fewer)
			}
		}
	}
	if guesses < 2000 {
		t.Errorf("%d guesses, want 2000 at least", guesses)
	}
}

// The subject of a token of Dex is a message with the user's ID and the
// connector's, and its issuer often ends in its name.
func TestGuess_dex(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name, iss, sub string
		want           bool
	}{
		{"a subject", "https://sso.example.com", "CgcyMzQyNzQ5EgZnaXRodWI", true},
		{"a subject of the local connector", "https://sso.example.com", "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs", true},
		{"a longer message", "https://sso.example.com", "CgcyMzQyNzQ5EgZnaXRodWIA", false},
		{"a shorter message", "https://sso.example.com", "CgcyMzQyNzQ5EgZnaXRodw", false},
		{"the user's ID alone", "https://sso.example.com", "CgcyMzQyNzQ5", false},
		{"the connector's alone", "https://sso.example.com", "EgZnaXRodWI", false},
		{"no connector", "https://sso.example.com", "CgcyMzQyNzQ5EgA", false},
		{"bytes that are no text", "https://sso.example.com", "CgH_EgZnaXRodWI", false},
		{"padding", "https://sso.example.com", "CgcyMzQyNzQ5EgZnaXRodWI=", false},
		{"nothing", "https://sso.example.com", "", false},
		{"a path", "https://sso.example.com/dex", "ada", true},
		{"a path of Argo CD", "https://argocd.example.com/api/dex/", "ada", true},
		{"a path that only ends so", "https://sso.example.com/index", "ada", false},
		{"another path", "https://sso.example.com/oauth2/dex", "ada", false},
	} {
		got := shapeNameOf(unsigned(t, map[string]any{"alg": "RS256"}, map[string]any{"iss": tt.iss, "sub": tt.sub, "aud": "orders-cli"}))
		if want := map[bool]string{true: "Dex"}[tt.want]; got != want {
			t.Errorf("%s: shapeNameOf(a token of %s for %q) = %q, want %q", tt.name, tt.iss, tt.sub, got, want)
		}
	}
}

// A token of PingFederate names its token manager in the header, or the session
// in a claim.
func TestGuess_pingFederate(t *testing.T) {
	t.Parallel()

	claims := map[string]any{"iss": "https://sso.example.com", "client_id": "web-shop", "aud": "orders-api", "scope": "orders:read"}
	session := maps.Clone(claims)
	session["pi.sri"] = "s8f2"
	for _, tt := range []struct {
		name           string
		header, claims map[string]any
		want           bool
	}{
		{"the manager", map[string]any{"alg": "RS256", "pi.atm": "8dzf"}, claims, true},
		{"the session", map[string]any{"alg": "RS256"}, session, true},
		{"neither", map[string]any{"alg": "RS256"}, claims, false},
		{"a manager that is empty", map[string]any{"alg": "RS256", "pi.atm": ""}, claims, false},
	} {
		got := shapeNameOf(unsigned(t, tt.header, tt.claims))
		if want := map[bool]string{true: "PingFederate"}[tt.want]; got != want {
			t.Errorf("%s: shapeNameOf() = %q, want %q", tt.name, got, want)
		}
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
