package frameworks

import (
	"net/http"

	"github.com/julienschmidt/httprouter"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// HTTPRouter returns the routes of the block for it.
func HTTPRouter(auth *middleware.Authenticator, health, orders http.HandlerFunc) http.Handler {
	r := httprouter.New()
	read := auth.Require(validator.Scopes("orders:read"))
	r.Handler("GET", "/health", health) // public
	r.Handler("GET", "/orders", read(orders))
	return r // httprouter.ParamsFromContext has the parameters
}
