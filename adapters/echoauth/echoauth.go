// Package echoauth guards Echo routes with a [middleware.Authenticator].
//
//	e.GET("/orders", list, echoauth.New(auth))
//	e.POST("/orders", create, echoauth.New(auth, validator.Scopes("orders:write")))
//	claims, ok := echoauth.Claims(c) // in list and create
//
// The decision and the standards behind it are package middleware's.
package echoauth

import (
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns an Echo middleware that does what auth's Require does. Echo's request is replaced by the one with the
// claims in its context, so that they are found there too by code that doesn't know of Echo.
//
// A refused request gets its challenge into the response's header, and the error returned is an [*echo.HTTPError] with
// the status, and with the cause as its Internal error: the body is the business of Echo's HTTPErrorHandler, and the
// ErrorHandler of [middleware.Config] is not called. Note that Echo's own, with Echo.Debug on, shows causes to clients.
// New panics if a check is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) echo.MiddlewareFunc {
	auth.Require(checks...)       // for its panic
	checks = slices.Clone(checks) // what the caller appends to is not the route's
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r, err := auth.Authenticate(c.Request(), checks...)
			if err != nil {
				status := auth.Challenge(c.Response().Header(), err)
				return echo.NewHTTPError(status).SetInternal(err)
			}
			auth.Admit(c.Response().Header(), r)
			c.SetRequest(r)
			return next(c)
		}
	}
}

// Claims returns the claims of c's token, as [middleware.ClaimsFromContext] does.
func Claims(c echo.Context) (*validator.Claims, bool) {
	if c.Request() == nil { // as in a context made by a test
		return nil, false
	}
	return middleware.ClaimsFromContext(c.Request().Context())
}
