package validator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/validator"
)

func ExampleNewClaims() {
	// What an introspection endpoint or another library says of a token.
	payload := []byte(`{"iss":"https://as.example.com","aud":"https://api.example.com","exp":1700003600,"scope":"orders:read"}`)
	claims, err := validator.NewClaims(payload)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1700000000, 0)
	fmt.Println(claims.Issuer == "https://as.example.com",
		slices.Contains(claims.Audience, "https://api.example.com"), now.Before(claims.ExpiresAt))
	fmt.Println(validator.Scopes("orders:write")(context.Background(), claims))
	// Output:
	// true true true
	// insufficient_scope: the token's scope lacks "orders:write"
}

func TestNewClaims(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("A", 43)
	for _, tt := range []struct {
		name, payload string
		want          validator.Code // empty if accepted
	}{
		{"empty object", `{}`, ""},
		{"space around it", " {}\n", ""},
		{"empty", ``, validator.CodeMalformed},
		{"null", `null`, validator.CodeMalformed},
		{"array", `[]`, validator.CodeMalformed},
		{"more after it", `{}{}`, validator.CodeMalformed},
		{"a member twice", `{"sub":"a","sub":"a"}`, validator.CodeMalformed},
		{"a member twice, deep", `{"x":{"a":1,"\u0061":2}}`, validator.CodeMalformed},
		{"not UTF-8", "{\"sub\":\"\xff\"}", validator.CodeMalformed},
		{"exp a string", `{"exp":"1700000000"}`, validator.CodeClaim},
		{"exp null", `{"exp":null}`, validator.CodeClaim},
		{"exp in the past", `{"exp":1}`, ""},
		{"iss a number", `{"iss":1}`, validator.CodeClaim},
		{"aud empty", `{"aud":[]}`, validator.CodeClaim},
		{"private claim of another type", `{"org_id":1}`, ""},
		{"cnf of a known key", `{"cnf":{"jkt":"` + hash + `"}}`, ""},
		{"cnf of an unknown kind", `{"cnf":{"other":1}}`, validator.CodeBinding},
		{"cnf with a second key", `{"cnf":{"jkt":"` + hash + `","kid":"a"}}`, validator.CodeBinding},
		{"1,024 members", `{` + members(1024) + `}`, ""},
		{"1,025 members", `{` + members(1025) + `}`, validator.CodeMalformed},
		{"1 MiB", `{"x":"` + strings.Repeat("x", 1<<20-8) + `"}`, ""},
		{"1 MiB and 1", `{"x":"` + strings.Repeat("x", 1<<20-7) + `"}`, validator.CodeMalformed},
	} {
		claims, err := validator.NewClaims([]byte(tt.payload))
		if got := validator.CodeOf(err); got != tt.want || (claims == nil) != (err != nil) {
			t.Errorf("NewClaims(%s) = %v, %v, want code %q", tt.name, claims, err, tt.want)
		}
		var e *validator.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("NewClaims(%s) error is a %T, want *Error", tt.name, err)
		}
	}
}

func members(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"%03x":1`, i)
	}
	return strings.Join(all, ",")
}

// Checks work with the claims of NewClaims as with a Validator's.
func TestNewClaims_secondToNone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	payload := []byte(object{
		"iss": issuer, "sub": "secret-subject", "jti": "j", "client_id": "c", "scope": "a b", "permissions": []string{"p"},
		"org_id": "org_1", "gty": "password", "acr": "strong", "auth_time": now.Unix() - 10, "iat": now.Unix() - 10,
		"plan": "gold",
	}.json())
	want := string(payload)
	claims, err := validator.NewClaims(payload)
	if err != nil {
		t.Fatal(err)
	}
	clear(payload) // theirs to reuse

	type plan struct {
		Plan string `json:"plan"`
	}
	isGold := validator.CheckAs(func(_ context.Context, p plan) error {
		if p.Plan != "gold" {
			return errors.New("not gold")
		}
		return nil
	})
	for name, check := range map[string][2]validator.Check{ // one that is met, and the nearest that isn't
		"Scopes":       {validator.Scopes("a", "b"), validator.Scopes("a", "c")},
		"Permissions":  {validator.Permissions("p"), validator.Permissions("q")},
		"Clients":      {validator.Clients("c"), validator.Clients("d")},
		"Organization": {validator.Organization("org_1"), validator.Organization("org_2")},
		"GrantType":    {validator.GrantType("password"), validator.GrantType("x")},
		"ACR":          {validator.ACR("strong"), validator.ACR("weak")},
		"AuthenticatedWithin": {
			validator.AuthenticatedWithin(time.Hour), validator.AuthenticatedWithin(time.Second),
		},
		"MaxAge": {validator.MaxAge(time.Hour), validator.MaxAge(time.Second)},
		"CheckAs": {isGold, validator.CheckAs(func(context.Context, struct {
			Plan int `json:"plan"`
		}) error {
			return nil
		})},
	} {
		if err := check[0](t.Context(), claims); err != nil {
			t.Errorf("%s that is met = %v", name, err)
		}
		if err := check[1](t.Context(), claims); err == nil {
			t.Errorf("%s that is not met = nil", name)
		}
	}

	if out, err := json.Marshal(claims); err != nil || string(out) != want {
		t.Errorf("Marshal() = %s, %v, want %s", out, err, want)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "claims", claims)
	if text := fmt.Sprintf("%v %+v %#v %s", claims, claims, *claims, log.String()); strings.Contains(text, "secret-subject") {
		t.Errorf("the subject is shown: %s", text)
	}
}

// FuzzNewClaims compares NewClaims with what reads a token.
func FuzzNewClaims(f *testing.F) {
	good := object{"iss": issuer, "aud": audience, "exp": t0.Unix() + 60}
	for _, change := range []object{
		nil, {"cnf": object{"jkt": strings.Repeat("A", 43)}}, {"cnf": object{"jkt": "x"}}, {"cnf": nil}, {"scope": "a b"},
		{"aud": []string{"x", audience}}, {"exp": "1"}, {"nbf": -1.5}, {"scp": 1, "gty": []string{"a", "b"}}, {"azp": "c", "appid": "d"},
	} {
		claims := object{}
		for _, o := range []object{good, change} {
			for name, value := range o {
				claims[name] = value
			}
		}
		f.Add(claims.json())
	}
	for _, text := range []string{``, `{`, `[]`, ` {} `, `{"a":1,"a":2}`, `{"cnf":{"jwk":{}}}`, "{\"a\":\"\xff\"}", `{"sub":"\ud800"}`, `{"iss":null}`} {
		f.Add(text)
	}
	v, err := validator.New(config())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		token := signed(`{"alg":"EdDSA","kid":"k1"}`, payload)
		if len(token) > validator.DefaultMaxTokenSize {
			return // the reader of tokens has a smaller limit
		}
		got, err := validator.NewClaims([]byte(payload))
		var read validator.Outcome
		for _, step := range v.Explain(t.Context(), token).Steps {
			if step.Name == "claims" {
				read = step.Outcome
			}
		}
		// An unprovable cnf is found after the claims have been read.
		if accepts := err == nil || validator.CodeOf(err) == validator.CodeBinding; accepts != (read == validator.Passed) {
			t.Fatalf("NewClaims(%q) error = %v, but with a token the step is %q", payload, err, read)
		}

		ctx := t.Context()
		if got != nil && got.Confirmation != nil {
			ctx = validator.ContextWithConfirmation(ctx, *got.Confirmation)
		}
		want, refusal := v.Validate(ctx, token)
		switch {
		case refusal == nil && err != nil:
			t.Fatalf("NewClaims(%q) error = %v, but the token is accepted", payload, err)
		case err == nil && validator.CodeOf(refusal) == validator.CodeBinding:
			t.Fatalf("NewClaims(%q) = nil error, but Validate error = %v", payload, refusal)
		case refusal != nil:
			return
		}
		a, b := reflect.ValueOf(*got), reflect.ValueOf(*want)
		for i := range a.NumField() {
			if name := a.Type().Field(i); name.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				t.Errorf("NewClaims(%q).%s = %v, want Validate's %v", payload, name.Name, a.Field(i), b.Field(i))
			}
		}
	})
}
