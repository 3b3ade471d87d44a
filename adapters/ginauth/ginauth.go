// Package ginauth guards Gin routes with a [middleware.Authenticator].
//
//	g.GET("/orders", ginauth.New(auth), list)
//	g.POST("/orders", ginauth.New(auth, rsvalidator.Scopes("orders:write")), create)
//	claims, ok := ginauth.Claims(c) // in list and create
//
// Gin programs often have packages middleware and validator of their own, or of
// others. So the examples import ours as rsguard and rsvalidator.
//
// The decision and the standards behind it are package middleware's.
package ginauth

import (
	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns a Gin middleware that does what auth's Require does. c.Request is
// replaced by the one with the claims in its context, so that they are found
// there too by code that doesn't know of Gin.
//
// A rejected request is aborted, and its response is that of net/http: by the
// ErrorHandler of [middleware.Config], or a line of text. New panics if a check
// is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) gin.HandlerFunc {
	guard := auth.Guard(checks...)
	return func(c *gin.Context) {
		r, refusal := guard.Do(c.Writer.Header(), c.Request)
		if refusal != nil {
			c.Abort()
			refusal.ServeHTTP(c.Writer, c.Request)
			return
		}
		c.Request = r
	}
}

// Claims returns the claims of c's token, as [middleware.ClaimsFromContext]
// does.
func Claims(c *gin.Context) (*validator.Claims, bool) {
	if c.Request == nil { // as in a context made by a test
		return nil, false
	}
	return middleware.ClaimsFromContext(c.Request.Context())
}
