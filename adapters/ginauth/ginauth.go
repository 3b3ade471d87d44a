// Package ginauth guards Gin routes with a [middleware.Authenticator].
//
//	g.GET("/orders", ginauth.New(auth), list)
//	g.POST("/orders", ginauth.New(auth, rsvalidator.Scopes("orders:write")), create)
//	claims, ok := ginauth.Claims(c) // in list and create
//
// Programs on Gin often have other packages named middleware and validator. The
// examples therefore import ours as rsguard and rsvalidator.
//
// Package middleware makes the decision, and documents the standards behind it.
package ginauth

import (
	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns a Gin middleware that decides as auth's Require does. It replaces
// c.Request by one with the claims in its context, so that code that doesn't
// use Gin finds them too.
//
// A rejected request is aborted. Its response is that of net/http, written by
// the ErrorHandler of [middleware.Config], or a line of text. New panics if a
// check is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) gin.HandlerFunc {
	guard := auth.Guard(checks...)
	return func(c *gin.Context) {
		if c.FullPath() != "" {
			c.Request.Pattern = c.FullPath() // for the log and Observe
		}
		r, refusal := guard.Do(c.Writer.Header(), c.Request)
		if refusal != nil {
			c.Abort()
			refusal.ServeHTTP(c.Writer, c.Request)
			return
		}
		c.Request = r
		c.Next()
		guard.Done(r.Context())
	}
}

// Claims returns the claims of the request's token, as
// [middleware.ClaimsFromContext] does.
func Claims(c *gin.Context) (*validator.Claims, bool) {
	if c.Request == nil { // such as in a context made by a test
		return nil, false
	}
	return middleware.ClaimsFromContext(c.Request.Context())
}
