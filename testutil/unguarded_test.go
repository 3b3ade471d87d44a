package testutil_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

func guardFor(t testing.TB) *middleware.Authenticator {
	t.Helper()
	v, err := validator.New(testutil.NewIssuer(t).Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func TestUnguarded(t *testing.T) {
	t.Parallel()

	auth := guardFor(t)
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	patterns := map[string]http.Handler{
		"GET /orders":                auth.Handler(ok),
		"GET /orders/{id}":           auth.Require(validator.Scopes("orders:read"))(ok),
		"DELETE /orders/{id}":        ok, // forgotten
		"/files/{path...}":           auth.Handler(ok),
		"GET api.example.com/{$}":    auth.Handler(ok),
		"GET /healthz":               ok,
		"GET /numbers/{n}":           numbers(auth.Handler(ok)),
		"PUT /numbers/{n}":           numbers(ok), // forgotten
		"POST /orders/{id}/refund/x": http.RedirectHandler("/", http.StatusSeeOther),
	}
	var routes []string
	for pattern, h := range patterns {
		mux.Handle(pattern, h)
		routes = append(routes, pattern)
	}
	slices.Sort(routes)
	want := []string{"DELETE /orders/{id}", "GET /healthz", "POST /orders/{id}/refund/x", "PUT /numbers/{n}"}
	if got := testutil.Unguarded(t, mux, routes...); !slices.Equal(got, want) {
		t.Errorf("Unguarded(%q) = %q, want %q", routes, got, want)
	}
}

// numbers restricts a parameter, as the patterns of some routers can.
func numbers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := strconv.Atoi(r.PathValue("n")); err != nil {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Routers that list their routes need no list beside them.
func TestUnguarded_frameworks(t *testing.T) {
	t.Parallel()

	auth := guardFor(t)
	e := echo.New()
	e.GET("/orders/:id", func(echo.Context) error { return nil }, echoauth.New(auth))
	e.GET("/files/*", func(echo.Context) error { return nil }, echoauth.New(auth))
	e.PUT("/orders/:id/items/:item", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	var routes []string
	for _, route := range e.Routes() {
		routes = append(routes, route.Method+" "+route.Path)
	}
	if got, want := testutil.Unguarded(t, e, routes...), []string{"PUT /orders/:id/items/:item"}; len(routes) != 3 || !slices.Equal(got, want) {
		t.Errorf("Echo: Unguarded(%q) = %q, want %q", routes, got, want)
	}

	gin.SetMode(gin.TestMode)
	g := gin.New()
	g.GET("/orders/:id", ginauth.New(auth), func(*gin.Context) {})
	g.GET("/files/*path", ginauth.New(auth), func(*gin.Context) {})
	g.POST("/orders", func(*gin.Context) {})
	routes = nil
	for _, route := range g.Routes() {
		routes = append(routes, route.Method+" "+route.Path)
	}
	if got, want := testutil.Unguarded(t, g, routes...), []string{"POST /orders"}; len(routes) != 3 || !slices.Equal(got, want) {
		t.Errorf("Gin: Unguarded(%q) = %q, want %q", routes, got, want)
	}
}

// failures keeps what a test would report.
type failures struct {
	testing.TB
	text []string
}

func (f *failures) Helper()                   {}
func (f *failures) Errorf(s string, a ...any) { f.text = append(f.text, fmt.Sprintf(s, a...)) }

func TestUnguarded_missing(t *testing.T) {
	t.Parallel()

	mux := http.NewServeMux()
	mux.Handle("GET /orders", guardFor(t).Handler(http.NotFoundHandler()))
	f := &failures{TB: t}
	if got := testutil.Unguarded(f, mux, "/order", "POST /orders", "GET /orders"); len(got) != 0 {
		t.Errorf("Unguarded() = %q, want none", got)
	}
	if len(f.text) != 2 || !strings.Contains(f.text[0], "/order is answered by 404") || !strings.Contains(f.text[1], "POST /orders is answered by 405") {
		t.Errorf("failures = %q, want one for each missing route", f.text)
	}
}

// Of the routes in main, only the health check is meant to be public.
func ExampleUnguarded() {
	app := func() (h http.Handler, routes []string) { return http.NewServeMux(), nil } // of main

	_ = func(t *testing.T) { // the test
		h, routes := app()
		if got, want := testutil.Unguarded(t, h, routes...), []string{"GET /healthz"}; !slices.Equal(got, want) {
			t.Errorf("these routes have no guard: %q, want %q", got, want)
		}
	}
}
