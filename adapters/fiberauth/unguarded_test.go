package fiberauth_test

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/rsguard/rsguard/adapters/fiberauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// An app lists its routes, so a test finds one without a guard.
func TestUnguarded(t *testing.T) {
	t.Parallel()
	v, err := validator.New(testutil.NewIssuer(t).Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ok := func(c fiber.Ctx) error { return c.SendStatus(fiber.StatusNoContent) }
	app := fiber.New()
	app.Get("/healthz", ok)
	app.Get("/orders/:id", fiberauth.New(auth), ok)
	app.Get("/items/:id<int>", fiberauth.New(auth), ok)
	app.Get("/files/*", fiberauth.New(auth), ok)
	app.Get("/all/+", fiberauth.New(auth), ok)
	app.Put("/orders/:id<guid>", ok) // forgotten
	app.Delete("/flights/:from-:to", ok)
	admin := app.Group("/admin", fiberauth.New(auth, validator.Scopes("admin")))
	admin.Post("/users", ok)

	var routes []string
	for _, route := range app.GetRoutes(true) {
		if route.Method != fiber.MethodHead { // which Fiber adds to each GET
			routes = append(routes, route.Method+" "+route.Path)
		}
	}
	slices.Sort(routes)
	want := []string{"DELETE /flights/:from-:to", "GET /healthz", "PUT /orders/:id<guid>"}
	if got := testutil.Unguarded(t, adaptor.FiberApp(app), routes...); len(routes) != 8 || !slices.Equal(got, want) {
		t.Errorf("Unguarded(%q) = %q, want %q", routes, got, want)
	}
}
