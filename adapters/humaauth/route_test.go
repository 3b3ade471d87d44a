package humaauth_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// An event has the pattern of net/http's mux, or the operation's path.
func TestNew_route(t *testing.T) {
	t.Parallel()
	v, err := validator.New(testutil.NewIssuer(t).Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	for _, hide := range []bool{false, true} {
		var got []string
		auth, err := middleware.New(middleware.Config{
			Validator: v, Logger: slog.New(slog.DiscardHandler),
			Observe: func(_ context.Context, e middleware.Event) { got = append(got, e.Route) },
		})
		if err != nil {
			t.Fatal(err)
		}
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
		if len(got) != 1 || got[0] != want || w.Code != 401 {
			t.Errorf("another router: %t: status %d, routes of the events = %q, want 401 and %q", hide, w.Code, got, want)
		}
	}
}
