package rows

import (
	"context"

	"github.com/coreos/go-oidc/v3/oidc"
)

var goOIDC = Row{
	Name:    "go-oidc v3, Verify and Claims",
	Group:   Call,
	Role:    Peer,
	Modules: []string{"github.com/coreos/go-oidc/v3"},
	Open: func(ctx context.Context, issuer *Issuer) (Checker, error) {
		provider, err := oidc.NewProvider(ctx, issuer.URL)
		if err != nil {
			return nil, err
		}
		verifier := provider.Verifier(&oidc.Config{
			ClientID:             Audience,
			SupportedSigningAlgs: []string{issuer.Algorithm},
		})

		return func(token string) Check {
			return func() (Claims, error) {
				t, err := verifier.Verify(ctx, token)
				if err != nil {
					return Claims{}, err
				}
				var p private
				if err := t.Claims(&p); err != nil {
					return Claims{}, err
				}

				return p.view(t.Subject), nil
			}
		}, nil
	},
}
