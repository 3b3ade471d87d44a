package fiberauth_test

import (
	"net"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/rsguard/rsguard/adapters/fiberauth"
	"github.com/rsguard/rsguard/internal/conforming"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// The adapter on a port, as clients see it. Fiber has no HTTP/2.
func TestConformance(t *testing.T) {
	t.Parallel()

	conforming.Run(t, conform.Target{}, func(auth *middleware.Authenticator, checks ...validator.Check) string {
		app := fiber.New(fiber.Config{ReadBufferSize: 64 << 10})
		app.All("/*", fiberauth.New(auth, checks...), func(c fiber.Ctx) error { return c.SendStatus(fiber.StatusOK) })
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
		t.Cleanup(func() {
			if err := app.Shutdown(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		return "http://" + listener.Addr().String() + "/orders"
	})
}
