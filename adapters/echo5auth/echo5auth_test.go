package echo5auth_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/rsguard/rsguard/adapters/echo5auth"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

func route(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
	e := echo.New()
	e.Any("/*", echo.WrapHandler(next), echo5auth.New(auth, checks...))
	return e
}

func TestAdapter(t *testing.T) {
	t.Parallel()

	testutil.TestAdapter(t, route)
}

func TestVectors(t *testing.T) {
	requests.Run(t, "../../vectors/data", requests.Handler("Echo v5", route))
}

// As Pre and Use, it guards what there is no route for as well.
func TestAdapter_everywhere(t *testing.T) {
	t.Parallel()

	for name, use := range map[string]func(*echo.Echo, ...echo.MiddlewareFunc){"Pre": (*echo.Echo).Pre, "Use": (*echo.Echo).Use} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
				e := echo.New()
				use(e, echo5auth.New(auth, checks...))
				e.Any("/*", echo.WrapHandler(next))
				return e
			})
		})
	}
}

var errBad = errors.New("it is bad")

type refuseAll struct{}

func (refuseAll) Validate(context.Context, string) (*validator.Claims, error) {
	return nil, &validator.Error{Code: validator.CodeSignature, Err: errBad}
}

// The HTTPErrorHandler gets the status and the cause, and the header of the
// response is set before.
func TestNew_httpErrorHandler(t *testing.T) {
	t.Parallel()

	auth, err := middleware.New(middleware.Config{Validator: refuseAll{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("middleware.New() error = %v", err)
	}
	e := echo.New()
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		var he *echo.HTTPError
		var refusal *middleware.Refusal
		if !errors.As(err, &he) || he.Code != 401 || !errors.As(err, &refusal) || !errors.Is(err, errBad) {
			t.Errorf("HTTPErrorHandler got %v, want an HTTPError of 401 that wraps the Refusal and its cause", err)
		}
		_ = c.JSON(he.Code, map[string]string{"code": string(validator.CodeOf(err))})
	}
	e.GET("/", func(*echo.Context) error { t.Error("the handler was called"); return nil }, echo5auth.New(auth))

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer a.b.c")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if got := w.Result().Header.Get("WWW-Authenticate"); w.Code != 401 || got != `Bearer error="invalid_token"` || w.Body.String() != "{\"code\":\"invalid_signature\"}\n" {
		t.Errorf("response = %d %q, challenge %q, want 401, the code and the challenge", w.Code, w.Body, got)
	}
}

// A handler's unit test needs no Authenticator.
func TestClaims_withClaims(t *testing.T) {
	t.Parallel()

	r := testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), testutil.Claims{"sub": "anna"})
	c := echo.New().NewContext(r, httptest.NewRecorder())
	if claims, ok := echo5auth.Claims(c); !ok || claims.Subject != "anna" {
		t.Errorf("Claims() = %v, %t, want anna's", claims, ok)
	}
	if claims, ok := echo5auth.Claims(echo.New().NewContext(nil, nil)); ok {
		t.Errorf("Claims(of a context without request) = %v, %t, want none", claims, ok)
	}
}
