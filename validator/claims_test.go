package validator_test

import (
	"encoding/json"
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
	for _, into := range []any{
		new(struct{ Secret int }), new(struct{ Secret time.Time }), new(struct{ Secret netip.Addr }),
		new(struct{ Secret json.Number }), new(struct {
			Secret int `json:",string"`
		}), new([]string), new(struct{ Secret *big.Int }),
	} {
		err := claims.Decode(into)
		if validator.CodeOf(err) != validator.CodeClaim || strings.Contains(err.Error(), "S3CR3T") {
			t.Errorf("Decode(%T) error = %v, want %s without the value", into, err, validator.CodeClaim)
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
