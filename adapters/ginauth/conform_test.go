package ginauth_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/internal/conforming"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// The adapter on a port, as clients see it.
func TestConformance(t *testing.T) {
	t.Parallel()

	conforming.Run(t, conform.Target{}, conforming.Handler(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		g := gin.New()
		g.Any("/*path", ginauth.New(auth, checks...), gin.WrapH(next))
		return g
	}))
}
