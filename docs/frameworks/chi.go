package frameworks

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Chi returns the routes of the block for it.
func Chi(auth *middleware.Authenticator, health, orders http.HandlerFunc) http.Handler {
	r := chi.NewRouter()
	r.Get("/health", health) // public
	r.Group(func(r chi.Router) {
		r.Use(auth.Require(validator.Scopes("orders:read")))
		r.Get("/orders", orders)
	})
	return r
}
