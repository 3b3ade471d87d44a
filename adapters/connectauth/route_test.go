package connectauth_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// An event has the name of the Rule, and none for what clients make up.
func TestGuard_route(t *testing.T) {
	t.Parallel()
	v, err := validator.New(testutil.NewIssuer(t).Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	auth, err := middleware.New(middleware.Config{
		Validator: v, Logger: slog.New(slog.DiscardHandler),
		Observe: func(_ context.Context, e middleware.Event) { got = append(got, e.Route) },
	})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{
		list: connectauth.Require(), "/shop.Carts/": connectauth.Require(), "/grpc.health.v1.Health/": connectauth.Public,
	}})
	if err != nil {
		t.Fatal(err)
	}
	h := guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for path, want := range map[string][]string{
		list: {list}, "/shop.Carts/Add": {"/shop.Carts/"}, "/shop.Made/Up": {""}, "/grpc.health.v1.Health/Check": nil,
	} {
		got = nil
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "POST", path, nil))
		if len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
			t.Errorf("POST %s: routes of the events = %q, want %q", path, got, want)
		}
	}
}
