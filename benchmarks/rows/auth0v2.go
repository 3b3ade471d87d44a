package rows

import (
	"context"
	"net/http"
	"net/url"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/jwks"
	"github.com/auth0/go-jwt-middleware/v2/validator"
)

var auth0v2 = Row{
	Name:    "go-jwt-middleware v2, ValidateToken",
	Group:   Call,
	Role:    Peer,
	Modules: []string{"github.com/auth0/go-jwt-middleware/v2"},
	Open: func(ctx context.Context, issuer *Issuer) (Checker, error) {
		v, err := auth0v2Validator(issuer)
		if err != nil {
			return nil, err
		}

		return func(token string) Check {
			return func() (Claims, error) {
				value, err := v.ValidateToken(ctx, token)
				if err != nil {
					return Claims{}, err
				}

				return auth0v2Claims(value), nil
			}
		}, nil
	},
}

var auth0v2Stack = Row{
	Name:    "go-jwt-middleware v2, net/http",
	Group:   Stack,
	Role:    Peer,
	Modules: []string{"github.com/auth0/go-jwt-middleware/v2"},
	Open: func(_ context.Context, issuer *Issuer) (Checker, error) {
		v, err := auth0v2Validator(issuer)
		if err != nil {
			return nil, err
		}
		middleware := jwtmiddleware.New(v.ValidateToken)

		return stack(func(see func(Claims)) http.Handler {
			return middleware.CheckJWT(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				see(auth0v2Claims(r.Context().Value(jwtmiddleware.ContextKey{})))
			}))
		}), nil
	},
}

func auth0v2Validator(issuer *Issuer) (*validator.Validator, error) {
	address, err := url.Parse(issuer.URL)
	if err != nil {
		return nil, err
	}

	return validator.New(
		jwks.NewCachingProvider(address, time.Hour).KeyFunc,
		validator.SignatureAlgorithm(issuer.Algorithm),
		issuer.URL,
		[]string{Audience},
		validator.WithAllowedClockSkew(leeway),
		validator.WithCustomClaims(func() validator.CustomClaims { return new(auth0Claims) }),
	)
}

func auth0v2Claims(value any) Claims {
	validated := value.(*validator.ValidatedClaims)

	return validated.CustomClaims.(*auth0Claims).view(validated.RegisteredClaims.Subject)
}

// auth0Claims are private claims in the form that both versions of
// go-jwt-middleware require.
type auth0Claims struct{ private }

func (*auth0Claims) Validate(context.Context) error { return nil }
