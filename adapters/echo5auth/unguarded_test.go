package echo5auth_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/rsguard/rsguard/adapters/echo5auth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// A router lists its routes, so a test finds one that has no guard. The group's
// own routes for what it doesn't have are of no method.
func TestUnguarded(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{})
	e := echo.New()
	ok := func(c *echo.Context) error { return c.NoContent(http.StatusNoContent) }
	e.GET("/healthz", ok)
	e.GET("/orders/:id", ok, echo5auth.New(auth))
	e.GET("/files/*", ok, echo5auth.New(auth))
	e.PUT("/orders/:id", ok) // forgotten
	admin := e.Group("/admin", echo5auth.New(auth, validator.Scopes("admin")))
	admin.POST("/users/:user/roles/:role", ok)

	var routes []string
	for _, route := range e.Router().Routes() {
		if route.Method != echo.RouteNotFound {
			routes = append(routes, route.Method+" "+route.Path)
		}
	}
	slices.Sort(routes)
	want := []string{"GET /healthz", "PUT /orders/:id"}
	if got := testutil.Unguarded(t, e, routes...); len(routes) != 5 || !slices.Equal(got, want) {
		t.Errorf("Unguarded(%q) = %q, want %q", routes, got, want)
	}
}
