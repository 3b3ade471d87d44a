// Package ginauth guards Gin routes with a [middleware.Authenticator].
//
//	g.GET("/orders", ginauth.New(auth), list)
//	g.POST("/orders", ginauth.New(auth, validator.Scopes("orders:write")), create)
//	claims, ok := ginauth.Claims(c) // in list and create
//
// The decision and the standards behind it are package middleware's.
package ginauth

import (
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns a Gin middleware that does what auth's Require does. c.Request is replaced by the one with the claims in
// its context, so that they are found there too by code that doesn't know of Gin.
//
// A refused request is aborted with its status, its challenge and no body, and the cause is added to c.Errors, once.
// The header is sent by then, so that no error handler can make another status of it. The ErrorHandler of
// [middleware.Config] is not called; a handler that answers with a body is made of auth's Authenticate and Challenge,
// in the lines of this one. New panics if a check is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) gin.HandlerFunc {
	auth.Require(checks...)       // for its panic
	checks = slices.Clone(checks) // what the caller appends to is not the route's
	return func(c *gin.Context) {
		r, err := auth.Authenticate(c.Request, checks...)
		if err != nil {
			status := auth.Challenge(c.Writer.Header(), err)
			_ = c.AbortWithError(status, err)
			return
		}
		auth.Admit(c.Writer.Header(), r)
		c.Request = r
	}
}

// Claims returns the claims of c's token, as [middleware.ClaimsFromContext] does.
func Claims(c *gin.Context) (*validator.Claims, bool) {
	if c.Request == nil { // as in a context made by a test
		return nil, false
	}
	return middleware.ClaimsFromContext(c.Request.Context())
}
