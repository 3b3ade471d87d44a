// Command after is the same API, guarded by rsguard.
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
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
	v, err := rsvalidator.New(issuers.Keycloak("https://sso.example.com/realms/shop", "orders-api"))
	if err != nil {
		return nil, err
	}
	auth, err := rsguard.New(rsguard.Config{Validator: v})
	if err != nil {
		return nil, err
	}

	e := echo.New()
	e.GET("/orders", list, echoauth.New(auth, rsvalidator.Scopes("orders:read")))
	return e, nil
}

func list(c echo.Context) error {
	claims, _ := echoauth.Claims(c)
	return c.String(http.StatusOK, "orders of "+claims.Subject+"\n")
}
