package serve_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/rsguard/rsguard/examples/internal/serve"
)

func TestStart(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	url, ended, err := serve.Start(ctx, "127.0.0.1:0", handler)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusTeapot {
		t.Fatalf("GET %s = %v, %v, want 418", url, res, err)
	}
	_ = res.Body.Close()

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serving ended with %v, want no error: its context ended it", err)
	}
	if _, _, err := serve.Start(t.Context(), "127.0.0.1:x", handler); err == nil {
		t.Error("Start on a port that is none: error = nil, want one")
	}
}
