package observe_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/observe"
)

func ExampleEvent() {
	issuer := httptest.NewServer(http.NotFoundHandler())
	defer issuer.Close()

	keys, err := jwks.NewCache(jwks.Config{
		URL:    issuer.URL + "/jwks.json",
		Logger: slog.New(slog.DiscardHandler),
		Observe: func(_ context.Context, e observe.Event) {
			if e.Kind == observe.RequestEnded {
				fmt.Println(e.Part, e.Request, e.Outcome, e.Status)
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = keys.Refresh(context.Background())
	// Output:
	// keys key_set status 404
}
