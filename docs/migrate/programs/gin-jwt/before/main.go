// Command before is an API that is guarded by gin-jwt.
package main

import (
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
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

const (
	userPool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123dEf"
	client   = "1example23456789"
)

func newAPI() (http.Handler, error) {
	keys, err := keyfunc.NewDefault([]string{userPool + "/.well-known/jwks.json"})
	if err != nil {
		return nil, err
	}
	guard, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		KeyFunc: keys.Keyfunc,
		ParseOptions: []jwt.ParserOption{
			jwt.WithValidMethods([]string{"RS256"}),
			jwt.WithIssuer(userPool),
		},
		IdentityKey: "sub",
		Authorizer: func(c *gin.Context, _ any) bool {
			claims := ginjwt.ExtractClaims(c)
			scope, _ := claims["scope"].(string)
			return claims["token_use"] == "access" && claims["client_id"] == client &&
				slices.Contains(strings.Fields(scope), "shop/orders.read")
		},
	})
	if err != nil {
		return nil, err
	}

	g := gin.New()
	g.GET("/orders", guard.MiddlewareFunc(), list)
	return g, nil
}

func list(c *gin.Context) {
	c.String(http.StatusOK, "orders of %s\n", ginjwt.ExtractClaims(c)["sub"])
}
