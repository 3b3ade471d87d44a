package servers_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	ginjwt "github.com/appleboy/gin-jwt/v3"
	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
)

// The APIs are those of docs/migrate before the migration, with the mock issuer
// and its shape of tokens.

func orders(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("orders")) }

func hasScope(claim string) bool { return slices.Contains(strings.Fields(claim), scope) }

type orderClaims struct {
	jwt.RegisteredClaims

	Scope string `json:"scope"`
}

func goJWTMiddleware(_ context.Context, issuer string) (http.Handler, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	provider, err := jwks.NewCachingProvider(jwks.WithIssuerURL(u))
	if err != nil {
		return nil, err
	}
	v, err := validator.New(
		validator.WithKeyFunc(provider.KeyFunc),
		validator.WithAlgorithm(validator.RS256),
		validator.WithIssuer(issuer),
		validator.WithAudience(audience),
		validator.WithCustomClaims(func() *scopeClaims { return new(scopeClaims) }),
	)
	if err != nil {
		return nil, err
	}
	guard, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		return nil, err
	}
	return guard.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := jwtmiddleware.MustGetClaims[*validator.ValidatedClaims](r.Context())
		if claims, ok := token.CustomClaims.(*scopeClaims); !ok || !hasScope(claims.Scope) {
			http.Error(w, "insufficient scope", http.StatusForbidden)
			return
		}
		orders(w, r)
	})), nil
}

type scopeClaims struct {
	Scope string `json:"scope"`
}

func (*scopeClaims) Validate(context.Context) error { return nil }

func echoJWT(ctx context.Context, issuer string) (http.Handler, error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{issuer + ".well-known/jwks.json"})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
	)
	guard, err := echojwt.Config{ParseTokenFunc: func(_ echo.Context, token string) (any, error) {
		return parser.ParseWithClaims(token, new(orderClaims), keys.Keyfunc)
	}}.ToMiddleware()
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.GET("/orders", func(c echo.Context) error {
		if token, ok := c.Get("user").(*jwt.Token); !ok || !hasScope(token.Claims.(*orderClaims).Scope) {
			return echo.NewHTTPError(http.StatusForbidden, "insufficient scope")
		}
		return c.String(http.StatusOK, "orders")
	}, guard)
	return e, nil
}

func ginJWT(ctx context.Context, issuer string) (http.Handler, error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{issuer + ".well-known/jwks.json"})
	if err != nil {
		return nil, err
	}
	guard, err := ginjwt.New(&ginjwt.GinJWTMiddleware{
		KeyFunc: keys.Keyfunc,
		ParseOptions: []jwt.ParserOption{
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
		},
		IdentityKey: "sub",
		Authorizer: func(c *gin.Context, _ any) bool {
			claim, _ := ginjwt.ExtractClaims(c)["scope"].(string)
			return hasScope(claim)
		},
	})
	if err != nil {
		return nil, err
	}
	g := gin.New()
	g.GET("/orders", guard.MiddlewareFunc(), gin.WrapF(orders))
	return g, nil
}

func goOIDC(ctx context.Context, issuer string) (http.Handler, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	verifier := provider.VerifierContext(ctx, &oidc.Config{ClientID: audience})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "missing token", http.StatusUnauthorized)
			return
		}
		token, err := verifier.Verify(r.Context(), raw)
		if err != nil {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return
		}
		var claims orderClaims
		if err := token.Claims(&claims); err != nil || !hasScope(claims.Scope) {
			http.Error(w, "insufficient scope", http.StatusForbidden)
			return
		}
		orders(w, r)
	}), nil
}
