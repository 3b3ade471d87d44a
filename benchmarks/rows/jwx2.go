package rows

import (
	"context"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

var jwx2 = Row{
	Name:    "jwx v2 jwt.Parse",
	Group:   Call,
	Role:    Peer,
	Modules: []string{"github.com/lestrrat-go/jwx/v2"},
	Open: func(ctx context.Context, issuer *Issuer) (Checker, error) {
		cache := jwk.NewCache(ctx)
		if err := cache.Register(issuer.KeySetURL); err != nil {
			return nil, err
		}
		if _, err := cache.Refresh(ctx, issuer.KeySetURL); err != nil {
			return nil, err
		}
		options := []jwt.ParseOption{
			jwt.WithKeySet(jwk.NewCachedSet(cache, issuer.KeySetURL)),
			jwt.WithIssuer(issuer.URL),
			jwt.WithAudience(Audience),
			jwt.WithRequiredClaim(jwt.ExpirationKey),
			jwt.WithAcceptableSkew(leeway),
		}

		return func(token string) Check {
			return func() (Claims, error) {
				t, err := jwt.ParseString(token, options...)
				if err != nil {
					return Claims{}, err
				}

				return Claims{
					Subject:     t.Subject(),
					ClientID:    stringOf(t.Get("azp")),
					OrgID:       stringOf(t.Get("org_id")),
					Permissions: stringsOf(t.Get("permissions")),
				}, nil
			}
		}, nil
	},
}

func stringOf(value any, _ bool) string {
	s, _ := value.(string)

	return s
}

func stringsOf(value any, _ bool) []string {
	elements, _ := value.([]any)
	result := make([]string, 0, len(elements))
	for _, e := range elements {
		result = append(result, stringOf(e, true))
	}

	return result
}
