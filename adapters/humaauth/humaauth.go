// Package humaauth guards operations of Huma v2 with a
// [middleware.Authenticator].
//
//	err := humaauth.Secure(api, humaauth.Config{
//		Schemes: map[string]humaauth.Scheme{"oauth": {Auth: auth}},
//	})
//
//	huma.Register(api, huma.Operation{
//		Method: "POST", Path: "/orders",
//		Security: []map[string][]string{{"oauth": {"orders:write"}}},
//	}, create)
//
//	claims, ok := humaauth.Claims(ctx) // in create
//
// Package middleware makes the decision, and documents the standards behind it.
package humaauth

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns a middleware that decides as auth's Require does, for an operation
// or a group. It does not read Security, and what it does is not in the OpenAPI
// document. Use [Secure] for all operations, and New for checks that Security
// can't express.
//
//	huma.Operation{Middlewares: huma.Middlewares{humaauth.New(api, auth, validator.Organization("org_1"))}}
//
// For a rejected request it sets the header fields of the response and writes
// an error of Huma with the status and its name. The ErrorHandler of
// [middleware.Config] is not called. If a check panics with
// [http.ErrAbortHandler] and the router is not one of net/http, the status is
// 500. New panics if a check is nil.
func New(api huma.API, auth *middleware.Authenticator, checks ...validator.Check) func(huma.Context, func(huma.Context)) {
	guard := auth.Guard(checks...)
	return func(ctx huma.Context, next func(huma.Context)) {
		h := header{}
		admitted, refusal := do(guard, ctx, h)
		h.send(ctx)
		if refusal != nil {
			_ = huma.WriteErr(api, ctx, refusal.Status, http.StatusText(refusal.Status)) // which has logged it
			return
		}
		next(admitted)
		guard.Done(admitted.Context())
	}
}

// Claims returns the claims of the request's token, as
// [middleware.ClaimsFromContext] does. The context is the one that Huma passes
// to the handler.
func Claims(ctx context.Context) (*validator.Claims, bool) {
	return middleware.ClaimsFromContext(ctx)
}
