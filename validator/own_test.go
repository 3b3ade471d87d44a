package validator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// spoil changes all that the owner of an error can change, and returns what it
// said before.
func spoil(err error) string {
	said := fmt.Sprintf("%v", err)
	for e := new(validator.Error); errors.As(err, &e); err = errors.Unwrap(err) {
		said += fmt.Sprintf(" %s %q %q %v %s %s", e.Code, e.Scopes, e.ACRValues, e.MaxAge, e.Issuer, e.KeyID)
		err = e.Err
		for _, list := range [][]string{e.Scopes, e.ACRValues} {
			for i := range list {
				list[i] = "spoiled"
			}
		}
		*e = validator.Error{Code: "spoiled", Issuer: "spoiled", KeyID: "spoiled"}
		if err == nil {
			break
		}
	}
	return said
}

// An error belongs to its caller. Changes to it change nothing for the
// next one.
func TestErrors_areOwn(t *testing.T) {
	t.Parallel()

	ctx := t.Context()
	v := newValidator(t, nil)
	ofToken, err := v.Validate(ctx, token(nil, object{"auth_time": "x", "acr": 1}))
	if err != nil {
		t.Fatal(err)
	}
	validate := func(v interface {
		Validate(context.Context, string) (*validator.Claims, error)
	}, token string) func() error {
		return func() error { _, err := v.Validate(ctx, token); return err }
	}
	check := func(check validator.Check) func() error {
		return func() error { return check(ctx, &validator.Claims{}) }
	}
	shared := &validator.Error{Code: validator.CodeScope, Scopes: []string{"a"}, ACRValues: []string{"b"}}
	with := func(change func(*validator.Config)) *validator.Validator { return newValidator(t, change) }
	mux, err := validator.NewMux(v)
	if err != nil {
		t.Fatal(err)
	}

	for name, ask := range map[string]func() error{
		"too large":             validate(v, strings.Repeat("x", validator.DefaultMaxTokenSize+1)),
		"too large for the Mux": validate(mux, strings.Repeat("x", validator.DefaultMaxTokenSize+1)),
		"opaque":                validate(v, "opaque"),
		"bad JSON":              validate(v, "e30.e30.e30"),
		"crit":                  validate(v, token(object{"crit": []string{"x"}}, nil)),
		"alg":                   validate(v, token(object{"alg": "RS256"}, nil)),
		"alg of no tenant":      validate(mux, token(object{"alg": "none"}, nil)),
		"typ":                   validate(v, token(object{"typ": "x"}, nil)),
		"an ID token":           validate(v, token(nil, object{"at_hash": "x", "nonce": "x"})),
		"RFC 9068":              validate(with(func(c *validator.Config) { c.RequireRFC9068 = true }), token(object{"typ": "at+jwt"}, nil)),
		"iss":                   validate(v, token(nil, object{"iss": "x"})),
		"iss of no tenant":      validate(mux, token(nil, object{"iss": "x"})),
		"no iss":                validate(mux, token(nil, object{"iss": nil})),
		"aud":                   validate(v, token(nil, object{"aud": "x"})),
		"no exp":                validate(v, token(nil, object{"exp": nil})),
		"exp":                   validate(v, token(nil, object{"exp": 1})),
		"nbf":                   validate(v, token(nil, object{"nbf": t0.Unix() + 99})),
		"iat":                   validate(v, token(nil, object{"iat": t0.Unix() + 99})),
		"sub":                   validate(v, token(nil, object{"sub": 1})),
		"kid":                   validate(v, token(object{"kid": "x"}, nil)),
		"signature":             validate(v, token(nil, nil)+"A"),
		"cnf":                   validate(v, token(nil, object{"cnf": 1})),
		"cnf, not proven":       validate(v, token(nil, object{"cnf": object{"jkt": strings.Repeat("A", 43)}})),
		"keys": validate(with(func(c *validator.Config) {
			c.Keys = keySource(func(context.Context, string) ([]jwks.Key, error) { return nil, jwks.ErrUnavailable })
		}), token(nil, nil)),
		"the Config's check": validate(with(func(c *validator.Config) {
			c.Checks = []validator.Check{func(context.Context, *validator.Claims) error { return shared }}
		}), token(nil, nil)),
		"the Mux's function": validate(validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) {
			return nil, shared
		}), token(nil, nil)),

		"Scopes":              check(validator.Scopes("z", "a")),
		"AnyScope":            check(validator.AnyScope("z", "a")),
		"Permissions":         check(validator.Permissions("z", "a")),
		"AnyPermission":       check(validator.AnyPermission("z", "a")),
		"Organization":        check(validator.Organization("z", "a")),
		"OrganizationFunc":    check(validator.OrganizationFunc(func(context.Context) (string, error) { return "z", nil })),
		"Clients":             check(validator.Clients("z", "a")),
		"Subjects":            check(validator.Subjects("z", "a")),
		"GrantType":           check(validator.GrantType("z", "a")),
		"MaxAge":              check(validator.MaxAge(time.Hour)),
		"AuthenticatedWithin": check(validator.AuthenticatedWithin(time.Hour)),
		"ACR":                 check(validator.ACR("z", "a")),
		"AnyOf":               check(validator.AnyOf(validator.Scopes("z"), validator.Scopes("a"), validator.ACR("b"))),
		"AnyOf, step-up":      check(validator.AnyOf(validator.Clients("z"), validator.ACR("b"))),
		"AllOf":               check(validator.AllOf(validator.Scopes("z"), validator.Scopes("a"))),
		"AllOf, step-up":      check(validator.AllOf(validator.Scopes("z"), validator.ACR("b"), validator.ACR("c"))),
		"CheckAs":             check(validator.CheckAs(func(context.Context, struct{}) error { return nil })),
		"Decode":              func() error { return ofToken.Decode(new(struct{ Sub int })) },
		"Proven":              func() error { return new(validator.Confirmation).Proven(ctx) },
		"auth_time":           func() error { return validator.AuthenticatedWithin(time.Hour)(ctx, ofToken) },
		"acr":                 func() error { return validator.ACR("z")(ctx, ofToken) },
	} {
		first := ask()
		if first == nil {
			t.Errorf("%s: error = nil, want one", name)
			continue
		}
		want := spoil(first)
		if got := spoil(ask()); got != want {
			t.Errorf("%s: error = %s\nafter the one before was changed, want\n%s", name, got, want)
		}
	}
	if got := fmt.Sprint(shared.Code, shared.Scopes, shared.ACRValues, shared.Issuer); got != "insufficient_scope[a] [b]" {
		t.Errorf("the error that a check and a function return is now %s, want it as it was", got)
	}
}

type keySource func(ctx context.Context, kid string) ([]jwks.Key, error)

func (f keySource) Keys(ctx context.Context, kid string) ([]jwks.Key, error) { return f(ctx, kid) }
