package validator

import (
	"context"
	"slices"

	"github.com/rsguard/rsguard/internal/jose"
)

// Roles returns a Check that requires all of these roles in the claim at path.
// It fails with [CodeRole].
//
// A path is the name of a claim, followed by the names of members of nested
// objects. Names are compared exactly, and dots and slashes in them have no
// meaning:
//
//	validator.Roles([]string{"roles"}, "orders.admin")
//	validator.Roles([]string{"realm_access", "roles"}, "orders.admin")
//	validator.Roles([]string{"resource_access", "orders-api", "roles"}, "admin")
//	validator.Roles([]string{"cognito:groups"}, "admins")
//	validator.Roles([]string{"https://example.com/roles"}, "admin")
//
// The value is an array of strings, or a string, which is one role. Any other
// value has no roles.
func Roles(path []string, all ...string) Check {
	path, all = rolesAt("Roles", path, all)
	return func(_ context.Context, c *Claims) error {
		found := c.valueAt(path)
		if !isTextOrTexts(found) {
			return &Error{Code: CodeRole, Err: &rolesError{path, found, all, false}}
		}
		for i := range all {
			if !found.HasText(all[i : i+1]) {
				return &Error{Code: CodeRole, Err: &rolesError{path, found, all[i : i+1], false}}
			}
		}
		return nil
	}
}

// AnyRole is [Roles] that requires at least one of these roles.
func AnyRole(path []string, anyOf ...string) Check {
	path, anyOf = rolesAt("AnyRole", path, anyOf)
	return func(_ context.Context, c *Claims) error {
		if found := c.valueAt(path); !isTextOrTexts(found) || !found.HasText(anyOf) {
			return &Error{Code: CodeRole, Err: &rolesError{path, found, anyOf, true}}
		}
		return nil
	}
}

func rolesAt(check string, path, roles []string) (_, _ []string) {
	mustBe(len(path) > 0 && !slices.Contains(path, ""), "%s: the path is empty, or has an empty name", check)
	mustBe(len(roles) > 0 && !slices.Contains(roles, ""), "%s: no values, or an empty one", check)
	return slices.Clone(path), slices.Clone(roles)
}

// valueAt returns the value at path. It has no kind if there is none.
func (c *Claims) valueAt(path []string) jose.Value {
	v, _ := c.claim(path[0])
	for _, name := range path[1:] {
		if v.Kind() != jose.KindObject {
			return jose.Value{}
		}
		v, _ = member(v.Raw(), name)
	}
	return v
}

// A rolesError is the cause of a rejection for missing roles. It doesn't tell
// which roles the token has.
type rolesError struct {
	path  []string
	found jose.Value
	want  []string
	any   bool
}

func (e *rolesError) Error() string {
	text := "the claim " + quote(e.path[0])
	if len(e.path) > 1 {
		text = "the claim at " + quoteAll(e.path)
	}
	want := quote(e.want[0])
	if len(e.want) > 1 {
		want = quoteAll(e.want)
	}
	switch {
	case e.found.Kind() == jose.KindNone:
		text += " is missing, want one"
	case !isTextOrTexts(e.found):
		text += " is " + describe(e.found) + ", want " + wantTextOrTexts
	case e.any && len(e.want) > 1:
		return text + " has none of the roles " + want
	default:
		return text + " lacks the role " + want
	}
	switch {
	case len(e.want) == 1:
		return text + " with the role " + want
	case e.any:
		return text + " with one of the roles " + want
	}
	return text + " with the roles " + want
}
