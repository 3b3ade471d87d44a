package validator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rsguard/rsguard/validator"
)

func TestChecks(t *testing.T) {
	t.Parallel()
	now := t0.Unix()
	refuse := func(context.Context, *validator.Claims) error { return errors.New("no") }
	pass := func(context.Context, *validator.Claims) error { return nil }
	undecided := func(context.Context, *validator.Claims) error {
		return &validator.Error{Code: validator.CodeUnavailable}
	}
	org := func(name string, err error) validator.Check {
		return validator.OrganizationFunc(func(context.Context) (string, error) { return name, err })
	}
	// As Entra ID has them.
	usersOrDaemons := validator.AnyOf(validator.Scopes("Orders.Read"), validator.Roles([]string{"roles"}, "Orders.Read.All"))
	for _, tt := range []struct {
		name   string
		check  validator.Check
		claims object
		want   validator.Code
		scopes string
	}{
		{"scope there", validator.Scopes("a"), object{"scope": "b a"}, "", ""},
		{"scope by half", validator.Scopes("ab"), object{"scope": "a b abc"}, validator.CodeScope, "[ab]"},
		{"scope in other case", validator.Scopes("a"), object{"scope": "A"}, validator.CodeScope, "[a]"},
		{"no scope", validator.Scopes("a"), nil, validator.CodeScope, "[a]"},
		{"all scopes", validator.Scopes("a", "b"), object{"scope": "b a"}, "", ""},
		{"one of all scopes", validator.Scopes("b", "a"), object{"scope": "a"}, validator.CodeScope, "[b a]"},
		{"any scope", validator.AnyScope("a", "b"), object{"scope": "b"}, "", ""},
		{"none of any scope", validator.AnyScope("a", "b"), object{"scope": "c"}, validator.CodeScope, "[a b]"},
		{"permissions are no scopes", validator.Scopes("a"), object{"permissions": []string{"a"}}, validator.CodeScope, "[a]"},

		{"permission there", validator.Permissions("a", "b"), object{"permissions": []string{"a", "b"}}, "", ""},
		{"permission missing", validator.Permissions("a", "b"), object{"permissions": []string{"a"}}, validator.CodeScope, "[a b]"},
		{"scopes are no permissions", validator.Permissions("a"), object{"scope": "a"}, validator.CodeScope, "[a]"},
		{"roles", validator.Roles([]string{"realm_access", "roles"}, "a", "b"), object{"realm_access": object{"roles": []string{"b", "a"}}}, "", ""},
		{"one of two roles", validator.Roles([]string{"realm_access", "roles"}, "a", "b"), object{"realm_access": object{"roles": []string{"b"}}}, validator.CodeRole, ""},
		{"a role that is a string", validator.Roles([]string{"role"}, "a"), object{"role": "a"}, "", ""},
		{"a role in a string", validator.Roles([]string{"role"}, "a"), object{"role": "a b"}, validator.CodeRole, ""},
		{"any role", validator.AnyRole([]string{"https://example.com/roles"}, "a", "b"), object{"https://example.com/roles": []string{"b"}}, "", ""},
		{"no role of any", validator.AnyRole([]string{"roles"}, "a", "b"), object{"roles": []string{"c"}}, validator.CodeRole, ""},
		{"a user's scope or a daemon's role: the scope", usersOrDaemons, object{"scp": "Orders.Read"}, "", ""},
		{"a user's scope or a daemon's role: the role", usersOrDaemons, object{"roles": []string{"Orders.Read.All"}}, "", ""},
		{"a user's scope or a daemon's role: neither", usersOrDaemons, object{"scp": "Orders", "roles": []string{"Orders.Read"}}, validator.CodeScope, "[Orders.Read]"},
		{"no permissions", validator.AnyPermission("a"), nil, validator.CodeScope, "[a]"},
		{"any permission", validator.AnyPermission("a", "b"), object{"permissions": []string{"b"}}, "", ""},

		{"organization by id", validator.Organization("org_A"), object{"org_id": "org_A"}, "", ""},
		{"id in other case", validator.Organization("org_a"), object{"org_id": "org_A"}, validator.CodeOrganization, ""},
		{"organization by name", validator.Organization("acme"), object{"org_id": "org_A", "org_name": "acme"}, "", ""},
		{"wanted name in capitals", validator.Organization("ACME"), object{"org_name": "acme"}, "", ""},
		{"claimed name in capitals", validator.Organization("acme"), object{"org_name": "Acme"}, validator.CodeOrganization, ""},
		{"wanted name like an id in capitals", validator.Organization("ORG_abc"), object{"org_id": "org_abc"}, validator.CodeOrganization, ""},
		{"request's name like an id in capitals", org("ORG_abc", nil), object{"org_id": "org_abc"}, validator.CodeOrganization, ""},
		{"Kelvin sign is no k", validator.Organization("\u212a"), object{"org_name": "k"}, validator.CodeOrganization, ""},
		{"name as an id", validator.Organization("org_A"), object{"org_name": "org_a"}, validator.CodeOrganization, ""},
		{"id as a name", validator.Organization("acme"), object{"org_id": "acme"}, validator.CodeOrganization, ""},
		{"no organization", validator.Organization("acme"), nil, validator.CodeOrganization, ""},
		{"one of two", validator.Organization("acme", "org_B"), object{"org_id": "org_B"}, "", ""},
		{"organization of the request", org("org_A", nil), object{"org_id": "org_A"}, "", ""},
		{"another of the request", org("org_B", nil), object{"org_id": "org_A"}, validator.CodeOrganization, ""},
		{"none of the request", org("", nil), object{"sub": "u"}, validator.CodeOrganization, ""},
		{"request's organization unknown", org("org_A", errors.New("no")), object{"org_id": "org_A"}, validator.CodeRefused, ""},

		{"client", validator.Clients("a", "b"), object{"azp": "b"}, "", ""},
		{"client by client_id", validator.Clients("a"), object{"client_id": "a"}, "", ""},
		{"another client", validator.Clients("a"), object{"azp": "A"}, validator.CodeRefused, ""},
		{"no client", validator.Clients("a"), nil, validator.CodeRefused, ""},
		{"subject", validator.Subjects("a"), object{"sub": "a"}, "", ""},
		{"another subject", validator.Subjects("a"), object{"sub": "a "}, validator.CodeRefused, ""},
		{"grant type", validator.GrantType("client-credentials"), object{"gty": "client-credentials"}, "", ""},
		{"grant type among two", validator.GrantType("password"), object{"gty": []string{"refresh_token", "password"}}, "", ""},
		{"grant type by half", validator.GrantType("pass"), object{"gty": "password"}, validator.CodeRefused, ""},
		{"another grant type", validator.GrantType("client-credentials"), object{"gty": "password"}, validator.CodeRefused, ""},

		{"at the maximum age", validator.MaxAge(time.Minute), object{"iat": now - 60}, "", ""},
		{"a second over it", validator.MaxAge(time.Minute), object{"iat": now - 61}, validator.CodeExpired, ""},
		{"no iat", validator.MaxAge(time.Minute), object{"iat": nil}, validator.CodeClaim, ""},

		{"authenticated at the edge", validator.AuthenticatedWithin(time.Minute), object{"auth_time": now - 60}, "", ""},
		{"authenticated before", validator.AuthenticatedWithin(time.Minute), object{"auth_time": now - 61}, validator.CodeAuthentication, ""},
		{"authenticated tomorrow", validator.AuthenticatedWithin(time.Minute), object{"auth_time": now + 86400}, validator.CodeAuthentication, ""},
		{"no auth_time", validator.AuthenticatedWithin(time.Minute), nil, validator.CodeAuthentication, ""},
		{"auth_time a string", validator.AuthenticatedWithin(time.Minute), object{"auth_time": "now"}, validator.CodeClaim, ""},
		{"acr", validator.ACR("gold", "silver"), object{"acr": "silver"}, "", ""},
		{"another acr", validator.ACR("gold", "silver"), object{"acr": "bronze"}, validator.CodeAuthentication, ""},
		{"acr a list", validator.ACR("gold"), object{"acr": []string{"gold"}}, validator.CodeClaim, ""},
		{"no acr", validator.ACR("gold"), nil, validator.CodeAuthentication, ""},
		{"authenticated within the leeway", validator.AuthenticatedWithin(time.Minute), object{"auth_time": now + 30}, "", ""},
		{"a second more", validator.AuthenticatedWithin(time.Minute), object{"auth_time": now + 31}, validator.CodeAuthentication, ""},

		{"any of", validator.AnyOf(refuse, pass), nil, "", ""},
		{"none of any", validator.AnyOf(refuse, refuse), nil, validator.CodeRefused, ""},
		{"scopes of any", validator.AnyOf(validator.Scopes("a", "b"), refuse, validator.Scopes("b", "c")), nil, validator.CodeScope, "[a b c]"},
		{"sign-in of any", validator.AnyOf(refuse, validator.ACR("gold")), nil, validator.CodeAuthentication, ""},
		{"scopes before sign-in", validator.AnyOf(validator.ACR("gold"), validator.Scopes("a")), nil, validator.CodeScope, "[a]"},
		{"any undecided", validator.AnyOf(validator.Scopes("a"), undecided), nil, validator.CodeUnavailable, ""},
		{"any undecided but one passes", validator.AnyOf(undecided, pass), nil, "", ""},
		{"all of", validator.AllOf(pass, validator.Scopes("a")), object{"scope": "a"}, "", ""},
		{"scopes of all", validator.AllOf(validator.Scopes("a"), pass, validator.Scopes("b")), nil, validator.CodeScope, "[a b]"},
		{"all but one", validator.AllOf(validator.Scopes("a"), refuse), nil, validator.CodeRefused, ""},
		{"nested", validator.AnyOf(validator.AllOf(validator.Scopes("a"), refuse), validator.Scopes("b")), object{"scope": "b"}, "", ""},
	} {
		v := newValidator(t, func(c *validator.Config) { c.Checks = []validator.Check{tt.check} })
		_, err := v.Validate(t.Context(), token(nil, tt.claims))
		if got := validator.CodeOf(err); got != tt.want {
			t.Errorf("Validate(%s) error = %v, want code %q", tt.name, err, tt.want)
		}
		var e *validator.Error
		if errors.As(err, &e) && tt.scopes != "" && fmt.Sprint(e.Scopes) != tt.scopes {
			t.Errorf("Validate(%s) Scopes = %v, want %s", tt.name, e.Scopes, tt.scopes)
		}
	}
}

func TestChecks_stepUp(t *testing.T) {
	t.Parallel()
	v := newValidator(t, nil)
	claims, err := v.Validate(t.Context(), token(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	var e *validator.Error
	if err := validator.ACR("gold", "silver")(t.Context(), claims); !errors.As(err, &e) || !slices.Equal(e.ACRValues, []string{"gold", "silver"}) {
		t.Errorf("ACR() error = %#v", err)
	}
	if err := validator.AuthenticatedWithin(time.Hour)(t.Context(), claims); !errors.As(err, &e) || e.MaxAge != time.Hour {
		t.Errorf("AuthenticatedWithin() error = %#v", err)
	}
}

// The challenge of checks that are joined asks for what would do.
func TestChecks_stepUpJoined(t *testing.T) {
	t.Parallel()
	claims, err := newValidator(t, nil).Validate(t.Context(), token(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	acr, within, scopes := validator.ACR, validator.AuthenticatedWithin, validator.Scopes
	for _, tt := range []struct {
		name  string
		check validator.Check
		want  string
	}{
		{"all: acr and age", validator.AllOf(acr("a"), within(time.Minute)), "insufficient_user_authentication [a] 1m0s []"},
		{"all: two ages", validator.AllOf(within(time.Hour), within(time.Minute)), "insufficient_user_authentication [] 1m0s []"},
		{"all: two acrs with one in common", validator.AllOf(acr("a", "b"), acr("b", "c")), "insufficient_user_authentication [b] 0s []"},
		{"all: acr and scope", validator.AllOf(scopes("s"), acr("a")), "insufficient_user_authentication [a] 0s []"},
		{"any: two acrs", validator.AnyOf(acr("a"), acr("b", "a")), "insufficient_user_authentication [a b] 0s []"},
		{"any: two ages", validator.AnyOf(within(time.Minute), within(time.Hour)), "insufficient_user_authentication [] 1h0m0s []"},
		{"any: acr or scope", validator.AnyOf(acr("a"), scopes("s")), "insufficient_scope [] 0s [s]"},
	} {
		var e *validator.Error
		if err := tt.check(t.Context(), claims); !errors.As(err, &e) {
			t.Fatalf("%s: error = %v", tt.name, err)
		}
		if got := fmt.Sprint(e.Code, " ", e.ACRValues, " ", e.MaxAge, " ", e.Scopes); got != tt.want {
			t.Errorf("%s: error has %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A caller may change the error that it gets, without effect on others.
func TestChecks_errorsAreOwn(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]validator.Check{
		"Scopes": validator.Scopes("z", "a"), "ACR": validator.ACR("z", "a"), "AnyOf": validator.AnyOf(validator.Scopes("z"), validator.Scopes("a")),
	} {
		for range 2 {
			var e *validator.Error
			if err := check(t.Context(), &validator.Claims{}); !errors.As(err, &e) {
				t.Fatal(err)
			}
			if got := fmt.Sprint(append(e.Scopes, e.ACRValues...)); got != "[z a]" {
				t.Errorf("%s: error names %s, want [z a]", name, got)
			}
			slices.Sort(e.Scopes)
			slices.Sort(e.ACRValues)
		}
	}
}

func TestChecks_panic(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(){
		"no scopes":          func() { validator.Scopes() },
		"two scopes in one":  func() { validator.Scopes("a b") },
		"empty scope":        func() { validator.AnyScope("a", "") },
		"quote in scope":     func() { validator.Scopes(`a"`) },
		"backslash in scope": func() { validator.Scopes(`a\`) },
		"newline in scope":   func() { validator.Permissions("a\n") },
		"umlaut in scope":    func() { validator.AnyPermission("ä") },
		"no organization":    func() { validator.Organization() },
		"id without its end": func() { validator.Organization("org_") },
		"space in a name":    func() { validator.Organization(" acme") },
		"empty organization": func() { validator.Organization("") },
		"empty client":       func() { validator.Clients("") },
		"no age":             func() { validator.MaxAge(0) },
		"no acr":             func() { validator.ACR() },
		"nil function":       func() { validator.CheckAs[struct{}](nil) },
		"nil check":          func() { validator.AnyOf(nil) },
		"no checks":          func() { validator.AllOf() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestCheckAs(t *testing.T) {
	t.Parallel()
	type tenant struct {
		Plan string `json:"https://example.com/plan"`
	}
	check := validator.CheckAs(func(_ context.Context, c tenant) error {
		if c.Plan != "gold" {
			return &validator.Error{Code: validator.CodeScope, Scopes: []string{"gold"}}
		}
		return nil
	})
	v := newValidator(t, func(c *validator.Config) { c.Checks = []validator.Check{check} })
	for _, tt := range []struct {
		plan any
		want validator.Code
	}{{"gold", ""}, {"tin", validator.CodeScope}, {1, validator.CodeClaim}} {
		_, err := v.Validate(t.Context(), token(nil, object{"https://example.com/plan": tt.plan}))
		if got := validator.CodeOf(err); got != tt.want {
			t.Errorf("Validate(%v) error = %v, want code %q", tt.plan, err, tt.want)
		}
	}
}

// A Check may return one error for all tokens: that must stay as it is.
func TestCheck_sharedError(t *testing.T) {
	t.Parallel()
	shared := &validator.Error{Code: validator.CodeRefused, Err: errors.New("no")}
	v := newValidator(t, func(c *validator.Config) {
		c.Checks = []validator.Check{func(context.Context, *validator.Claims) error { return shared }}
	})
	_, err := v.Validate(t.Context(), token(nil, nil))
	if !errors.Is(err, shared.Err) || shared.Issuer != "" {
		t.Errorf("Validate() error = %v, and the Check's is changed to %#v", err, shared)
	}
}

// A caller may change the error that it gets. That must not change what the
// check requires.
func TestCheck_changedError(t *testing.T) {
	t.Parallel()
	claims, err := newValidator(t, nil).Validate(t.Context(), token(nil, object{"scope": "x", "permissions": []string{"x"}, "acr": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]validator.Check{
		"Scopes": validator.Scopes("a"), "AnyScope": validator.AnyScope("a"), "ACR": validator.ACR("a"),
		"Permissions": validator.Permissions("a"), "AnyPermission": validator.AnyPermission("a"),
	} {
		var e *validator.Error
		if err := check(t.Context(), claims); !errors.As(err, &e) {
			t.Fatalf("%s error = %v", name, err)
		}
		for _, list := range [][]string{e.Scopes, e.ACRValues} {
			for i := range list {
				list[i] = "x"
			}
		}
		if check(t.Context(), claims) == nil {
			t.Errorf("%s passes after its error was changed", name)
		}
	}
}

// What is accepted of the future is Config.Leeway, also of a remembered token
// and of a check that is called later. Of the past it is d, whatever the
// leeway.
func TestAuthenticatedWithin_leeway(t *testing.T) {
	t.Parallel()
	check := validator.AuthenticatedWithin(time.Minute)
	for _, tt := range []struct {
		leeway time.Duration
		ahead  int64 // of auth_time, in seconds
		want   validator.Code
	}{
		{2 * time.Minute, 120, ""},
		{2 * time.Minute, 121, validator.CodeAuthentication},
		{2 * time.Minute, -60, ""},
		{2 * time.Minute, -61, validator.CodeAuthentication},
		{-1, 0, ""},
		{-1, 1, validator.CodeAuthentication},
	} {
		v := newValidator(t, func(c *validator.Config) { c.Leeway, c.CacheSize = tt.leeway, 1 })
		for range 2 {
			claims, err := v.Validate(t.Context(), token(nil, object{"auth_time": t0.Unix() + tt.ahead}))
			if err != nil {
				t.Fatalf("Validate() error = %v", err)
			}
			if err := check(t.Context(), claims); validator.CodeOf(err) != tt.want {
				t.Errorf("AuthenticatedWithin(1m) of %ds ahead, with a leeway of %v, = %v, want code %q", tt.ahead, tt.leeway, err, tt.want)
			}
		}
	}
}
