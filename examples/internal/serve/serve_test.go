package serve_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/rsguard/rsguard/examples/internal/serve"
)

func TestStartAndGet(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s with %q", r.URL.Path, r.Header["Authorization"])
	})
	url, ended, err := serve.Start(ctx, "127.0.0.1:0", handler)
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]string{"": `/tea with []`, "abc": `/tea with ["Bearer abc"]`} {
		status, challenge, body, err := serve.Get(t.Context(), url+"/tea", token)
		if status != http.StatusTeapot || challenge != "Bearer" || body != want || err != nil {
			t.Errorf("Get with token %q = %d, %q, %q, %v, want 418, Bearer, %q", token, status, challenge, body, err, want)
		}
	}

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("serving ended with %v, want no error: its context ended it", err)
	}
	if _, _, _, err := serve.Get(t.Context(), url, ""); err == nil {
		t.Error("Get after the end: error = nil, want one")
	}
	if _, _, err := serve.Start(t.Context(), "127.0.0.1:x", handler); err == nil {
		t.Error("Start on a port that is none: error = nil, want one")
	}
}

func TestToken(t *testing.T) {
	t.Parallel()

	endpoint, _, err := serve.Start(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_id") != "me" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"access_token":"abc"}`)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := serve.Token(t.Context(), endpoint, url.Values{"client_id": {"me"}}); token != "abc" || err != nil {
		t.Errorf("Token = %q, %v, want abc", token, err)
	}
	if token, err := serve.Token(t.Context(), endpoint, url.Values{}); token != "" || err == nil {
		t.Errorf("Token of a stranger = %q, %v, want an error", token, err)
	}
}
