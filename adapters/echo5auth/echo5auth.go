// Package echo5auth guards routes of Echo v5 with a [middleware.Authenticator].
//
//	e.GET("/orders", list, echo5auth.New(auth))
//	e.POST("/orders", create, echo5auth.New(auth, validator.Scopes("orders:write")))
//	claims, ok := echo5auth.Claims(c) // in list and create
//
// Package middleware makes the decision, and documents the standards behind it.
// For Echo v4 there is package echoauth.
package echo5auth

import (
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns an Echo middleware that decides as auth's Require does. It
// replaces Echo's request by one with the claims in its context, so that code
// that doesn't use Echo finds them too.
//
// For a rejected request it sets the header of the response and returns an
// [echo.HTTPError] with the status, which wraps the [middleware.Refusal]. The
// body is that of Echo's HTTPErrorHandler, and the ErrorHandler of
// [middleware.Config] is not called. The text of the wrapped error is for the
// log. An HTTPErrorHandler must not write it into the response, as Echo's own
// does if it is asked to expose errors. New panics if a check is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) echo.MiddlewareFunc {
	guard := auth.Guard(checks...)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if c.Path() != "" {
				c.Request().Pattern = c.Path() // for the log and Observe
			}
			r, refusal := guard.Do(c.Response().Header(), c.Request())
			if refusal != nil {
				return echo.HTTPError{Code: refusal.Status, Message: http.StatusText(refusal.Status)}.Wrap(refusal)
			}
			c.SetRequest(r)
			err := next(c)
			guard.Done(r.Context())
			return err
		}
	}
}

// Claims returns the claims of the request's token, as
// [middleware.ClaimsFromContext] does.
func Claims(c *echo.Context) (*validator.Claims, bool) {
	if c.Request() == nil { // such as in a context made by a test
		return nil, false
	}
	return middleware.ClaimsFromContext(c.Request().Context())
}
