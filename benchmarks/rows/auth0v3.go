package rows

import (
	"context"
	"net/http"
	"net/url"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
)

var auth0v3 = Row{
	Name:    "go-jwt-middleware v3, ValidateToken",
	Group:   Call,
	Role:    Peer,
	Modules: []string{"github.com/auth0/go-jwt-middleware/v3"},
	Open: func(ctx context.Context, issuer *Issuer) (Checker, error) {
		v, err := auth0v3Validator(issuer)
		if err != nil {
			return nil, err
		}

		return func(token string) Check {
			return func() (Claims, error) {
				value, err := v.ValidateToken(ctx, token)
				if err != nil {
					return Claims{}, err
				}

				return auth0v3Claims(value.(*validator.ValidatedClaims)), nil
			}
		}, nil
	},
}

var auth0v3Stack = Row{
	Name:    "go-jwt-middleware v3, net/http",
	Group:   Stack,
	Role:    Peer,
	Modules: []string{"github.com/auth0/go-jwt-middleware/v3"},
	Open: func(_ context.Context, issuer *Issuer) (Checker, error) {
		v, err := auth0v3Validator(issuer)
		if err != nil {
			return nil, err
		}
		middleware, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
		if err != nil {
			return nil, err
		}

		return stack(func(see func(Claims)) http.Handler {
			return middleware.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				validated, err := jwtmiddleware.GetClaims[*validator.ValidatedClaims](r.Context())
				if err != nil {
					w.WriteHeader(http.StatusInternalServerError)

					return
				}
				see(auth0v3Claims(validated))
			}))
		}), nil
	},
}

func auth0v3Validator(issuer *Issuer) (*validator.Validator, error) {
	address, err := url.Parse(issuer.URL)
	if err != nil {
		return nil, err
	}
	provider, err := jwks.NewCachingProvider(jwks.WithIssuerURL(address), jwks.WithCacheTTL(time.Hour))
	if err != nil {
		return nil, err
	}

	return validator.New(
		validator.WithKeyFunc(provider.KeyFunc),
		validator.WithAlgorithm(validator.SignatureAlgorithm(issuer.Algorithm)),
		validator.WithIssuer(issuer.URL),
		validator.WithAudience(Audience),
		validator.WithAllowedClockSkew(leeway),
		validator.WithCustomClaims(func() *auth0Claims { return new(auth0Claims) }),
	)
}

func auth0v3Claims(validated *validator.ValidatedClaims) Claims {
	return validated.CustomClaims.(*auth0Claims).view(validated.RegisteredClaims.Subject)
}
