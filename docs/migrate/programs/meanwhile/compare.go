package meanwhile

import (
	"net/http"

	old "github.com/auth0/go-jwt-middleware/v2/validator"

	"github.com/rsguard/rsguard/middleware"
)

// OldDecision is for Compare of middleware.Config.
func OldDecision(v *old.Validator) func(*http.Request) error {
	return func(r *http.Request) error {
		token, err := middleware.BearerToken(r)
		if err != nil {
			return err
		}
		_, err = v.ValidateToken(r.Context(), token)
		return err
	}
}
