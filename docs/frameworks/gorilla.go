package frameworks

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Gorilla returns the routes of the block for it.
func Gorilla(auth *middleware.Authenticator, health, orders http.HandlerFunc) http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/health", health).Methods("GET") // public
	guarded := r.NewRoute().Subrouter()
	guarded.Use(auth.Require(validator.Scopes("orders:read")))
	guarded.HandleFunc("/orders", orders).Methods("GET")
	return r
}
