package fiberauth_test

import (
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/rsguard/rsguard/adapters/fiberauth"
	"github.com/rsguard/rsguard/internal/conforming"
)

// An event has the path of the route, or what Use or Group was called with.
func TestNew_route(t *testing.T) {
	t.Parallel()
	auth, routes := conforming.Routes(t)
	ok := func(c fiber.Ctx) error { return c.SendStatus(fiber.StatusNoContent) }
	app := fiber.New()
	app.Get("/orders/:id", fiberauth.New(auth), ok)
	app.Get("/files/*", fiberauth.New(auth), ok)
	app.Group("/admin", fiberauth.New(auth)).Get("/users/:id", ok)
	app.Use(fiberauth.New(auth))
	for target, want := range map[string]string{
		"/orders/7": "/orders/:id", "/files/a/b": "/files/*", "/admin/users/7": "/admin", "/nowhere/7": "/",
	} {
		res, err := app.Test(httptest.NewRequestWithContext(t.Context(), "GET", target, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		got := routes()
		if len(got) != 1 || got[0] != want || res.StatusCode != 401 {
			t.Errorf("GET %s: status %d, routes of the events = %q, want 401 and %q", target, res.StatusCode, got, want)
		}
	}
}
