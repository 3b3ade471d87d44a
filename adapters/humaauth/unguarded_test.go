package humaauth_test

import (
	stdcontext "context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/testutil"
)

// operations returns the routes of the document, and those of the API itself.
func operations(api huma.API) (routes []string) {
	for path, item := range api.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch,
			http.MethodDelete: item.Delete, http.MethodHead: item.Head, http.MethodOptions: item.Options, http.MethodTrace: item.Trace,
		} {
			if op != nil {
				routes = append(routes, method+" "+path)
			}
		}
	}
	slices.Sort(routes)
	return routes
}

// The document lists the operations, so a test finds one without a guard, with
// Secure and without it.
func TestUnguarded(t *testing.T) {
	t.Parallel()
	nothing := func(stdcontext.Context, *struct{}) (*struct{}, error) { return nil, nil }
	for name, tt := range map[string]struct {
		secure bool
		want   []string
	}{
		"with Secure":    {true, []string{"GET /healthz"}},
		"without Secure": {false, []string{"DELETE /orders/{id}", "GET /healthz", "GET /orders/{id}"}},
	} {
		w := newWorld(t)
		if tt.secure {
			w.secure(t)
		}
		public, required := security{{}}, security{{"oauth": {"orders:read"}}}
		huma.Register(w.api, huma.Operation{OperationID: "health", Method: http.MethodGet, Path: "/healthz", Security: public}, nothing)
		huma.Register(w.api, huma.Operation{OperationID: "read", Method: http.MethodGet, Path: "/orders/{id}", Security: required}, nothing)
		huma.Register(w.api, huma.Operation{OperationID: "delete", Method: http.MethodDelete, Path: "/orders/{id}", Security: required}, nothing)
		huma.Register(w.api, huma.Operation{
			OperationID: "create", Method: http.MethodPost, Path: "/orders",
			Security: required, Middlewares: huma.Middlewares{humaauth.New(w.api, w.cfg.Schemes["oauth"].Auth)},
		}, nothing)
		routes := operations(w.api)
		if got := testutil.Unguarded(t, w.mux, routes...); len(routes) != 4 || !slices.Equal(got, tt.want) {
			t.Errorf("%s: Unguarded(%s) = %q, want %q", name, strings.Join(routes, ", "), got, tt.want)
		}
	}
}
