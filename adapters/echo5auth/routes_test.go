package echo5auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"

	"github.com/rsguard/rsguard/adapters/echo5auth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A subjects takes the token for the subject and its scope, and rejects two.
type subjects struct{}

func (subjects) Validate(_ context.Context, token string) (*validator.Claims, error) {
	switch token {
	case "bad":
		return nil, &validator.Error{Code: validator.CodeSignature, Err: errBad}
	case "down":
		return nil, &validator.Error{Code: validator.CodeUnavailable, Err: errBad}
	}
	return &validator.Claims{Subject: token, Scopes: []string{token}}, nil
}

func newAuth(t *testing.T, cfg middleware.Config) *middleware.Authenticator {
	t.Helper()
	if cfg.Validator == nil {
		cfg.Validator = subjects{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func who(c *echo.Context) error {
	claims, ok := echo5auth.Claims(c)
	if !ok {
		return c.String(http.StatusOK, "anyone")
	}
	return c.String(http.StatusOK, claims.Subject)
}

func get(h http.Handler, method, target, token string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(res *http.Response) string { b, _ := io.ReadAll(res.Body); return string(b) }

// A middleware of a group guards what the group has no route for as well, so
// that a client without a token does not learn which routes there are.
func TestNew_groups(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{})
	e := echo.New()
	e.GET("/health", who)
	api := e.Group("/api", echo5auth.New(auth))
	api.GET("/orders", who)
	admin := api.Group("/admin", echo5auth.New(auth, validator.Scopes("admin")))
	admin.GET("/users", who)
	admin.Any("/any", who)
	for _, tt := range []struct {
		method, path, token string
		want                int
		body                string
	}{
		{"GET", "/health", "", 200, "anyone"},
		{"GET", "/health", "bad", 200, "anyone"},
		{"GET", "/api/orders", "", 401, ""},
		{"GET", "/api/orders", "bad", 401, ""},
		{"GET", "/api/orders", "down", 503, ""},
		{"GET", "/api/orders", "anna", 200, "anna"},
		{"HEAD", "/api/orders", "", 401, ""},
		{"OPTIONS", "/api/orders", "", 401, ""},
		{"POST", "/api/orders", "", 401, ""},
		{"GET", "/api/orders/", "", 401, ""},
		{"GET", "/api//orders", "", 401, ""},
		{"GET", "/api/none", "", 401, ""},
		{"GET", "/api", "", 401, ""},
		{"GET", "/api/admin/users", "", 401, ""},
		{"GET", "/api/admin/users", "anna", 403, ""},
		{"GET", "/api/admin/users", "admin", 200, "admin"},
		{"TRACE", "/api/admin/any", "anna", 403, ""},
		{"PROPFIND", "/api/admin/any", "anna", 403, ""},
	} {
		res := get(e, tt.method, tt.path, tt.token)
		got := body(res)
		if res.StatusCode != tt.want || tt.body != "" && got != tt.body {
			t.Errorf("%s %s with %q = %d %q, want %d %q", tt.method, tt.path, tt.token, res.StatusCode, got, tt.want, tt.body)
		}
		if challenge := res.Header.Get("WWW-Authenticate"); (challenge != "") != (tt.want == 401 || tt.want == 403) {
			t.Errorf("%s %s with %q = %d with the challenge %q", tt.method, tt.path, tt.token, res.StatusCode, challenge)
		}
	}
}

// Error handlers of Echo's own and what users put around them keep the status
// and the challenge, and the cause stays out of the response.
func TestNew_errorHandlers(t *testing.T) {
	t.Parallel()

	problem := func(c *echo.Context, err error) {
		r, _ := echo.UnwrapResponse(c.Response())
		if r.Committed {
			return
		}
		_ = c.JSON(echo.StatusCode(err), map[string]string{"title": http.StatusText(echo.StatusCode(err))})
	}
	for name, handler := range map[string]echo.HTTPErrorHandler{
		"the default": nil, "DefaultHTTPErrorHandler": echo.DefaultHTTPErrorHandler(false), "by StatusCode": problem,
	} {
		for token, want := range map[string]int{"bad": 401, "": 401, "anna": 403, "down": 503} {
			e := echo.New()
			if handler != nil {
				e.HTTPErrorHandler = handler
			}
			var status int
			e.Use(echomiddleware.RequestLoggerWithConfig(echomiddleware.RequestLoggerConfig{
				LogStatus: true, HandleError: true,
				LogValuesFunc: func(_ *echo.Context, v echomiddleware.RequestLoggerValues) error { status = v.Status; return nil },
			}))
			e.Use(echomiddleware.Recover())
			e.GET("/", who, echo5auth.New(newAuth(t, middleware.Config{}), validator.Scopes("x")))
			res := get(e, "GET", "/", token)
			text := body(res)
			if res.StatusCode != want || status != want || strings.Contains(text, errBad.Error()) || strings.Contains(text, "signature") {
				t.Errorf("%s: GET with %q = %d %q, logged as %d, want %d without a cause", name, token, res.StatusCode, text, status, want)
			}
			if got := res.Header["Www-Authenticate"]; (len(got) == 1) != (want != 503) {
				t.Errorf("%s: GET with %q: challenges %q", name, token, got)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s: GET with %q: Cache-Control = %q, want no-store", name, token, got)
			}
		}
	}
}

// A response that has begun can't become a rejection, and the handler is not
// called in either case.
func TestNew_committed(t *testing.T) {
	t.Parallel()

	e := echo.New()
	called := false
	begin := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if err := c.String(http.StatusOK, "begun "); err != nil {
				return err
			}
			return next(c)
		}
	}
	e.GET("/", func(c *echo.Context) error { called = true; return who(c) }, begin, echo5auth.New(newAuth(t, middleware.Config{})))
	if got := body(get(e, "GET", "/", "bad")); got != "begun " || called {
		t.Errorf("body = %q, handler called: %t, want what was begun alone", got, called)
	}
}

// A panic in a check is a 500 of the adapter's. One of the handler is the
// program's.
func TestNew_panics(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	auth := newAuth(t, middleware.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	e := echo.New()
	e.GET("/check", who, echo5auth.New(auth, func(context.Context, *validator.Claims) error { panic("secret") }))
	e.GET("/handler", func(*echo.Context) error { panic("secret") }, echo5auth.New(auth))
	e.GET("/recovered", func(*echo.Context) error { panic(errBad) }, echomiddleware.Recover(), echo5auth.New(auth))
	if res := get(e, "GET", "/check", "anna"); res.StatusCode != 500 || strings.Contains(body(res), "secret") {
		t.Errorf("a panic in a check = %d, want 500 without its value", res.StatusCode)
	}
	if !strings.Contains(log.String(), "internal_error") {
		t.Errorf("log = %q, want the panic of the check", log.String())
	}
	if res := get(e, "GET", "/recovered", "anna"); res.StatusCode != 500 {
		t.Errorf("a panic in the handler behind Recover = %d, want 500", res.StatusCode)
	}
	defer func() {
		if v := recover(); v != "secret" {
			t.Errorf("recover() = %v, want the handler's panic", v)
		}
	}()
	get(e, "GET", "/handler", "anna")
}

// Echo reuses its contexts. The claims of one request are not those of the
// next.
func TestNew_reusedContext(t *testing.T) {
	t.Parallel()

	e := echo.New()
	auth := newAuth(t, middleware.Config{Optional: true})
	e.GET("/guarded", who, echo5auth.New(auth))
	e.GET("/open", who)
	var got []string
	for _, tt := range [][2]string{{"/guarded", "anna"}, {"/guarded", ""}, {"/open", "anna"}, {"/guarded", "bob"}} {
		got = append(got, body(get(e, "GET", tt[0], tt[1])))
	}
	if want := []string{"anna", "anyone", "anyone", "bob"}; !slices.Equal(got, want) {
		t.Errorf("subjects = %q, want %q", got, want)
	}
}

// The field of a layer in front is replaced, not added to.
func TestNew_challengeKept(t *testing.T) {
	t.Parallel()

	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Response().Header().Set("Cache-Control", "public")
			c.Response().Header().Set("WWW-Authenticate", "Basic")
			c.Response().Header().Set("Vary", "Origin")
			return next(c)
		}
	})
	e.Use(echomiddleware.CORS("https://app.example.com"))
	e.Use(echomiddleware.Gzip())
	e.Use(echomiddleware.Secure())
	e.GET("/", who, echo5auth.New(newAuth(t, middleware.Config{Realm: "orders"})))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer bad")
	r.Header.Set("Origin", "https://app.example.com")
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	h := w.Result().Header
	if got := fmt.Sprint(w.Code, h["Www-Authenticate"], h["Cache-Control"]); got != `401 [Bearer realm="orders", error="invalid_token"] [no-store]` {
		t.Errorf("response = %s", got)
	}
	if !slices.Contains(h["Vary"], "Origin") || h.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("header = %v, want CORS and Vary kept", h)
	}
}

// A middleware in front that wraps the error keeps status and cause.
func TestNew_wrappedError(t *testing.T) {
	t.Parallel()

	e := echo.New()
	var seen error
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			seen = next(c)
			return fmt.Errorf("wrapped: %w", seen)
		}
	})
	e.GET("/", who, echo5auth.New(newAuth(t, middleware.Config{})))
	res := get(e, "GET", "/", "bad")
	var refusal *middleware.Refusal
	if res.StatusCode != 401 || !errors.As(seen, &refusal) || !errors.Is(seen, errBad) || validator.CodeOf(seen) != validator.CodeSignature {
		t.Errorf("response = %d, error %v, want 401 and the Refusal", res.StatusCode, seen)
	}
}
