package rows

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// goJOSE has its keys in memory: the library does not fetch any.
var goJOSE = Row{
	Name:    "go-jose v4",
	Group:   Call,
	Role:    Peer,
	Modules: []string{"github.com/go-jose/go-jose/v4"},
	Open: func(_ context.Context, issuer *Issuer) (Checker, error) {
		var keys jose.JSONWebKeySet
		if err := json.Unmarshal(issuer.KeySet, &keys); err != nil {
			return nil, err
		}
		algorithms := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(issuer.Algorithm)}

		return func(token string) Check {
			return func() (Claims, error) {
				t, err := jwt.ParseSigned(token, algorithms)
				if err != nil {
					return Claims{}, err
				}
				var c goJOSEClaims
				if err := t.Claims(&keys, &c); err != nil {
					return Claims{}, err
				}
				expected := jwt.Expected{Issuer: issuer.URL, AnyAudience: jwt.Audience{Audience}, Time: time.Now()}
				if err := c.ValidateWithLeeway(expected, leeway); err != nil {
					return Claims{}, err
				}

				return c.view(c.Subject), nil
			}
		}, nil
	},
}

type goJOSEClaims struct {
	jwt.Claims
	private
}
