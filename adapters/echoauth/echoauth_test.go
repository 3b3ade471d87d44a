package echoauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

func TestAdapter(t *testing.T) {
	t.Parallel()

	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		e := echo.New()
		e.Any("/*", echo.WrapHandler(next), echoauth.New(auth, checks...))
		return e
	})
}

// As Pre and Use, it guards what there is no route for as well.
func TestAdapter_everywhere(t *testing.T) {
	t.Parallel()

	for name, use := range map[string]func(*echo.Echo, ...echo.MiddlewareFunc){"Pre": (*echo.Echo).Pre, "Use": (*echo.Echo).Use} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
				e := echo.New()
				use(e, echoauth.New(auth, checks...))
				e.Any("/*", echo.WrapHandler(next))
				return e
			})
		})
	}
}

func newAuth(t testing.TB, cfg middleware.Config) *middleware.Authenticator {
	t.Helper()
	cfg.Validator = subjects{}
	cfg.Logger = slog.New(slog.DiscardHandler)
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Fatalf("middleware.New() error = %v", err)
	}
	return auth
}

// subjects accepts tokens that name a subject.
type subjects struct{}

var errBad = errors.New("it is bad")

func (subjects) Validate(_ context.Context, token string) (*validator.Claims, error) {
	if token == "bad" {
		return nil, &validator.Error{Code: validator.CodeSignature, Err: errBad}
	}
	return &validator.Claims{Subject: token, Scopes: []string{"orders:read"}}, nil
}

func serve(h http.Handler, method, target, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A group is guarded, and a route in it has a check of its own.
func TestNew_group(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{})
	e := echo.New()
	hello := func(c echo.Context) error {
		claims, _ := echoauth.Claims(c)
		below, _ := middleware.ClaimsFromContext(c.Request().Context())
		return c.String(http.StatusOK, fmt.Sprint(claims.Subject, claims == below))
	}
	e.GET("/open", func(c echo.Context) error {
		_, ok := echoauth.Claims(c)
		return c.String(http.StatusOK, fmt.Sprint(ok))
	})
	g := e.Group("/orders", echoauth.New(auth))
	g.GET("", hello)
	g.HEAD("", hello)
	g.POST("", hello, echoauth.New(auth, validator.Scopes("orders:write")))
	g.GET("/:id", hello, echoauth.New(auth, validator.Scopes("orders:read")))

	for _, tt := range []struct {
		method, target, authorization string
		status                        int
		body, challenge               string
	}{
		{"GET", "/open", "", 200, "false", ""},
		{"GET", "/open", "Bearer bad", 200, "false", ""},
		{"GET", "/orders", "Bearer anna", 200, "annatrue", ""},
		{"GET", "/orders", "", 401, "Unauthorized\n", "Bearer"},
		{"HEAD", "/orders", "", 401, "Unauthorized\n", "Bearer"},
		{"GET", "/orders/7", "Bearer anna", 200, "annatrue", ""},
		{"POST", "/orders", "Bearer anna", 403, "Forbidden\n", `Bearer error="insufficient_scope", scope="orders:write"`},
	} {
		w := serve(e, tt.method, tt.target, tt.authorization)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || got != tt.challenge || w.Body.String() != tt.body {
			t.Errorf("%s %s with %q = %d %q, challenge %q, want %d %q, %q",
				tt.method, tt.target, tt.authorization, w.Code, w.Body, got, tt.status, tt.body, tt.challenge)
		}
	}
}

// The response of a rejection is the ErrorHandler's, and Echo's own has nothing
// to add.
func TestNew_errorHandler(t *testing.T) {
	t.Parallel()

	var got []string
	auth := newAuth(t, middleware.Config{
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, status int, err error) {
			got = append(got, fmt.Sprint(r.URL.Path, " ", status, " ", errors.Is(err, errBad), " ", w.Header().Get("WWW-Authenticate")))
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprint(w, "{}")
		},
	})
	e := echo.New()
	e.HTTPErrorHandler = func(err error, _ echo.Context) { t.Errorf("HTTPErrorHandler got %v, want no call", err) }
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			if status := c.Response().Status; status != 401 {
				t.Errorf("after the rejection the status is %d for Echo's middlewares, want 401", status)
			}
			return err
		}
	})
	e.GET("/", func(echo.Context) error { t.Error("the handler was called"); return nil }, echoauth.New(auth))

	w := serve(e, "GET", "/", "Bearer bad")
	if want := []string{`/ 401 true Bearer error="invalid_token"`}; !slices.Equal(got, want) {
		t.Errorf("ErrorHandler got %q, want %q", got, want)
	}
	header := w.Result().Header // as it was sent
	if w.Code != 401 || w.Body.String() != "{}" || header.Get("Content-Type") != "application/problem+json" ||
		header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("response = %d %q %v, want 401, {} as problem+json, and the challenge", w.Code, w.Body, header)
	}
}

// A check's own HTTPError decides nothing about the response.
func TestNew_checkWithHTTPError(t *testing.T) {
	t.Parallel()

	e := echo.New()
	e.GET("/", func(echo.Context) error { return nil }, echoauth.New(newAuth(t, middleware.Config{}), func(context.Context, *validator.Claims) error {
		return echo.NewHTTPError(http.StatusOK, "come in")
	}))
	if w := serve(e, "GET", "/", "Bearer anna"); w.Code != 403 || strings.Contains(w.Body.String(), "come in") {
		t.Errorf("response = %d %q, want 403 without the check's text", w.Code, w.Body)
	}
}

// What was sent before stays as it is, and the handler is not called.
func TestNew_committed(t *testing.T) {
	t.Parallel()

	e := echo.New()
	called := false
	early := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := c.String(http.StatusAccepted, "early"); err != nil {
				return err
			}
			return next(c)
		}
	}
	e.GET("/", func(echo.Context) error { called = true; return nil }, early, echoauth.New(newAuth(t, middleware.Config{})))
	if w := serve(e, "GET", "/", "Bearer bad"); w.Code != 202 || w.Body.String() != "early" || called {
		t.Errorf("response = %d %q, handler called: %t, want what was sent, and no call", w.Code, w.Body, called)
	}
}

// A handler's panic is not the adapter's to swallow.
func TestNew_handlerPanics(t *testing.T) {
	t.Parallel()

	e := echo.New()
	e.GET("/", func(echo.Context) error { panic("the handler's") }, echoauth.New(newAuth(t, middleware.Config{})))
	defer func() {
		if got := recover(); got != "the handler's" {
			t.Errorf("recover() = %v, want the handler's", got)
		}
	}()
	serve(e, "GET", "/", "Bearer anna")
}

// A handler's unit test needs no Authenticator.
func TestClaims_withClaims(t *testing.T) {
	t.Parallel()

	r := testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), testutil.Claims{"sub": "anna"})
	c := echo.New().NewContext(r, httptest.NewRecorder())
	if claims, ok := echoauth.Claims(c); !ok || claims.Subject != "anna" {
		t.Errorf("Claims() = %v, %t, want anna's", claims, ok)
	}
	if claims, ok := echoauth.Claims(echo.New().NewContext(nil, nil)); ok {
		t.Errorf("Claims(of a context without request) = %v, %t, want none", claims, ok)
	}
}
