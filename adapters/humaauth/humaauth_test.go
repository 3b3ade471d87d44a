package humaauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/testutil"
)

// An anyMux has one route, for every method and path as it was sent.
type anyMux struct{ http.HandlerFunc }

func (m *anyMux) HandleFunc(_ string, h func(http.ResponseWriter, *http.Request)) { m.HandlerFunc = h }

// A plain hides what a context has beyond huma.Context, as those of Echo, Gin
// and Fiber are.
type plain struct{ humaContext }

type humaContext = huma.Context

// serve serves every method and path by an operation with these layers as its
// middlewares.
func serve(hide bool) func(http.Handler, ...testutil.Layer) func(*http.Request) *http.Response {
	return func(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
		mux := &anyMux{}
		cfg := huma.DefaultConfig("Orders", "1.0.0")
		cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", "" // which have routes of their own
		api := humago.New(mux, cfg)
		if hide {
			api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) { next(plain{ctx}) })
		}
		for _, layer := range layers {
			api.UseMiddleware(humaauth.New(api, layer.Auth, layer.Checks...))
		}
		api.Adapter().Handle(&huma.Operation{}, api.Middlewares().Handler(func(ctx huma.Context) { call(ctx, next) }))
		return func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			return w.Result()
		}
	}
}

// call calls next with what a handler of Huma has.
func call(ctx huma.Context, next http.Handler) {
	u := ctx.URL()
	r := httptest.NewRequestWithContext(ctx.Context(), ctx.Method(), u.RequestURI(), ctx.BodyReader())
	ctx.EachHeader(r.Header.Add)
	w := httptest.NewRecorder()
	next.ServeHTTP(w, r)
	for name, values := range w.Header() {
		for _, value := range values {
			ctx.AppendHeader(name, value)
		}
	}
	ctx.SetStatus(w.Code)
	_, _ = io.Copy(ctx.BodyWriter(), w.Body)
}

func TestAdapter(t *testing.T) {
	t.Parallel()

	for name, hide := range map[string]bool{"net/http": false, "another router": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testutil.TestTransport(t, testutil.Transport{Serve: serve(hide)})
		})
	}
}

func TestVectors(t *testing.T) {
	for name, hide := range map[string]bool{"Huma": false, "Huma with another router": true} {
		t.Run(name, func(t *testing.T) {
			requests.Run(t, "../../vectors/data", requests.Framework{Name: name, Serve: serve(hide)})
		})
	}
}
