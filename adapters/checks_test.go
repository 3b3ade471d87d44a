// Package adapters_test asks the same questions of every framework.
package adapters_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

const audience = "https://api.example.com"

// frameworks build a handler behind checks, as their users do.
var frameworks = map[string]func(*middleware.Authenticator, validator.Check, http.Handler) http.Handler{
	"net/http": func(auth *middleware.Authenticator, check validator.Check, next http.Handler) http.Handler {
		return auth.Handler(auth.Require(check)(next))
	},
	"Echo": func(auth *middleware.Authenticator, check validator.Check, next http.Handler) http.Handler {
		e := echo.New()
		e.Use(echoauth.New(auth))
		e.Any("/*", echo.WrapHandler(next), echoauth.New(auth, check))
		return e
	},
	"Gin": func(auth *middleware.Authenticator, check validator.Check, next http.Handler) http.Handler {
		g := gin.New()
		g.Use(ginauth.New(auth))
		g.Any("/*path", ginauth.New(auth, check), gin.WrapH(next))
		return g
	},
}

// A checkRow is a check, a token's claims, and the answer in every framework.
type checkRow struct {
	name      string
	check     validator.Check
	claims    testutil.Claims
	status    int
	challenge string
}

type pathKey struct{}

// The organization that a request is about is the first part of its path, which
// a handler outside puts into the context.
func ofPath(ctx context.Context) (string, error) {
	name, _ := ctx.Value(pathKey{}).(string)
	return name, nil
}

var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func checkRows() []checkRow {
	const (
		badToken = `Bearer error="invalid_token"`
		scope    = `Bearer error="insufficient_scope", scope=`
		signIn   = `Bearer error="insufficient_user_authentication", `
	)
	type claims = testutil.Claims
	ago := func(d time.Duration) int64 { return now.Add(-d).Unix() }
	pass := func(context.Context, *validator.Claims) error { return nil }
	refuse := func(context.Context, *validator.Claims) error { return errors.New("no") }
	outage := func(context.Context, *validator.Claims) error {
		return &validator.Error{Code: validator.CodeUnavailable}
	}
	paid := validator.CheckAs(func(_ context.Context, c struct {
		Plan string `json:"https://example.com/plan"`
	}) error {
		if c.Plan != "paid" {
			return errors.New("not paid")
		}
		return nil
	})

	return []checkRow{
		{"Scopes, all", validator.Scopes("b", "a"), claims{"scope": "a x b"}, 200, ""},
		{"Scopes, all by scp", validator.Scopes("b", "a"), claims{"scp": []string{"a", "b"}}, 200, ""},
		{"Scopes, one missing", validator.Scopes("b", "a"), claims{"scope": "a x"}, 403, scope + `"b a"`},
		{"Scopes, another case", validator.Scopes("a"), claims{"scope": "A"}, 403, scope + `"a"`},
		{"Scopes, a longer one", validator.Scopes("orders:read"), claims{"scope": "orders:read:all"}, 403, scope + `"orders:read"`},
		{"Scopes, permission in place", validator.Scopes("a"), claims{"permissions": []string{"a"}}, 403, scope + `"a"`},
		{"AnyScope, one", validator.AnyScope("b", "a"), claims{"scope": "a"}, 200, ""},
		{"AnyScope, none", validator.AnyScope("b", "a"), claims{"scope": "c"}, 403, scope + `"b a"`},

		{"Permissions, all", validator.Permissions("b", "a"), claims{"permissions": []string{"a", "b"}}, 200, ""},
		{"Permissions, one missing", validator.Permissions("b", "a"), claims{"permissions": []string{"a"}}, 403, scope + `"b a"`},
		{"Permissions, none", validator.Permissions("a"), claims{"permissions": []string{}}, 403, scope + `"a"`},
		{"Permissions, no claim", validator.Permissions("a"), nil, 403, scope + `"a"`},
		{"Permissions, scope in place", validator.Permissions("a"), claims{"scope": "a"}, 403, scope + `"a"`},
		{"Permissions, not a list", validator.Permissions("a"), claims{"permissions": "a"}, 403, scope + `"a"`},
		{"AnyPermission, one", validator.AnyPermission("b", "a"), claims{"permissions": []string{"a"}}, 200, ""},
		{"AnyPermission, none", validator.AnyPermission("b", "a"), claims{"permissions": []string{"ab"}}, 403, scope + `"b a"`},
		{"AnyPermission, scope in place", validator.AnyPermission("a"), claims{"scope": "a"}, 403, scope + `"a"`},

		{"Organization by id", validator.Organization("org_B", "org_A"), claims{"org_id": "org_A"}, 200, ""},
		{"Organization by id, another case", validator.Organization("org_a"), claims{"org_id": "org_A"}, 401, badToken},
		{"Organization by name", validator.Organization("Acme"), claims{"org_id": "org_A", "org_name": "acme"}, 200, ""},
		{"Organization by name, claimed in capitals", validator.Organization("acme"), claims{"org_name": "ACME"}, 401, badToken},
		{"Organization, id as a name", validator.Organization("org_A"), claims{"org_name": "org_A"}, 401, badToken},
		{"Organization, no claim", validator.Organization("org_A"), nil, 401, badToken},
		{"OrganizationFunc, of the path", validator.OrganizationFunc(ofPath), claims{"org_id": "org_path"}, 200, ""},
		{"OrganizationFunc, another", validator.OrganizationFunc(ofPath), claims{"org_id": "org_other"}, 401, badToken},
		{"OrganizationFunc, no claim", validator.OrganizationFunc(ofPath), nil, 401, badToken},

		{"Clients, by azp", validator.Clients("b", "a"), claims{"azp": "a"}, 200, ""},
		{"Clients, by client_id", validator.Clients("a"), claims{"client_id": "a"}, 200, ""},
		{"Clients, another", validator.Clients("a"), claims{"azp": "aa"}, 403, ""},
		{"Clients, no claim", validator.Clients("a"), nil, 403, ""},
		{"Subjects", validator.Subjects("b", "a"), claims{"sub": "a"}, 200, ""},
		{"Subjects, another", validator.Subjects("a"), claims{"sub": "A"}, 403, ""},
		{"GrantType", validator.GrantType("client-credentials"), claims{"gty": "client-credentials"}, 200, ""},
		{"GrantType, another", validator.GrantType("client-credentials"), claims{"gty": "client_credentials"}, 403, ""},

		{"MaxAge, at it", validator.MaxAge(time.Minute), claims{"iat": ago(time.Minute)}, 200, ""},
		{"MaxAge, a second over", validator.MaxAge(time.Minute), claims{"iat": ago(61 * time.Second)}, 401, badToken},
		{"MaxAge, no claim", validator.MaxAge(time.Minute), claims{"iat": nil}, 401, badToken},

		{"AuthenticatedWithin, at it", validator.AuthenticatedWithin(time.Hour), claims{"auth_time": ago(time.Hour)}, 200, ""},
		{"AuthenticatedWithin, a second over", validator.AuthenticatedWithin(time.Hour), claims{"auth_time": ago(3601 * time.Second)}, 401, signIn + `max_age="3600"`},
		{"AuthenticatedWithin, no claim", validator.AuthenticatedWithin(time.Hour), nil, 401, signIn + `max_age="3600"`},
		{"AuthenticatedWithin, not a time", validator.AuthenticatedWithin(time.Hour), claims{"auth_time": "now"}, 401, badToken},
		{"ACR", validator.ACR("gold", "silver"), claims{"acr": "silver"}, 200, ""},
		{"ACR, another", validator.ACR("gold", "silver"), claims{"acr": "Gold"}, 401, signIn + `acr_values="gold silver"`},
		{"ACR, no claim", validator.ACR("gold"), nil, 401, signIn + `acr_values="gold"`},

		{"AnyOf, the second", validator.AnyOf(validator.Scopes("a"), validator.Clients("c")), claims{"azp": "c"}, 200, ""},
		{"AnyOf, none: its scopes", validator.AnyOf(validator.Clients("c"), validator.Scopes("b", "a"), validator.Scopes("a", "c")), nil, 403, scope + `"b a c"`},
		{"AnyOf, none: sign-in", validator.AnyOf(validator.Clients("c"), validator.ACR("gold")), nil, 401, signIn + `acr_values="gold"`},
		{"AnyOf, none", validator.AnyOf(validator.Clients("c"), refuse), nil, 403, ""},
		{"AnyOf, undecided", validator.AnyOf(validator.Scopes("a"), outage), nil, 503, ""},
		{"AllOf", validator.AllOf(validator.Scopes("a"), pass), claims{"scope": "a"}, 200, ""},
		{"AllOf, all scopes", validator.AllOf(validator.Scopes("b"), pass, validator.AnyScope("a")), nil, 403, scope + `"b a"`},
		{"AllOf, one scope", validator.AllOf(validator.Scopes("b"), validator.Scopes("a")), claims{"scope": "b"}, 403, scope + `"a"`},
		{"AllOf, more than scopes", validator.AllOf(validator.Scopes("b"), validator.Organization("org_A")), nil, 401, badToken + `, scope="b"`},

		{"CheckAs", paid, claims{"https://example.com/plan": "paid"}, 200, ""},
		{"CheckAs, another", paid, claims{"https://example.com/plan": "free"}, 403, ""},
		{"CheckAs, not a string", paid, claims{"https://example.com/plan": 1}, 401, badToken},
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()

	issuer, auth := newAuth(t, middleware.Config{})
	for framework, build := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()

			for _, tt := range checkRows() {
				called := 0
				h := build(auth, tt.check, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, ok := middleware.ClaimsFromContext(r.Context()); ok {
						called++
					}
				}))
				r := httptest.NewRequest(http.MethodGet, "/org_path/orders", nil)
				r = r.WithContext(context.WithValue(r.Context(), pathKey{}, strings.Split(r.URL.Path, "/")[1]))
				r.Header.Set("Authorization", "Bearer "+issuer.Token(tt.claims))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)

				got := w.Header().Get("WWW-Authenticate")
				if w.Code != tt.status || got != tt.challenge || len(w.Header().Values("WWW-Authenticate")) > 1 {
					t.Errorf("%s: GET = %d, challenge %q, want %d, %q", tt.name, w.Code, got, tt.status, tt.challenge)
				}
				want := 0
				if tt.status == 200 {
					want = 1
				}
				if called != want {
					t.Errorf("%s: the handler was called %d times with claims, want %d", tt.name, called, want)
				}
			}
		})
	}
}

// Realm and metadata stand around what a check has to say.
func TestChecks_wholeChallenge(t *testing.T) {
	t.Parallel()

	issuer, auth := newAuth(t, middleware.Config{Realm: "orders", Metadata: &middleware.Metadata{Resource: audience}})
	const (
		realm    = `Bearer realm="orders", `
		metadata = `resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
	)
	for framework, build := range frameworks {
		for _, tt := range []checkRow{
			{"scope", validator.Scopes("b", "a"), nil, 403, realm + `error="insufficient_scope", scope="b a", ` + metadata},
			{"sign-in", validator.AuthenticatedWithin(time.Minute), nil, 401, realm + `error="insufficient_user_authentication", max_age="60", ` + metadata},
			{"acr", validator.ACR("b", "a"), nil, 401, realm + `error="insufficient_user_authentication", acr_values="b a", ` + metadata},
			{"organization", validator.Organization("a"), nil, 401, realm + `error="invalid_token", ` + metadata},
			{"client", validator.Clients("a"), nil, 403, ""},
		} {
			r := httptest.NewRequest(http.MethodGet, "/orders", nil)
			r.Header.Set("Authorization", "Bearer "+issuer.Token(tt.claims))
			w := httptest.NewRecorder()
			build(auth, tt.check, http.NotFoundHandler()).ServeHTTP(w, r)
			if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || got != tt.challenge {
				t.Errorf("%s: %s: GET = %d, challenge %q, want %d, %q", framework, tt.name, w.Code, got, tt.status, tt.challenge)
			}
		}
	}
}

// The response to a rejected request is one in every framework: its scopes, its
// body, and that of an ErrorHandler.
func TestChecks_oneResponse(t *testing.T) {
	t.Parallel()

	routes := map[string]func(*middleware.Authenticator, validator.Check, http.Handler) http.Handler{
		"net/http": func(auth *middleware.Authenticator, check validator.Check, next http.Handler) http.Handler {
			return auth.Require(check)(next)
		},
		"Echo": func(auth *middleware.Authenticator, check validator.Check, next http.Handler) http.Handler {
			e := echo.New()
			e.Any("/*", echo.WrapHandler(next), echoauth.New(auth, check))
			return e
		},
		"Gin": func(auth *middleware.Authenticator, check validator.Check, next http.Handler) http.Handler {
			g := gin.New()
			g.Any("/*path", ginauth.New(auth, check), gin.WrapH(next))
			return g
		},
	}
	problem := func(w http.ResponseWriter, _ *http.Request, status int, err error) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"code":"` + string(validator.CodeOf(err)) + `"}`))
	}
	for framework, route := range routes {
		for _, tt := range []struct {
			name, contentType, body string
			handler                 func(http.ResponseWriter, *http.Request, int, error)
		}{
			{"by default", "text/plain; charset=utf-8", "Unauthorized\n", nil},
			{"by an ErrorHandler", "application/problem+json", `{"code":"token_missing"}`, problem},
		} {
			_, auth := newAuth(t, middleware.Config{ErrorHandler: tt.handler})
			w := httptest.NewRecorder()
			h := route(auth, validator.Scopes("b", "a"), http.NotFoundHandler())
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/orders", nil))
			header := w.Result().Header // as it was sent
			if got := header.Get("WWW-Authenticate"); w.Code != 401 || got != `Bearer scope="b a"` {
				t.Errorf("%s, %s: GET without a token = %d, challenge %q, want 401, Bearer with the scopes", framework, tt.name, w.Code, got)
			}
			if got := header.Get("Content-Type"); got != tt.contentType || w.Body.String() != tt.body {
				t.Errorf("%s, %s: body = %q, %q, want %q, %q", framework, tt.name, got, w.Body, tt.contentType, tt.body)
			}
		}
	}
}

// Every framework serves the metadata document beside its guarded routes.
func TestMetadata(t *testing.T) {
	t.Parallel()

	for _, resource := range []string{"", "/orders", "/orders/", "/v1/orders-._~", "/!$&'()+,;=@"} {
		_, auth := newAuth(t, middleware.Config{Metadata: &middleware.Metadata{Resource: audience + resource}})
		path, document := auth.Metadata()
		mux := http.NewServeMux()
		mux.Handle(path, document)
		mux.Handle("/", auth.Handler(http.NotFoundHandler()))
		e := echo.New()
		e.Any(path, echo.WrapHandler(document))
		e.Any("/*", echo.WrapHandler(http.NotFoundHandler()), echoauth.New(auth))
		g := gin.New()
		g.Any(path, gin.WrapH(document))
		g.NoRoute(ginauth.New(auth), gin.WrapH(http.NotFoundHandler()))

		for framework, h := range map[string]http.Handler{"net/http": mux, "Echo": e, "Gin": g} {
			below := 401
			if framework == "net/http" && strings.HasSuffix(path, "/") {
				below = 404 // the pattern is for these as well
			}
			for _, tt := range []struct {
				method, path string
				status       int
			}{
				{"GET", path, 200}, {"HEAD", path, 200}, {"POST", path, 405}, {"GET", "/orders", 401}, {"GET", path + "x", below}, {"GET", strings.TrimSuffix(path, "/") + "/x", below},
			} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
				if w.Code != tt.status {
					t.Errorf("%s: %s %s = %d, want %d", framework, tt.method, tt.path, w.Code, tt.status)
				}
				if got := w.Header().Get("Access-Control-Allow-Origin"); (got == "*") != (tt.path == path) {
					t.Errorf("%s: %s %s: Access-Control-Allow-Origin = %q, want it for the document alone", framework, tt.method, tt.path, got)
				}
			}
		}
	}
}

// A check that isn't there is a mistake that shows when the service starts.
func TestChecks_nil(t *testing.T) {
	t.Parallel()

	_, auth := newAuth(t, middleware.Config{})
	for framework, mount := range map[string]func(){
		"net/http": func() { auth.Require(validator.Scopes("a"), nil) },
		"Echo":     func() { echoauth.New(auth, validator.Scopes("a"), nil) },
		"Gin":      func() { ginauth.New(auth, validator.Scopes("a"), nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: a nil check is mounted, want a panic", framework)
				}
			}()
			mount()
		}()
	}
}

func newAuth(t *testing.T, cfg middleware.Config) (*testutil.Issuer, *middleware.Authenticator) {
	t.Helper()

	issuer := testutil.NewIssuer(t, mockissuer.Config{
		URL:        "https://tenant.example.com/",
		Algorithms: []string{"EdDSA"},
		Now:        func() time.Time { return now },
	})
	v, err := validator.New(issuer.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Validator, cfg.Logger = v, slog.New(slog.DiscardHandler)
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return issuer, auth
}
