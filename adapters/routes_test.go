package adapters_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/internal/conforming"
)

// An event has the pattern by which the router has found the handler, on a
// route and in a group, and none for what clients make up.
func TestRoutes(t *testing.T) {
	t.Parallel()

	auth, routes := conforming.Routes(t)

	mux := http.NewServeMux()
	guarded := auth.Handler(http.NotFoundHandler())
	mux.Handle("GET /orders/{id}", guarded)
	mux.Handle("/admin/", guarded)
	e := echo.New()
	e.GET("/orders/:id", func(echo.Context) error { return nil }, echoauth.New(auth))
	e.Group("/admin", echoauth.New(auth)).GET("/users/:id", func(echo.Context) error { return nil })
	g := gin.New()
	g.GET("/orders/:id", ginauth.New(auth), func(*gin.Context) {})
	g.Group("/admin", ginauth.New(auth)).GET("/users/:id", func(*gin.Context) {})
	g.NoRoute(ginauth.New(auth))

	for _, tt := range []struct {
		router  string
		handler http.Handler
		target  string
		want    string
	}{
		{"net/http", mux, "/orders/7", "GET /orders/{id}"},
		{"net/http", mux, "/admin/users/7", "/admin/"},
		{"net/http without a mux", guarded, "/orders/7", ""},
		{"Echo", e, "/orders/7", "/orders/:id"},
		{"Echo", e, "/admin/users/7", "/admin/users/:id"},
		{"Gin", g, "/orders/7", "/orders/:id"},
		{"Gin", g, "/admin/users/7", "/admin/users/:id"},
		{"Gin", g, "/made/up", ""},
	} {
		tt.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", tt.target, nil))
		got := routes()
		if len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s: GET %s: routes of the events = %q, want %q", tt.router, tt.target, got, tt.want)
		}
	}
}
