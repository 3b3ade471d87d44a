package rows

import (
	"context"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// leeway is the same for all rows.
const leeway = 30 * time.Second

// GolangJWT is the fastest peer in use.
var GolangJWT = Row{
	Name:    "golang-jwt v5 + keyfunc v3",
	Group:   Call,
	Role:    Peer,
	Modules: []string{"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"},
	Open: func(ctx context.Context, issuer *Issuer) (Checker, error) {
		keys, err := keyfunc.NewDefaultCtx(ctx, []string{issuer.KeySetURL})
		if err != nil {
			return nil, err
		}
		parser := jwt.NewParser(golangJWTOptions(issuer)...)

		return func(token string) Check {
			return func() (Claims, error) {
				var c golangJWTClaims
				if _, err := parser.ParseWithClaims(token, &c, keys.Keyfunc); err != nil {
					return Claims{}, err
				}

				return c.view(), nil
			}
		}, nil
	},
}

func golangJWTOptions(issuer *Issuer) []jwt.ParserOption {
	return []jwt.ParserOption{
		jwt.WithValidMethods([]string{issuer.Algorithm}),
		jwt.WithIssuer(issuer.URL),
		jwt.WithAudience(Audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
	}
}

type golangJWTClaims struct {
	jwt.RegisteredClaims
	private
}

func (c *golangJWTClaims) view() Claims { return c.private.view(c.Subject) }

// private are the claims that a library does not read by itself, as its user
// would declare them.
type private struct {
	Scope       string   `json:"scope"`
	ClientID    string   `json:"azp"`
	OrgID       string   `json:"org_id"`
	Permissions []string `json:"permissions"`
}

func (p private) view(subject string) Claims {
	return Claims{Subject: subject, ClientID: p.ClientID, OrgID: p.OrgID, Permissions: p.Permissions}
}
