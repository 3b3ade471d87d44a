package exported_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/adapters/keyfuncjwks"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// TestZeroValues checks of every exported type that its zero value, and a nil
// of it where that can be given to the library, accepts nothing.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	for name, e := range table {
		if e.zero == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.zero(t)
		})
	}
}

const (
	issuer   = "https://tenant.example.com/"
	audience = "https://api.example.com"
)

var thumbprint = strings.Repeat("A", 43)

// tenant is an issuer without sockets, with one token and its configuration.
func tenant(t *testing.T, claims testutil.Claims) (validator.Config, string) {
	t.Helper()
	iss := testutil.NewIssuer(t, mockissuer.Config{URL: issuer, Algorithms: []string{"EdDSA"}})
	cfg := iss.Config(audience)
	return cfg, iss.Token(claims)
}

// rejects fails t unless err is an error that looks like one everywhere.
func rejects(t *testing.T, call string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s error = nil", call)
		return
	}
	if validator.CodeOf(err) == "" || err.Error() == "" {
		t.Errorf("%s error = %q with the code %q, want a text and a code", call, err, validator.CodeOf(err))
	}
}

func zeroConfig(t *testing.T) {
	_, err := validator.New(validator.Config{})
	rejects(t, "New(Config{})", err)

	good, _ := tenant(t, nil)
	if _, err := validator.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*validator.Config){
		"no Issuers":         func(c *validator.Config) { c.Issuers = nil },
		"an empty issuer":    func(c *validator.Config) { c.Issuers = append(c.Issuers, "") },
		"no Audiences":       func(c *validator.Config) { c.Audiences = nil },
		"an empty audience":  func(c *validator.Config) { c.Audiences = append(c.Audiences, "") },
		"an empty Secret":    func(c *validator.Config) { c.Keys, c.Algorithms, c.Secret = nil, nil, []byte{} },
		"an empty algorithm": func(c *validator.Config) { c.Algorithms = append(c.Algorithms, "") },
		"a nil Check":        func(c *validator.Config) { c.Checks = []validator.Check{nil} },
	} {
		cfg := good
		change(&cfg)
		_, err := validator.New(cfg)
		rejects(t, "New("+name+")", err)
	}
}

func zeroAlgorithm(t *testing.T) {
	cfg, _ := tenant(t, nil)
	cfg.Algorithms = []validator.Algorithm{""}
	_, err := validator.New(cfg)
	rejects(t, `New("")`, err)
	_, err = dpop.New(dpop.Config{Algorithms: []validator.Algorithm{""}})
	rejects(t, `dpop.New("")`, err)
}

type nilKeys func()

func (nilKeys) Keys(context.Context, string) ([]jwks.Key, error) { return nil, nil }

func zeroKeySource(t *testing.T) {
	cfg, token := tenant(t, nil)
	for _, keys := range []validator.KeySource{(*jwks.Cache)(nil), jwks.Set(nil), jwks.Set{}, nilKeys(nil)} {
		cfg.Keys = keys
		_, err := validator.New(cfg)
		rejects(t, "New(a nil KeySource)", err)
	}
	// A source that knows nothing, and one that has no error to tell.
	cfg.Keys = nilKeys(func() {})
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Validate(t.Context(), token)
	rejects(t, "Validate() without keys", err)
}

func zeroValidator(t *testing.T) {
	_, token := tenant(t, nil)
	for _, token := range []string{"", token} {
		v := new(validator.Validator)
		_, err := v.Validate(t.Context(), token)
		rejects(t, "Validator{}.Validate()", err)
		if report := v.Explain(t.Context(), token); report.Code() == "" || strings.Contains(report.String(), "accepted") {
			t.Errorf("Validator{}.Explain() = %v with code %q", report, report.Code())
		}
	}

	// By a clock that says nothing, no token would ever expire.
	cfg, _ := tenant(t, nil)
	now := cfg.Now()
	for _, cacheSize := range []int{-1, 0, 10} {
		cfg, token := tenant(t, testutil.Claims{"iat": nil})
		cfg.CacheSize = cacheSize
		cfg.Now = func() time.Time { return now }
		v, err := validator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Validate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		was := now
		now = time.Time{}
		_, err = v.Validate(t.Context(), token)
		rejects(t, "Validate() at no time", err)
		now = was
	}
}

func zeroMux(t *testing.T) {
	_, token := tenant(t, nil)
	for _, token := range []string{"", token} {
		_, err := new(validator.Mux).Validate(t.Context(), token)
		rejects(t, "Mux{}.Validate()", err)
	}
	for _, tenants := range [][]*validator.Validator{nil, {nil}, {new(validator.Validator)}} {
		_, err := validator.NewMux(tenants...)
		rejects(t, "NewMux(nothing)", err)
	}
	for name, answer := range map[string]func() (*validator.Validator, error){
		"nothing":          func() (*validator.Validator, error) { return nil, nil },
		"a zero Validator": func() (*validator.Validator, error) { return new(validator.Validator), nil },
		"a nil *Error":     func() (*validator.Validator, error) { return nil, (*validator.Error)(nil) },
		"an empty *Error":  func() (*validator.Validator, error) { return nil, new(validator.Error) },
	} {
		mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return answer() })
		for range 2 {
			_, err := mux.Validate(t.Context(), token)
			rejects(t, "NewMuxFunc("+name+").Validate()", err)
		}
	}
	mustPanic(t, "NewMuxFunc(nil)", func() { validator.NewMuxFunc(nil) })
}

func mustPanic(t *testing.T, call string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", call)
		}
	}()
	f()
}

func zeroCheck(t *testing.T) {
	var check validator.Check
	mustPanic(t, "AnyOf(nil)", func() { validator.AnyOf(check) })
	mustPanic(t, "AllOf(nil)", func() { validator.AllOf(check) })
	mustPanic(t, "AnyOf()", func() { validator.AnyOf() })
	mustPanic(t, "AllOf()", func() { validator.AllOf() })
	mustPanic(t, "CheckAs(nil)", func() { validator.CheckAs[int](nil) })
	mustPanic(t, "OrganizationFunc(nil)", func() { validator.OrganizationFunc(nil) })
	cfg, _ := tenant(t, nil)
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		t.Fatal(err)
	}
	mustPanic(t, "Require(nil)", func() { auth.Require(check) })
	mustPanic(t, "echoauth.New(nil)", func() { echoauth.New(auth, check) })
	mustPanic(t, "ginauth.New(nil)", func() { ginauth.New(auth, check) })
}

// checks are all constructors of this library, with values that a token could
// meet.
func checks() map[string]validator.Check {
	return map[string]validator.Check{
		"AnyPermission":       validator.AnyPermission("a"),
		"AnyScope":            validator.AnyScope("a"),
		"ACR":                 validator.ACR("a"),
		"AuthenticatedWithin": validator.AuthenticatedWithin(time.Hour),
		"Clients":             validator.Clients("a"),
		"GrantType":           validator.GrantType("a"),
		"MaxAge":              validator.MaxAge(time.Hour),
		"Organization":        validator.Organization("a"),
		"Organization by ID":  validator.Organization("org_a"),
		"OrganizationFunc": validator.OrganizationFunc(func(context.Context) (string, error) {
			return "", nil
		}),
		"Permissions": validator.Permissions("a"),
		"Scopes":      validator.Scopes("a"),
		"Subjects":    validator.Subjects("a"),
		"CheckAs": validator.CheckAs(func(context.Context, struct{}) error {
			return nil
		}),
	}
}

func zeroClaims(t *testing.T) {
	for name, check := range checks() {
		rejects(t, name+"()(zero Claims)", check(t.Context(), new(validator.Claims)))
	}
	rejects(t, "Claims{}.Decode()", new(validator.Claims).Decode(new(any)))
	if c := new(validator.Claims); c.HasScope("") || c.HasPermission("") {
		t.Error(`Claims{} has the scope or permission ""`)
	}
}

// zeroErrors are errors that say nothing of what they are.
func zeroErrors() map[string]error {
	var none *validator.Error
	return map[string]error{
		"an empty *Error":             new(validator.Error),
		"an *Error without a Code":    &validator.Error{Err: errors.New("no")},
		"a nil *Error":                none,
		"an empty *Error, wrapped":    errors.Join(new(validator.Error)),
		"a nil *Error, wrapped":       errors.Join(errors.New("no"), none),
		"a nil *Error before another": errors.Join(none, &validator.Error{Code: validator.CodeScope}),
		"an *Error by As":             asNothing{},
		"an *Error around none":       &validator.Error{Err: new(validator.Error)},
	}
}

// asNothing is an error that says to be an [*validator.Error], and is none.
type asNothing struct{}

func (asNothing) Error() string { return "nothing" }
func (asNothing) As(any) bool   { return true }

func zeroError(t *testing.T) {
	pass := func(context.Context, *validator.Claims) error { return nil }
	for name, err := range zeroErrors() {
		rejects(t, name, err)
		if got := (validator.Report{Err: err}).Code(); got == "" {
			t.Errorf("Report{%s}.Code() = %q", name, got)
		}

		no := func(context.Context, *validator.Claims) error { return err }
		for form, check := range map[string]validator.Check{
			"alone":         no,
			"AllOf":         validator.AllOf(no),
			"AllOf, last":   validator.AllOf(pass, no),
			"AllOf, first":  validator.AllOf(no, pass),
			"AllOf, twice":  validator.AllOf(no, no),
			"AllOf, scopes": validator.AllOf(validator.Scopes("a"), no),
			"AnyOf":         validator.AnyOf(no),
			"AnyOf, twice":  validator.AnyOf(no, no),
			"AnyOf, scopes": validator.AnyOf(no, validator.Scopes("a")),
			"nested":        validator.AllOf(pass, validator.AnyOf(no, validator.AllOf(pass, no))),
			"OrganizationFunc": validator.OrganizationFunc(func(context.Context) (string, error) {
				return "a", err
			}),
		} {
			call := form + " of " + name
			rejects(t, call, check(t.Context(), &validator.Claims{OrgName: "a"}))

			cfg, token := tenant(t, testutil.Claims{"org_name": "a"})
			cfg.Checks, cfg.CacheSize = []validator.Check{check}, 10
			v, newErr := validator.New(cfg)
			if newErr != nil {
				t.Fatal(newErr)
			}
			_, got := v.Validate(t.Context(), token)
			rejects(t, "Validate() with "+call, got)
			var e *validator.Error
			if !errors.As(got, &e) || e == nil || e.Code == "" {
				t.Errorf("Validate() with %s error = %#v, want an *Error with a Code", call, got)
			}
			if report := v.Explain(t.Context(), token); report.Code() == "" || strings.Contains(report.String(), "accepted") {
				t.Errorf("Explain() with %s = %v with code %q", call, report, report.Code())
			}

			// On a route, and as what the Config's functions return.
			cfg.Checks = nil
			if v, newErr = validator.New(cfg); newErr != nil {
				t.Fatal(newErr)
			}
			for where, change := range map[string]func(*middleware.Config){
				"a route":   func(*middleware.Config) {},
				"Validator": func(c *middleware.Config) { c.Validator = validates{err} },
				"Token": func(c *middleware.Config) {
					c.Token = func(*http.Request) (string, error) { return token, err }
				},
			} {
				mw := middleware.Config{Validator: v, Optional: true, Logger: slog.New(slog.DiscardHandler)}
				change(&mw)
				auth, newErr := middleware.New(mw)
				if newErr != nil {
					t.Fatal(newErr)
				}
				refuses(t, where+" with "+call, auth.Require(check), token)
			}
		}
	}
}

type validates struct{ err error }

func (v validates) Validate(context.Context, string) (*validator.Claims, error) {
	return nil, v.err
}

// refuses fails t unless the middleware answers a request with an error's
// status, and does not let it through. An Authenticator that was not made by
// New may panic.
func refuses(t *testing.T, call string, guard func(http.Handler) http.Handler, token string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, issuer, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	h := guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s: the request passed", call) }))
	h.ServeHTTP(w, r)
	if w.Code < 400 {
		t.Errorf("%s: status %d", call, w.Code)
	}
}

// A token whose actor has no name is no agent's.
func zeroActor(t *testing.T) {
	for _, act := range []any{testutil.Claims{}, testutil.Claims{"sub": ""}} {
		cfg, token := tenant(t, testutil.Claims{"act": act})
		cfg.Checks = []validator.Check{validator.AnyOf(validator.NoActor(), validator.Actors("agent-1"))}
		v, err := validator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Validate(t.Context(), token)
		rejects(t, "Validate(a token of an actor without a name)", err)
	}
}

func zeroConfirmation(t *testing.T) {
	for name, proven := range map[string]context.Context{
		"nothing":    t.Context(),
		"an empty":   validator.ContextWithConfirmation(t.Context(), validator.Confirmation{}),
		"everything": validator.ContextWithConfirmation(t.Context(), validator.Confirmation{JKT: thumbprint, X5TS256: thumbprint}),
	} {
		rejects(t, "Confirmation{}.Proven("+name+")", new(validator.Confirmation).Proven(proven))
		rejects(t, "nil.Proven("+name+")", (*validator.Confirmation)(nil).Proven(proven))
	}
	for _, cnf := range []any{testutil.Claims{}, testutil.Claims{"jkt": ""}, testutil.Claims{"x5t#S256": ""}} {
		cfg, token := tenant(t, testutil.Claims{"cnf": cnf})
		v, err := validator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx := validator.ContextWithConfirmation(t.Context(), validator.Confirmation{})
		_, err = v.Validate(ctx, token)
		rejects(t, "Validate(an empty cnf)", err)
	}
}

func zeroReport(t *testing.T) {
	for _, r := range []validator.Report{
		{},
		{Err: (*validator.Error)(nil)},
		{Steps: make([]validator.Step, 1), Err: new(validator.Error)},
	} {
		if r.Code() == "" || strings.Contains(r.String(), "accepted") {
			t.Errorf("%#v: Code() = %q, String() = %q", r, r.Code(), r)
		}
	}
	if (validator.Step{}).Outcome == validator.Passed {
		t.Error("Step{} has passed")
	}
}

func zeroCache(t *testing.T) {
	cache := new(jwks.Cache)
	for _, kid := range []string{"", "k"} {
		if keys, err := cache.Keys(t.Context(), kid); len(keys) > 0 || !errors.Is(err, jwks.ErrUnavailable) {
			t.Errorf("Cache{}.Keys(%q) = %v, %v", kid, keys, err)
		}
	}
	if err := cache.Refresh(t.Context()); !errors.Is(err, jwks.ErrUnavailable) {
		t.Errorf("Cache{}.Refresh() error = %v", err)
	}
	if got := cache.Status(); got.State != jwks.Empty {
		t.Errorf("Cache{}.Status() = %+v", got)
	}
}

func zeroCacheConfig(t *testing.T) {
	_, err := jwks.NewCache(jwks.Config{})
	rejects(t, "NewCache(Config{})", err)
}

func zeroKey(t *testing.T) {
	cfg, token := tenant(t, nil)
	for _, public := range []any{nil, ed25519.PublicKey{}, ed25519.PublicKey(nil), (*ed25519.PublicKey)(nil)} {
		set := jwks.Set{{Public: public}, {ID: "k", Public: public}}
		cfg.Keys = set
		v, err := validator.New(cfg)
		if err != nil {
			continue
		}
		_, err = v.Validate(t.Context(), token)
		rejects(t, "Validate() with a zero Key", err)
	}
	_, err := jwks.NewCache(jwks.Config{Issuer: issuer, Seed: jwks.Set{{}}})
	rejects(t, "NewCache(Seed of a zero Key)", err)
}

func zeroSet(t *testing.T) {
	for _, data := range []string{"", "null", "{}", `{"keys":null}`, `{"keys":[]}`, `{"keys":[{}]}`} {
		if set, err := jwks.Parse([]byte(data)); err == nil || len(set) > 0 {
			t.Errorf("Parse(%s) = %v, %v", data, set, err)
		}
	}
	for _, kid := range []string{"", "k"} {
		if keys, err := jwks.Set(nil).Keys(t.Context(), kid); len(keys) > 0 || err != nil {
			t.Errorf("Set(nil).Keys(%q) = %v, %v", kid, keys, err)
		}
	}
}

func zeroKeyfunc(t *testing.T) {
	for _, keys := range []validator.KeySource{nil, (*jwks.Cache)(nil), jwks.Set(nil), nilKeys(nil)} {
		_, err := keyfuncjwks.New(keys)
		rejects(t, "keyfuncjwks.New(nil)", err)
	}
	k := new(keyfuncjwks.Keyfunc)
	for _, token := range []*jwt.Token{nil, {}, {Header: map[string]any{"alg": "RS256"}}} {
		key, err := k.Keyfunc(token)
		if rejects(t, "Keyfunc{}.Keyfunc()", err); key != nil {
			t.Errorf("Keyfunc{}.Keyfunc() = %v", key)
		}
	}
	_, err := k.VerificationKeySet(t.Context())
	rejects(t, "Keyfunc{}.VerificationKeySet()", err)
	_, err = k.Storage().KeyReadAll(t.Context())
	rejects(t, "Keyfunc{}.Storage().KeyReadAll()", err)
}

func zeroKeyfuncSource(t *testing.T) {
	for _, k := range []keyfunc.Keyfunc{nil, (*keyfuncjwks.Keyfunc)(nil)} {
		_, err := keyfuncjwks.Source(k)
		rejects(t, "keyfuncjwks.Source(nil)", err)
	}
	_, err := new(keyfuncjwks.KeySource).Keys(t.Context(), "")
	rejects(t, "KeySource{}.Keys()", err)
}
