// Command after is the same API, guarded by rsguard. gin-jwt makes the tokens.
package main

import (
	"log"
	"net/http"
	"time"

	ginjwt "github.com/appleboy/gin-jwt/v3"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/adapters/ginauth"
	rsguard "github.com/rsguard/rsguard/middleware"
	rsvalidator "github.com/rsguard/rsguard/validator"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

const (
	issuer   = "https://shop.example.com"
	audience = "https://shop.example.com/api"
)

var secret = []byte("a secret of at least 32 bytes ...")

func newAPI() (http.Handler, error) {
	tokens, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		Key:           secret,
		Timeout:       time.Hour,
		Authenticator: login,
		PayloadFunc: func(user any) jwt.MapClaims {
			return jwt.MapClaims{"iss": issuer, "aud": audience, "sub": user, "scope": "orders:read"}
		},
	})
	if err != nil {
		return nil, err
	}
	v, err := rsvalidator.New(rsvalidator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Secret:    secret,
	})
	if err != nil {
		return nil, err
	}
	auth, err := rsguard.New(rsguard.Config{Validator: v})
	if err != nil {
		return nil, err
	}

	g := gin.New()
	g.POST("/login", tokens.LoginHandler)
	g.POST("/refresh", tokens.RefreshHandler)
	g.GET("/orders", ginauth.New(auth, rsvalidator.Scopes("orders:read")), list)
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
	claims, _ := ginauth.Claims(c)
	c.String(http.StatusOK, "orders of %s\n", claims.Subject)
}
