package validator_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/validator"
)

// Every mark rejects, says what the token is, and is lifted by
// InsecureSkipTypeCheck as the others.
func TestMarks(t *testing.T) {
	t.Parallel()
	checked := newValidator(t, nil)
	unchecked := newValidator(t, func(c *validator.Config) { c.InsecureSkipTypeCheck = true })
	for _, m := range validator.Marks() {
		values := []any{nil}
		if len(m.Values) == 0 {
			values = []any{"x", 1, object{}, []string{}}
		} else {
			values = values[:0]
			for _, value := range m.Values {
				values = append(values, value, strings.ToUpper(value), strings.ReplaceAll(value, "_", "-"), strings.ReplaceAll(value, "_", ""))
			}
		}
		for _, value := range values {
			marked := token(nil, object{m.Claim: value})
			_, err := checked.Validate(t.Context(), marked)
			want := fmt.Sprintf("wrong_type: this is %s by its claim %s, ", m.Kind, m.Claim)
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("Validate(a token with %s %v) error = %v, want %q", m.Claim, value, err, want)
			}
			found := step(t, checked.Explain(t.Context(), marked), "typ").Found
			if want := fmt.Sprintf(`"JWT", and the claim %s of %s`, m.Claim, m.Kind); found != want {
				t.Errorf("Explain(a token with %s %v) found %q, want %q", m.Claim, value, found, want)
			}
			if _, err := unchecked.Validate(t.Context(), marked); err != nil {
				t.Errorf("Validate(a token with %s %v) with InsecureSkipTypeCheck error = %v", m.Claim, value, err)
			}
		}
		if len(m.Values) == 0 {
			continue
		}
		for _, value := range []any{"access", "access_token", "Bearer", m.Values[0] + "x", "x" + m.Values[0], "", 1, []string{m.Values[0]}} {
			if _, err := checked.Validate(t.Context(), token(nil, object{m.Claim: value})); err != nil {
				t.Errorf("Validate(a token with %s %v) error = %v, want none: the value is unknown", m.Claim, value, err)
			}
		}
	}
}

// The table of the docs is that of the code.
func TestMarks_documented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/checked.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| claim | value | then it is | written by |\n|---|---|---|---|\n")
	for _, m := range validator.Marks() {
		value := "any"
		if len(m.Values) > 0 {
			value = "`" + strings.Join(m.Values, "`, `") + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | [%s](%s) |\n", m.Claim, value, m.Kind, m.By, m.Source)
	}
	if !strings.Contains(string(page), "\n"+table.String()+"\n") {
		t.Errorf("docs/checked.md doesn't have this table:\n%s", &table)
	}
}

func step(t *testing.T, report validator.Report, name string) validator.Step {
	t.Helper()
	for _, s := range report.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("Explain() has no step %s: %v", name, report)
	return validator.Step{}
}

// A private claim of another type leaves its field empty. Explain tells it.
func TestValidate_privateClaims(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) { c.CacheSize = 4 })
	for _, tt := range []struct {
		claim string
		value any
		want  string // found by Explain
	}{
		{"permissions", []object{{"name": "a"}}, "permissions is not an array of strings, and is ignored"},
		{"permissions", "a b", "permissions is not an array of strings, and is ignored"},
		{"permissions", []string{"a"}, ""},
		{"scp", 1, "scp is not a string or an array of strings, and is ignored"},
		{"scp", "a", ""},
		{"gty", object{}, "gty is not a string or an array of strings, and is ignored"},
		{"gty", []string{"a"}, ""},
		{"org_id", []string{"a"}, "org_id is not a string, and is ignored"},
		{"org_name", 7, "org_name is not a string, and is ignored"},
		{"cid", 7, "cid is not a string, and is ignored"},
		{"appid", []string{"a"}, "appid is not a string, and is ignored"},
		{"appid", "a", ""},
	} {
		theToken := token(nil, object{tt.claim: tt.value})
		for range 2 {
			claims, err := v.Validate(t.Context(), theToken)
			if err != nil {
				t.Errorf("Validate(a token with %s %v) error = %v", tt.claim, tt.value, err)
				continue
			}
			got := fmt.Sprint(claims.Permissions, claims.Scopes, claims.GrantType, claims.OrgID, claims.OrgName, claims.ClientID)
			if empty := got == "[] []"; empty != (tt.want != "") {
				t.Errorf("Validate(a token with %s %v) claims = %s, want them empty: %t", tt.claim, tt.value, got, tt.want != "")
			}
		}
		if got := step(t, v.Explain(t.Context(), theToken), "claims"); got.Found != tt.want || got.Outcome != validator.Passed {
			t.Errorf("Explain(a token with %s %v) step claims = %+v, want found %q", tt.claim, tt.value, got, tt.want)
		}
	}
}

func TestClaims_client(t *testing.T) {
	t.Parallel()
	v := newValidator(t, nil)
	for _, tt := range []struct {
		claims                  object
		client, authorizedParty string
	}{
		{nil, "", ""},
		{object{"client_id": "a", "azp": "b", "cid": "c", "appid": "d"}, "a", "b"},
		{object{"azp": "b", "cid": "c", "appid": "d"}, "b", "b"},
		{object{"cid": "c", "appid": "d"}, "c", ""},
		{object{"appid": "d"}, "d", ""},
		{object{"client_id": "", "azp": "b"}, "", "b"},
		{object{"client_id": "a", "azp": "a"}, "a", "a"},
		{object{"cid": 1, "appid": "d"}, "", ""},
	} {
		claims, err := v.Validate(t.Context(), token(nil, tt.claims))
		if err != nil || claims.ClientID != tt.client || claims.AuthorizedParty != tt.authorizedParty {
			t.Errorf("Validate(%v) = %+v, %v, want ClientID %q, AuthorizedParty %q", tt.claims, claims, err, tt.client, tt.authorizedParty)
		}
	}
}
