package echoauth_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/internal/conforming"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// The adapter on a port, as clients see it.
func TestConformance(t *testing.T) {
	t.Parallel()

	conforming.Run(t, conform.Target{}, conforming.Handler(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		e := echo.New()
		e.Any("/*", echo.WrapHandler(next), echoauth.New(auth, checks...))
		return e
	}))
}
