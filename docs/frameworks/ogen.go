package frameworks

import (
	"context"
	"errors"
	"net/http"

	"github.com/rsguard/rsguard/docs/frameworks/ogen"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Ogen returns the routes of the block for it.
func Ogen(auth *middleware.Authenticator, handler ogen.Handler) (http.Handler, error) {
	server, err := ogen.NewServer(handler, security{})
	if err != nil {
		return nil, err
	}
	read := auth.Require(validator.Scopes(ogen.GetOAuth2ScopesForOAuth(ogen.ListOrdersOperation)...))
	routes := map[string]http.Handler{
		ogen.GetHealthOperation:  server, // public
		ogen.ListOrdersOperation: read(server),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, _ := server.FindPath(r.Method, r.URL)
		if guarded, ok := routes[route.Name()]; ok {
			guarded.ServeHTTP(w, r)
			return
		}
		auth.Handler(server).ServeHTTP(w, r) // security rejects what was added later
	}), nil
}

// security requires that a Guard has admitted the request for the operation.
type security struct{}

func (security) HandleOAuth(ctx context.Context, name ogen.OperationName, _ ogen.OAuth) (context.Context, error) {
	claims, ok := middleware.ClaimsFromContext(ctx)
	if !ok {
		return nil, errors.New("no Guard has admitted the request")
	}
	return ctx, validator.Scopes(ogen.GetOAuth2ScopesForOAuth(name)...)(ctx, claims)
}
