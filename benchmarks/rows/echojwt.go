package rows

import (
	"context"
	"net/http"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
)

// echoJWT parses tokens with golang-jwt and keyfunc, as its documentation
// shows, so that issuer and audience are checked as well.
var echoJWT = Row{
	Name:    "echo-jwt v4, golang-jwt v5 + keyfunc v3, Echo",
	Group:   Stack,
	Role:    Peer,
	Modules: []string{"github.com/labstack/echo-jwt/v4"},
	Open: func(ctx context.Context, issuer *Issuer) (Checker, error) {
		keys, err := keyfunc.NewDefaultCtx(ctx, []string{issuer.KeySetURL})
		if err != nil {
			return nil, err
		}
		parser := jwt.NewParser(golangJWTOptions(issuer)...)
		middleware, err := echojwt.Config{
			ParseTokenFunc: func(_ echo.Context, token string) (any, error) {
				return parser.ParseWithClaims(token, new(golangJWTClaims), keys.Keyfunc)
			},
		}.ToMiddleware()
		if err != nil {
			return nil, err
		}

		return stack(func(see func(Claims)) http.Handler {
			e := echo.New()
			e.GET("/orders", func(c echo.Context) error {
				see(c.Get("user").(*jwt.Token).Claims.(*golangJWTClaims).view())

				return nil
			}, middleware)

			return e
		}), nil
	},
}
