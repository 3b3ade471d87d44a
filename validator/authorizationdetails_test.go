package validator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/validator"
)

// However the entries are cut, the limits of Decode are for all of them.
func TestAuthorizationDetails_costly(t *testing.T) {
	t.Parallel()
	check := validator.AuthorizationDetails("p", func(context.Context, map[string]any) error { return nil })
	entries := func(n, arrays int) (list []any) {
		for range n {
			list = append(list, object{"type": "p", "a": make([]struct{}, 0), "b": slices.Repeat([]any{[]any{}}, arrays)})
		}
		return list
	}
	for _, tt := range []struct {
		name    string
		details []any
		want    validator.Code
	}{
		{"one of many arrays", entries(1, 1500), ""},
		{"many of few arrays", entries(50, 20), ""},
		{"many of many arrays", entries(100, 60), validator.CodeClaim},
	} {
		v := newValidator(t, func(c *validator.Config) { c.MaxTokenSize = 64 << 10 })
		claims, err := v.Validate(t.Context(), token(nil, object{"authorization_details": tt.details}))
		if err != nil {
			t.Fatal(err)
		}
		if err := check(t.Context(), claims); validator.CodeOf(err) != tt.want {
			t.Errorf("AuthorizationDetails(%s) = %v, want code %q", tt.name, err, tt.want)
		}
	}
}

type payment struct {
	Currency string `json:"currency"`
	Limit    int    `json:"limit"`
}

// An entry is an authorization by itself: one that the check accepts is enough,
// and nothing of the others counts.
func TestAuthorizationDetails(t *testing.T) {
	t.Parallel()
	check := validator.AuthorizationDetails("payment", func(_ context.Context, p payment) error {
		switch {
		case p.Currency == "down":
			return &validator.Error{Code: validator.CodeUnavailable, Err: errors.New("no rates")}
		case p.Currency != "EUR" || p.Limit < 10:
			return errors.New("not enough")
		}
		return nil
	})
	good := object{"type": "payment", "currency": "EUR", "limit": 10}
	poor := object{"type": "payment", "currency": "EUR", "limit": 9}
	other := object{"type": "account", "currency": "EUR", "limit": 10}
	down := object{"type": "payment", "currency": "down"}
	many := make([]any, 200)
	for i := range many {
		many[i] = poor
	}
	for _, tt := range []struct {
		name    string
		details any
		want    string // an error; accepted if empty
	}{
		{"one", []any{good}, ""},
		{"the last", []any{other, poor, good}, ""},
		{"one among those of an outage", []any{down, good}, ""},
		{"after many", append(many[:100:100], good), ""},
		{"too little", []any{poor}, "refused: not enough"},
		{"halves of two", []any{poor, object{"type": "payment", "currency": "USD", "limit": 10}}, "refused: not enough; not enough"},
		{"an outage", []any{poor, down}, "unavailable: no rates; not enough"},
		{"a good one beside one that can't be decoded", []any{good, object{"type": "payment", "limit": "secret"}}, "invalid_claim: authorization_details: "},
		{"a good one beside another type that can't be decoded", []any{good, object{"type": "account", "limit": "secret"}}, ""},
		{"many", many, "refused: not enough; not enough; not enough; not enough"},
		{"another type", []any{other}, `refused: authorization_details has no entry of the type "payment"`},
		{"the type in capitals", []any{object{"type": "Payment", "currency": "EUR", "limit": 10}}, `refused: authorization_details has no entry`},
		{"none", []any{}, "refused: authorization_details has no entry"},
		{"no claim", nil, "refused: authorization_details has no entry"},
		{"an object", good, "invalid_claim: the claim authorization_details is an object, want an array"},
		{"a string", "payment", "invalid_claim: the claim authorization_details is a string, want an array"},
		{"a string in it", []any{good, "payment"}, "invalid_claim: the claim authorization_details has a string in it, want objects"},
		{"an entry without a type", []any{good, object{"currency": "EUR"}}, "invalid_claim: the claim authorization_details has an entry whose type"},
		{"a type that is a list", []any{object{"type": []string{"payment"}}}, "invalid_claim: the claim authorization_details has an entry whose type"},
		{"a limit that is a string", []any{object{"type": "payment", "currency": "EUR", "limit": "secret"}},
			`invalid_claim: authorization_details: the claim "limit" can't be decoded into a int`},
		{"a name in capitals", []any{object{"type": "payment", "currency": "EUR", "LIMIT": 10}},
			`invalid_claim: authorization_details: the claim "LIMIT" differs by case alone from "limit": names are exact`},
	} {
		v := newValidator(t, func(c *validator.Config) { c.Checks = []validator.Check{check} })
		_, err := v.Validate(t.Context(), token(nil, object{"authorization_details": tt.details}))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("Validate(%s) error = %v, want none", tt.name, err)
		case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "secret")):
			t.Errorf("Validate(%s) error = %v\nwant %s", tt.name, err, tt.want)
		}
	}
}
