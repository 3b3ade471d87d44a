// Command before is an API that logs users in and is guarded by gin-jwt.
package main

import (
	"log"
	"net/http"
	"slices"
	"strings"
	"time"

	ginjwt "github.com/appleboy/gin-jwt/v3"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

var secret = []byte("a secret of at least 32 bytes ...")

func newAPI() (http.Handler, error) {
	guard, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		Key:           secret,
		Timeout:       time.Hour,
		IdentityKey:   "sub",
		Authenticator: login,
		PayloadFunc: func(user any) jwt.MapClaims {
			return jwt.MapClaims{"sub": user, "scope": "orders:read"}
		},
		Authorizer: func(c *gin.Context, _ any) bool {
			scope, _ := ginjwt.ExtractClaims(c)["scope"].(string)
			return slices.Contains(strings.Fields(scope), "orders:read")
		},
	})
	if err != nil {
		return nil, err
	}

	g := gin.New()
	g.POST("/login", guard.LoginHandler)
	g.POST("/refresh", guard.RefreshHandler)
	g.GET("/orders", guard.MiddlewareFunc(), list)
	return g, nil
}

func login(c *gin.Context) (any, error) {
	user, password := c.PostForm("username"), c.PostForm("password")
	if user != "anna" || password != "correct horse" {
		return nil, ginjwt.ErrFailedAuthentication
	}
	return user, nil
}

func list(c *gin.Context) {
	c.String(http.StatusOK, "orders of %s\n", ginjwt.ExtractClaims(c)["sub"])
}
