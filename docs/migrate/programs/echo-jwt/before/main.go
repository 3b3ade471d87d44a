// Command before is an API that is guarded by echo-jwt.
package main

import (
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
)

func main() {
	api, err := newAPI()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", api))
}

const realm = "https://sso.example.com/realms/shop"

func newAPI() (http.Handler, error) {
	keys, err := keyfunc.NewDefault([]string{realm + "/protocol/openid-connect/certs"})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}),
		jwt.WithIssuer(realm),
		jwt.WithAudience("orders-api"),
		jwt.WithExpirationRequired(),
	)
	guard, err := echojwt.Config{
		ParseTokenFunc: func(_ echo.Context, token string) (any, error) {
			return parser.ParseWithClaims(token, new(orderClaims), keys.Keyfunc)
		},
	}.ToMiddleware()
	if err != nil {
		return nil, err
	}

	e := echo.New()
	e.GET("/orders", list, guard, requireScope("orders:read"))
	return e, nil
}

type orderClaims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

func claimsOf(c echo.Context) *orderClaims {
	return c.Get("user").(*jwt.Token).Claims.(*orderClaims)
}

func requireScope(scope string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !slices.Contains(strings.Fields(claimsOf(c).Scope), scope) {
				return echo.NewHTTPError(http.StatusForbidden, "insufficient scope")
			}
			return next(c)
		}
	}
}

func list(c echo.Context) error {
	return c.String(http.StatusOK, "orders of "+claimsOf(c).Subject+"\n")
}
