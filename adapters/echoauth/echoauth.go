// Package echoauth guards Echo routes with a [middleware.Authenticator].
//
//	e.GET("/orders", list, echoauth.New(auth))
//	e.POST("/orders", create, echoauth.New(auth, rsvalidator.Scopes("orders:write")))
//	claims, ok := echoauth.Claims(c) // in list and create
//
// Echo has a package middleware of its own, and Echo programs often import a
// package validator. So the examples import ours as rsguard and rsvalidator.
//
// The decision and the standards behind it are package middleware's.
package echoauth

import (
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns an Echo middleware that does what auth's Require does. Echo's
// request is replaced by the one with the claims in its context, so that they
// are found there too by code that doesn't know of Echo.
//
// The response to a rejected request is that of net/http: by the ErrorHandler
// of [middleware.Config], or a line of text. Echo's HTTPErrorHandler is not
// called. New panics if a check is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) echo.MiddlewareFunc {
	guard := auth.Guard(checks...)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r, refusal := guard.Do(c.Response().Header(), c.Request())
			if refusal == nil {
				c.SetRequest(r)
				return next(c)
			}
			if !c.Response().Committed { // by what came before
				refusal.ServeHTTP(c.Response(), c.Request())
			}
			return nil
		}
	}
}

// Claims returns the claims of c's token, as [middleware.ClaimsFromContext]
// does.
func Claims(c echo.Context) (*validator.Claims, bool) {
	if c.Request() == nil { // as in a context made by a test
		return nil, false
	}
	return middleware.ClaimsFromContext(c.Request().Context())
}
