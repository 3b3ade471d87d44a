package connectauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/internal/conforming"
)

// An event has the name of the Rule, and none for what clients make up.
func TestGuard_route(t *testing.T) {
	t.Parallel()
	auth, routes := conforming.Routes(t)
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
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "POST", path, nil))
		got := routes()
		if len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
			t.Errorf("POST %s: routes of the events = %q, want %q", path, got, want)
		}
	}
}
