package rows

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// The rows of rsguard.
var (
	Validate = Row{
		Name: "rsguard", Group: Call, Role: Ours,
		Open: func(ctx context.Context, issuer *Issuer) (Checker, error) { return validate(ctx, issuer, -1) },
	}
	Remembered = Row{
		Name: "rsguard, token remembered", Group: Call, Role: Ours,
		Open: func(ctx context.Context, issuer *Issuer) (Checker, error) { return validate(ctx, issuer, 0) },
	}
	netHTTP = Row{
		Name: "rsguard, net/http", Group: Stack, Role: Ours,
		Open: opened(func(auth *middleware.Authenticator, see func(Claims)) http.Handler {
			return auth.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				claims, _ := middleware.ClaimsFromContext(r.Context())
				see(view(claims))
			}))
		}),
	}
	echoRow = Row{
		Name: "rsguard, Echo", Group: Stack, Role: Ours,
		Open: opened(func(auth *middleware.Authenticator, see func(Claims)) http.Handler {
			e := echo.New()
			e.GET("/orders", func(c echo.Context) error {
				claims, _ := echoauth.Claims(c)
				see(view(claims))
				return nil
			}, echoauth.New(auth))
			return e
		}),
	}
	ginRow = Row{
		Name: "rsguard, Gin", Group: Stack, Role: Ours,
		Open: opened(func(auth *middleware.Authenticator, see func(Claims)) http.Handler {
			gin.SetMode(gin.ReleaseMode)
			g := gin.New()
			g.GET("/orders", ginauth.New(auth), func(c *gin.Context) {
				claims, _ := ginauth.Claims(c)
				see(view(claims))
			})
			return g
		}),
	}
)

// NewValidator returns a Validator of the issuer's tokens. It has fetched its
// keys.
func NewValidator(ctx context.Context, issuer *Issuer, cacheSize int) (*validator.Validator, error) {
	v, err := validator.New(validator.Config{
		Issuers:    []string{issuer.URL},
		Audiences:  []string{Audience},
		Algorithms: []validator.Algorithm{validator.Algorithm(issuer.Algorithm)},
		CacheSize:  cacheSize,
	})
	if err != nil {
		return nil, err
	}
	_, err = v.Validate(ctx, issuer.Token)
	return v, err
}

func validate(ctx context.Context, issuer *Issuer, cacheSize int) (Checker, error) {
	v, err := NewValidator(ctx, issuer, cacheSize)
	if err != nil {
		return nil, err
	}
	return func(token string) Check {
		return func() (Claims, error) {
			claims, err := v.Validate(ctx, token)
			if err != nil {
				return Claims{}, err
			}
			return view(claims), nil
		}
	}, nil
}

func opened(build func(*middleware.Authenticator, func(Claims)) http.Handler) func(context.Context, *Issuer) (Checker, error) {
	return func(ctx context.Context, issuer *Issuer) (Checker, error) {
		v, err := NewValidator(ctx, issuer, -1)
		if err != nil {
			return nil, err
		}
		auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		return stack(func(see func(Claims)) http.Handler { return build(auth, see) }), nil
	}
}

func view(c *validator.Claims) Claims {
	if c == nil {
		return Claims{}
	}
	return Claims{Subject: c.Subject, ClientID: c.ClientID, OrgID: c.OrgID, Permissions: c.Permissions}
}
