package rows

import (
	"context"
	"errors"

	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

var jwx3 = Row{
	Name:    "jwx v3 jwt.Parse",
	Group:   Call,
	Role:    Peer,
	Modules: []string{"github.com/lestrrat-go/jwx/v3"},
	Open: func(ctx context.Context, issuer *Issuer) (Checker, error) {
		cache, err := jwk.NewCache(ctx, httprc.NewClient())
		if err != nil {
			return nil, err
		}
		if err := cache.Register(ctx, issuer.KeySetURL); err != nil {
			return nil, err
		}
		keys, err := cache.CachedSet(issuer.KeySetURL)
		if err != nil {
			return nil, err
		}
		options := []jwt.ParseOption{
			jwt.WithKeySet(keys),
			jwt.WithIssuer(issuer.URL),
			jwt.WithAudience(Audience),
			jwt.WithRequiredClaim(jwt.ExpirationKey),
			jwt.WithAcceptableSkew(leeway),
			jwt.WithTypedClaim("permissions", []string(nil)),
		}

		return func(token string) Check {
			return func() (Claims, error) {
				t, err := jwt.ParseString(token, options...)
				if err != nil {
					return Claims{}, err
				}
				var c Claims
				c.Subject, _ = t.Subject()
				err = errors.Join(
					t.Get("azp", &c.ClientID),
					t.Get("org_id", &c.OrgID),
					t.Get("permissions", &c.Permissions),
				)

				return c, err
			}
		}, nil
	},
}
