package frameworks

import (
	"net/http"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// ServeMux returns the routes of the block for it.
func ServeMux(auth *middleware.Authenticator, health, orders http.HandlerFunc) http.Handler {
	guarded := http.NewServeMux()
	guarded.HandleFunc("GET /orders", orders)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health) // public
	mux.Handle("/", auth.Require(validator.Scopes("orders:read"))(guarded))
	return mux
}
