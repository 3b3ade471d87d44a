package echo5auth_test

import (
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/rsguard/rsguard/adapters/echo5auth"
	"github.com/rsguard/rsguard/internal/conforming"
)

// An event has the route's path, on a route and in a group.
func TestNew_route(t *testing.T) {
	t.Parallel()
	auth, routes := conforming.Routes(t)
	e := echo.New()
	e.GET("/orders/:id", func(*echo.Context) error { return nil }, echo5auth.New(auth))
	e.Group("/admin", echo5auth.New(auth)).GET("/users/:id", func(*echo.Context) error { return nil })
	for target, want := range map[string]string{"/orders/7": "/orders/:id", "/admin/users/7": "/admin/users/:id"} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", target, nil))
		got := routes()
		if len(got) != 1 || got[0] != want || w.Code != 401 {
			t.Errorf("GET %s: status %d, routes of the events = %q, want 401 and %q", target, w.Code, got, want)
		}
	}
}
