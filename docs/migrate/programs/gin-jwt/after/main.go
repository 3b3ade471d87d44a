// Command after is the same API, guarded by rsguard.
package main

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/issuers"
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

func newAPI() (http.Handler, error) {
	cfg, err := issuers.Cognito("eu-central-1", "eu-central-1_AbC123dEf", "1example23456789")
	if err != nil {
		return nil, err
	}
	v, err := rsvalidator.New(cfg)
	if err != nil {
		return nil, err
	}
	auth, err := rsguard.New(rsguard.Config{Validator: v})
	if err != nil {
		return nil, err
	}

	g := gin.New()
	g.GET("/orders", ginauth.New(auth, rsvalidator.Scopes("shop/orders.read")), list)
	return g, nil
}

func list(c *gin.Context) {
	claims, _ := ginauth.Claims(c)
	c.String(http.StatusOK, "orders of %s\n", claims.Subject)
}
