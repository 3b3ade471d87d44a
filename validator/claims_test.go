package validator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/validator"
)

func TestClaims_Decode(t *testing.T) {
	t.Parallel()
	type user struct {
		Email string         `json:"https://example.com/email"`
		More  map[string]any `json:"more"`
		Sub   string         `json:"sub"`
		Role  string         `json:"role"`
	}
	for _, tt := range []struct {
		name  string
		extra string
		want  user
		ok    bool
	}{
		{"none", ``, user{Sub: "u"}, true},
		{"private", `,"https://example.com/email":"a@b"`, user{Email: "a@b", Sub: "u"}, true},
		{"nested", `,"more":{"a":[1]}`, user{More: map[string]any{"a": []any{1.0}}, Sub: "u"}, true},
		{"two cases of a private name", `,"a":1,"A":2`, user{}, false},
		{"two cases inside", `,"more":{"a":1,"A":2}`, user{}, false},
		{"two cases inside an array", `,"more":{"x":[{"a":1,"A":2}]}`, user{}, false},
		{"two cases in two objects", `,"more":{"x":{"a":1},"y":{"A":2}}`,
			user{More: map[string]any{"x": map[string]any{"a": 1.0}, "y": map[string]any{"A": 2.0}}, Sub: "u"}, true},
		{"other case of a claim that is there", `,"SUB":"root"`, user{}, false},
		{"other case of a claim that isn't", `,"ORG_ID":"org_a"`, user{}, false},
		{"long s", `,"\u017fub":"root"`, user{}, false},
		{"a private claim", `,"role":"user"`, user{Sub: "u", Role: "user"}, true},
		{"other case of a private claim that is there", `,"role":"user","Role":"admin"`, user{}, false},
		{"other case of a private claim that isn't", `,"Role":"admin"`, user{}, false},
		{"other case of a private claim, inside", `,"more":{"Role":"admin"}`,
			user{Sub: "u", More: map[string]any{"Role": "admin"}}, true},
		{"wrong type", `,"https://example.com/email":5`, user{}, false},
	} {
		text := fmt.Sprintf(`{"iss":%q,"aud":%q,"sub":"u","exp":%d%s}`, issuer, audience, t0.Unix()+60, tt.extra)
		claims, err := newValidator(t, nil).Validate(t.Context(), signed(`{"alg":"EdDSA","kid":"k1"}`, text))
		if err != nil {
			t.Fatalf("Validate(%s) error = %v", tt.name, err)
		}
		var got user
		err = claims.Decode(&got)
		if (err == nil) != tt.ok || err != nil && validator.CodeOf(err) != validator.CodeClaim {
			t.Errorf("Decode(%s) error = %v, want ok = %t", tt.name, err, tt.ok)
		}
		if diff := cmp.Diff(tt.want, got); tt.ok && diff != "" {
			t.Errorf("Decode(%s) (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Whatever can't be decoded, its value is not in the error's text.
func TestClaims_Decode_noValues(t *testing.T) {
	t.Parallel()
	claims, err := newValidator(t, nil).Validate(t.Context(), token(nil, object{"secret": "S3CR3T"}))
	if err != nil {
		t.Fatal(err)
	}
	type secret[T any] struct {
		Secret T `json:"secret"`
	}
	for _, into := range []any{
		new(secret[int]), new(secret[time.Time]), new(secret[netip.Addr]), new(secret[json.Number]), new(secret[*big.Int]),
		new(secret[map[string]int]), new(secret[[]byte]), new([]string), new(struct {
			Secret int `json:"secret,string"`
		}), new(struct {
			Secret string `json:"SECRET"`
		}),
	} {
		err := claims.Decode(into)
		if validator.CodeOf(err) != validator.CodeClaim || strings.Contains(err.Error(), "S3CR3T") {
			t.Errorf("Decode(%T) error = %v, want %s without the value", into, err, validator.CodeClaim)
		}
	}
}

// A name is a claim's or a field's, or an error, however claims are decoded.
func TestCheckAs_names(t *testing.T) {
	t.Parallel()
	type access struct {
		Role  string `json:"role"`
		Teams []struct {
			ID string `json:"id"`
		} `json:"teams"`
	}
	called := false
	v := newValidator(t, func(c *validator.Config) {
		c.Checks = []validator.Check{validator.CheckAs(func(_ context.Context, a access) error {
			called = true
			if a.Role != "admin" {
				return errors.New("no admin")
			}
			return nil
		})}
	})
	for _, tt := range []struct {
		claims object
		want   validator.Code
		text   string
	}{
		{object{"role": "admin"}, "", ""},
		{object{"Role": "admin"}, validator.CodeClaim, `the claim "Role" differs by case alone from "role"`},
		{object{"role": "user", "ROLE": "admin"}, validator.CodeClaim, `the claim "ROLE" differs by case alone from "role"`},
		{object{"role": "admin", "teams": []object{{"id": "1"}, {"ID": "2"}}}, validator.CodeClaim,
			`the claim "teams.ID" differs by case alone from "id"`},
		{object{"role": "admin", "other": []object{{"id": "1"}, {"ID": "2"}}}, "", ""},
	} {
		called = false
		_, err := v.Validate(t.Context(), token(nil, tt.claims))
		if got := validator.CodeOf(err); got != tt.want || called != (tt.want == "") {
			t.Errorf("Validate(%v) = %v, and the check was called: %t, want code %q", tt.claims, err, called, tt.want)
		}
		if tt.text != "" && !strings.Contains(err.Error(), tt.text) {
			t.Errorf("Validate(%v) error = %v, want %q", tt.claims, err, tt.text)
		}
	}
}

func TestClaims_Decode_notFromToken(t *testing.T) {
	t.Parallel()
	var v map[string]any
	if err := (&validator.Claims{Subject: "u"}).Decode(&v); validator.CodeOf(err) != validator.CodeClaim {
		t.Errorf("Decode() error = %v, want code %q", err, validator.CodeClaim)
	}
}

// What one request assigns or appends, no other request sees.
func TestClaims_ownedByRequest(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) { c.CacheSize = 1 })
	text := token(nil, object{"aud": []string{audience, "b"}, "scope": "a b", "permissions": []string{"p"}})
	for i := range 3 { // the first is not remembered yet
		claims, err := v.Validate(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if claims.Subject != "user" || len(claims.Audience) != 2 || len(claims.Scopes) != 2 || len(claims.Permissions) != 1 ||
			claims.Audience[1] != "b" || claims.Scopes[0] != "a" || claims.Permissions[0] != "p" {
			t.Errorf("Validate() = %v, %v, %v, %v as request %d, want what the token says",
				claims.Subject, claims.Audience, claims.Scopes, claims.Permissions, i)
		}
		claims.Subject = "other"
		claims.Audience = append(claims.Audience, "x", "x", "x")
		claims.Scopes = append(claims.Scopes, "x", "x", "x")
		claims.Permissions = append(claims.Permissions, "x")
	}
}
