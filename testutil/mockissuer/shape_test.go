package mockissuer_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

func ExampleShapeOf() {
	keycloak, _ := mockissuer.ShapeOf("keycloak")
	keycloak.Audience = "stock-api"
	claims := keycloak.AccessToken(time.Now()).Claims
	fmt.Println(claims["aud"], claims["typ"], claims["azp"])
	// Output: [stock-api account] Bearer web-shop
}

func TestShapes(t *testing.T) {
	seen := map[string]bool{}
	now := time.Unix(1767225600, 0)
	for _, s := range mockissuer.Shapes() {
		if name := strings.ToLower(s.Name); seen[name] {
			t.Errorf("there are two shapes %s", name)
		} else {
			seen[name] = true
		}
		if len(s.Sources) == 0 || s.Preset == "" || len(s.Args) == 0 {
			t.Errorf("%s has sources %q, preset %q and args %q, want some of each", s.Name, s.Sources, s.Preset, s.Args)
		}
		tokens := map[string]mockissuer.Token{"the access token": s.AccessToken(now)}
		kinds := map[mockissuer.TokenKind]bool{}
		for _, o := range s.Others {
			kinds[o.Kind] = true
			tokens[o.What] = s.Other(o, now)
		}
		for _, kind := range []mockissuer.TokenKind{mockissuer.KindTenant, mockissuer.KindAPI, mockissuer.KindMistake} {
			if !kinds[kind] {
				t.Errorf("%s has no token of the kind %q", s.Name, kind)
			}
		}
		for what, token := range tokens {
			text, err := json.Marshal(token.Claims)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"{issuer}", "{audience}", "{client}", "{subject}", "{scope}", "{now}"} {
				if strings.Contains(string(text), name) {
					t.Errorf("%s: %s has %s in it: %s", s.Name, what, name, text)
				}
			}
		}
	}
	if _, ok := mockissuer.ShapeOf("no such issuer"); ok {
		t.Error("ShapeOf(no such issuer) = true, want false")
	}
}

// Scopes are one text, or one element of an array each, and no claim if there
// are none.
func TestShapeScopes(t *testing.T) {
	for _, tt := range []struct {
		name, scope string
		claim       string
		want        any
	}{
		{"Auth0", "a b", "scope", "a b"},
		{"Auth0", "", "scope", nil},
		{"Okta", "a b", "scp", []any{"a", "b"}},
		{"Okta", "", "scp", []any{}},
	} {
		s, ok := mockissuer.ShapeOf(tt.name)
		if !ok {
			t.Fatalf("there is no shape %s", tt.name)
		}
		s.Scope = tt.scope
		got := s.AccessToken(time.Now()).Claims[tt.claim]
		list, isList := tt.want.([]any)
		if isList && !slices.Equal(got.([]any), list) || !isList && got != tt.want {
			t.Errorf("%s with the scope %q: %s = %#v, want %#v", tt.name, tt.scope, tt.claim, got, tt.want)
		}
	}
}

// What a caller does to a shape stays with the caller.
func TestShapesAreTheCallersOwn(t *testing.T) {
	first, _ := mockissuer.ShapeOf("Keycloak")
	first.Claims["typ"] = "Changed"
	first.Others[0].Code = "changed"
	second, _ := mockissuer.ShapeOf("Keycloak")
	if second.Claims["typ"] != "Bearer" || second.Others[0].Code == "changed" {
		t.Error("ShapeOf(Keycloak) has what was done to an earlier one")
	}
}
