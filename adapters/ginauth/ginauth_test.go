package ginauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode) // which prints no routes
	os.Exit(m.Run())
}

func TestAdapter(t *testing.T) {
	t.Parallel()

	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		g := gin.New()
		g.Any("/*path", ginauth.New(auth, checks...), gin.WrapH(next))
		return g
	})
}

// As a middleware of the engine, it guards what there is no route for as well.
func TestAdapter_everywhere(t *testing.T) {
	t.Parallel()

	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		g := gin.New()
		g.Use(ginauth.New(auth, checks...))
		g.NoRoute(gin.WrapH(next))
		return g
	})
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
	g := gin.New()
	hello := func(c *gin.Context) {
		claims, _ := ginauth.Claims(c)
		below, _ := middleware.ClaimsFromContext(c.Request.Context())
		c.String(http.StatusOK, fmt.Sprint(claims.Subject, claims == below))
	}
	g.GET("/open", func(c *gin.Context) {
		_, ok := ginauth.Claims(c)
		c.String(http.StatusOK, fmt.Sprint(ok))
	})
	orders := g.Group("/orders", ginauth.New(auth))
	orders.GET("", hello)
	orders.HEAD("", hello)
	orders.POST("", ginauth.New(auth, validator.Scopes("orders:write")), hello)
	orders.GET("/:id", ginauth.New(auth, validator.Scopes("orders:read")), hello)

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
		w := serve(g, tt.method, tt.target, tt.authorization)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || got != tt.challenge || w.Body.String() != tt.body {
			t.Errorf("%s %s with %q = %d %q, challenge %q, want %d %q, %q",
				tt.method, tt.target, tt.authorization, w.Code, w.Body, got, tt.status, tt.body, tt.challenge)
		}
	}
}

// A rejection aborts, and its response is the ErrorHandler's: Gin's own error
// handlers, which write a body for what is in c.Errors, have nothing to add.
func TestNew_abort(t *testing.T) {
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
	aborted := false
	g := gin.New()
	g.Use(func(c *gin.Context) {
		c.Next()
		aborted = c.IsAborted()
		if len(c.Errors) > 0 {
			c.JSON(-1, gin.H{"error": c.Errors.Last().Error()})
		}
	})
	g.GET("/", ginauth.New(auth), func(*gin.Context) { t.Error("the handler was called") })

	w := serve(g, "GET", "/", "Bearer bad")
	if want := []string{`/ 401 true Bearer error="invalid_token"`}; !slices.Equal(got, want) || !aborted {
		t.Errorf("ErrorHandler got %q, aborted: %t, want %q, true", got, aborted, want)
	}
	header := w.Result().Header // as it was sent
	if w.Code != 401 || w.Body.String() != "{}" || header.Get("Content-Type") != "application/problem+json" ||
		header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("response = %d %q %v, want 401, {} as problem+json, and the challenge", w.Code, w.Body, header)
	}
}

// A check's own *gin.Error decides nothing about the response.
func TestNew_checkWithGinError(t *testing.T) {
	t.Parallel()

	g := gin.New()
	g.GET("/", ginauth.New(newAuth(t, middleware.Config{}), func(context.Context, *validator.Claims) error {
		return &gin.Error{Err: errors.New("come in"), Type: gin.ErrorTypePublic, Meta: http.StatusOK}
	}), func(*gin.Context) { t.Error("the handler was called") })
	if w := serve(g, "GET", "/", "Bearer anna"); w.Code != 403 || w.Body.String() != "Forbidden\n" {
		t.Errorf("response = %d %q, want 403 without the check's text", w.Code, w.Body)
	}
}

// A handler's panic is not the adapter's to swallow.
func TestNew_handlerPanics(t *testing.T) {
	t.Parallel()

	g := gin.New()
	g.GET("/", ginauth.New(newAuth(t, middleware.Config{})), func(*gin.Context) { panic("the handler's") })
	defer func() {
		if got := recover(); got != "the handler's" {
			t.Errorf("recover() = %v, want the handler's", got)
		}
	}()
	serve(g, "GET", "/", "Bearer anna")
}

// Gin reuses its contexts; what a copy carries into a goroutine stays what it
// was.
func TestClaims_copy(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{})
	copies := map[string]*gin.Context{}
	g := gin.New()
	g.GET("/:name", ginauth.New(auth), func(c *gin.Context) { copies[c.Param("name")] = c.Copy() })
	names := []string{"anna", "bert", "carl"}
	for _, name := range names {
		serve(g, "GET", "/"+name, "Bearer "+name)
	}
	for _, name := range names {
		if claims, ok := ginauth.Claims(copies[name]); !ok || claims.Subject != name {
			t.Errorf("Claims(copy of the request of %s) = %v, %t", name, claims, ok)
		}
	}
}

// A handler's unit test needs no Authenticator.
func TestClaims_withClaims(t *testing.T) {
	t.Parallel()

	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	if claims, ok := ginauth.Claims(c); ok {
		t.Errorf("Claims(of a context without request) = %v, %t, want none", claims, ok)
	}
	c.Request = testutil.WithClaims(httptest.NewRequest(http.MethodGet, "/", nil), testutil.Claims{"sub": "anna"})
	if claims, ok := ginauth.Claims(c); !ok || claims.Subject != "anna" {
		t.Errorf("Claims() = %v, %t, want anna's", claims, ok)
	}
}
