// Package echoauth guards Echo routes with a [middleware.Authenticator].
//
//	e.GET("/orders", list, echoauth.New(auth))
//	e.POST("/orders", create, echoauth.New(auth, rsvalidator.Scopes("orders:write")))
//	claims, ok := echoauth.Claims(c) // in list and create
//
// Echo has a package named middleware, and programs on Echo often import a
// package validator. The examples therefore import ours as rsguard and
// rsvalidator.
//
// Package middleware makes the decision, and documents the standards behind it.
package echoauth

import (
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns an Echo middleware that decides as auth's Require does. It
// replaces Echo's request by one with the claims in its context, so that code
// that doesn't use Echo finds them too.
//
// The response to a rejected request is that of net/http, written by the
// ErrorHandler of [middleware.Config], or a line of text. Echo's
// HTTPErrorHandler is not called. New panics if a check is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) echo.MiddlewareFunc {
	guard := auth.Guard(checks...)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if c.Path() != "" {
				c.Request().Pattern = c.Path() // for the log and Observe
			}
			r, refusal := guard.Do(c.Response().Header(), c.Request())
			if refusal == nil {
				c.SetRequest(r)
				err := next(c)
				guard.Done(r.Context())
				return err
			}
			if !c.Response().Committed { // not by an earlier handler
				refusal.ServeHTTP(c.Response(), c.Request())
			}
			return nil
		}
	}
}

// Claims returns the claims of the request's token, as
// [middleware.ClaimsFromContext] does.
func Claims(c echo.Context) (*validator.Claims, bool) {
	if c.Request() == nil { // such as in a context made by a test
		return nil, false
	}
	return middleware.ClaimsFromContext(c.Request().Context())
}
