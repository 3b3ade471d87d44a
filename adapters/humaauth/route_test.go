package humaauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/internal/conforming"
)

// An event has the pattern of net/http's mux, or the operation's path.
func TestNew_route(t *testing.T) {
	t.Parallel()
	for _, hide := range []bool{false, true} {
		auth, routes := conforming.Routes(t)
		mux := http.NewServeMux()
		api := humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
		want := "GET /orders/{id}"
		if hide {
			want = "/orders/{id}"
			api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) { next(plain{ctx}) })
		}
		api.UseMiddleware(humaauth.New(api, auth))
		huma.Get(api, "/orders/{id}", func(context.Context, *struct {
			ID string `path:"id"`
		}) (*struct{}, error) {
			return nil, nil
		})
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/orders/7", nil))
		got := routes()
		if len(got) != 1 || got[0] != want || w.Code != 401 {
			t.Errorf("another router: %t: status %d, routes of the events = %q, want 401 and %q", hide, w.Code, got, want)
		}
	}
}
