package validator_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rsguard/rsguard/validator"
)

// The text of a rejection has its code once, is one line, and names what is
// missing.
func TestChecks_text(t *testing.T) {
	t.Parallel()
	claims, err := newValidator(t, nil).Validate(t.Context(), token(nil, object{"scope": "a c", "permissions": []string{"a"}}))
	if err != nil {
		t.Fatal(err)
	}
	scopes, all, anyOf := validator.Scopes, validator.AllOf, validator.AnyOf
	returns := func(err error) validator.Check {
		return func(context.Context, *validator.Claims) error { return err }
	}
	empty := &validator.Error{Code: validator.CodeScope}
	for _, tt := range []struct {
		name  string
		check validator.Check
		want  string
	}{
		{"one of two", scopes("a", "b"), `insufficient_scope: the token's scope lacks "b"`},
		{"two of three", scopes("a", "b", "d"), `insufficient_scope: the token's scope lacks all of ["b" "d"]`},
		{"any", validator.AnyScope("b", "d"), `insufficient_scope: the token's scope has none of ["b" "d"]`},
		{"permission", validator.Permissions("a", "b"), `insufficient_scope: the token's permissions lack "b"`},
		{"any permission", validator.AnyPermission("b", "d"), `insufficient_scope: the token's permissions have none of ["b" "d"]`},
		{"all of one", all(scopes("b")), `insufficient_scope: the token's scope lacks "b"`},
		{"all of two", all(scopes("b"), scopes("a", "d")),
			`insufficient_scope: the token's scope lacks "b"; the token's scope lacks "d"`},
		{"all of all", all(all(scopes("b"), scopes("d")), validator.Permissions("e")),
			`insufficient_scope: the token's scope lacks "b"; the token's scope lacks "d"; the token's permissions lack "e"`},
		{"any of two", anyOf(scopes("b"), scopes("d")), `insufficient_scope: the token's scope lacks "b"; the token's scope lacks "d"`},
		{"any of step-ups", anyOf(validator.ACR("x"), validator.ACR("y")),
			`insufficient_user_authentication: the token's acr is none of ["x"]; the token's acr is none of ["y"]`},
		{"wrapped", all(returns(fmt.Errorf("orders: %w", scopes("b")(t.Context(), claims)))),
			`insufficient_scope: orders: the token's scope lacks "b"`},
		{"without a cause", all(returns(empty), returns(empty)), `insufficient_scope`},
		{"wrapped, without a cause", returns(fmt.Errorf("orders: %w", empty)), `insufficient_scope: orders`},
		{"without a code", returns(&validator.Error{Err: errors.New("no")}), `refused: no`},
		{"without anything", returns(new(validator.Error)), `refused`},
		{"of another type", returns(errors.New("no")), `refused: no`},
	} {
		v := newValidator(t, func(c *validator.Config) { c.Checks = []validator.Check{tt.check} })
		_, err := v.Validate(t.Context(), token(nil, object{"scope": "a c", "permissions": []string{"a"}}))
		if err == nil || err.Error() != tt.want {
			t.Errorf("Validate(%s) error = %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

// What a check wraps stays in the chain, also behind AllOf.
func TestChecks_chain(t *testing.T) {
	t.Parallel()
	cause := errors.New("the database is down")
	check := func(context.Context, *validator.Claims) error {
		return fmt.Errorf("orders: %w", &validator.Error{Code: validator.CodeScope, Err: cause})
	}
	for name, c := range map[string]validator.Check{
		"alone": check, "AllOf": validator.AllOf(check), "AllOf twice": validator.AllOf(check, check), "AnyOf": validator.AnyOf(check, check),
	} {
		v := newValidator(t, func(cfg *validator.Config) { cfg.Checks = []validator.Check{c} })
		if _, err := v.Validate(t.Context(), token(nil, nil)); !errors.Is(err, cause) || validator.CodeOf(err) != validator.CodeScope {
			t.Errorf("Validate(%s) error = %v, want code %q around %v", name, err, validator.CodeScope, cause)
		}
	}
}
