package humaauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/internal/conforming"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// The adapter on a port, as clients see it.
func TestConformance(t *testing.T) {
	t.Parallel()

	conforming.Run(t, conform.Target{}, conforming.Handler(t, func(auth *middleware.Authenticator, checks []validator.Check, _ http.Handler) http.Handler {
		mux := http.NewServeMux()
		api := humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
		op := huma.Operation{OperationID: "orders", Method: http.MethodGet, Path: "/orders"}
		op.Middlewares = huma.Middlewares{humaauth.New(api, auth, checks...)}
		huma.Register(api, op, func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
		return mux
	}))
}
