package conforming

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// Routes returns an Authenticator, and a function that returns the routes of its
// events since the function's last call.
func Routes(t *testing.T) (auth *middleware.Authenticator, routes func() []string) {
	t.Helper()
	v, err := validator.New(testutil.NewIssuer(t).Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu  sync.Mutex
		got []string
	)
	auth, err = middleware.New(middleware.Config{
		Validator: v, Logger: slog.New(slog.DiscardHandler),
		Observe: func(_ context.Context, e middleware.Event) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, e.Route)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth, func() []string {
		mu.Lock()
		defer mu.Unlock()
		since := got
		got = nil
		return since
	}
}
