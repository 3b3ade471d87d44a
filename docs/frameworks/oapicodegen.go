package frameworks

import (
	"context"
	"errors"
	"net/http"

	"github.com/rsguard/rsguard/docs/frameworks/oapi"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// OapiCodegen returns the routes of the block for it.
func OapiCodegen(auth *middleware.Authenticator, server oapi.ServerInterface) http.Handler {
	read := auth.Require(validator.Scopes("orders:read"))
	none := auth.Require(func(context.Context, *validator.Claims) error { return errNotListed })
	return oapi.HandlerWithOptions(server, oapi.StdHTTPServerOptions{
		Middlewares: []oapi.MiddlewareFunc{func(next http.Handler) http.Handler {
			routes := map[string]http.Handler{
				"GET /health": next, // public
				"GET /orders": read(next),
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if route, ok := routes[r.Pattern]; ok {
					route.ServeHTTP(w, r)
					return
				}
				none(next).ServeHTTP(w, r) // an operation that was added later
			})
		}},
	})
}

var errNotListed = errors.New("the operation is not in the list of routes")
