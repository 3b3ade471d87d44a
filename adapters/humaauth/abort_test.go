package humaauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// A check that panics with http.ErrAbortHandler aborts the response of
// net/http's server. Another server would end the program by it.
func TestNew_abort(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		t.Fatal(err)
	}
	check := func(context.Context, *validator.Claims) error { panic(http.ErrAbortHandler) }
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
	for name, hide := range map[string]bool{"net/http": false, "another router": true} {
		func() {
			defer func() {
				if got := recover(); (got == nil) != hide || got != nil && got != http.ErrAbortHandler {
					t.Errorf("%s: recover() = %v, want ErrAbortHandler: %t", name, got, !hide)
				}
			}()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/orders", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.RequestURI = "/orders"
			r.Header.Set("Authorization", "Bearer "+iss.Token(nil))
			res := serve(hide)(next, testutil.Layer{Auth: auth, Checks: []validator.Check{check}})(r)
			defer res.Body.Close()
			if res.StatusCode != http.StatusInternalServerError {
				t.Errorf("%s: status = %d, want 500", name, res.StatusCode)
			}
		}()
	}
}
