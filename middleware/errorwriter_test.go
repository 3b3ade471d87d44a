package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/middleware"
)

// What an ErrorHandler leaves out of its response is that of a rejection.
func TestErrorHandler_status(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request, status int, err error)
		want    int
		body    string
	}{
		{"nothing", func(http.ResponseWriter, *http.Request, int, error) {}, 401, ""},
		{"a body alone", func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
			_, _ = io.WriteString(w, "no")
		}, 401, "no"},
		{"a header alone", func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
			w.Header().Set("Content-Type", "text/plain")
		}, 401, ""},
		{"a copied body", func(w http.ResponseWriter, r *http.Request, _ int, _ error) {
			_, _ = io.Copy(w, io.LimitReader(r.Body, 2))
		}, 401, ""},
		{"an early hint", func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, "no")
		}, 401, "no"},
		{"a flush", func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "no")
		}, 401, "no"},
		{"a flush by its controller", func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("Flush() error = %v", err)
			}
		}, 401, ""},
		{"the status", func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "no")
		}, 401, "no"},
		{"a login page elsewhere", func(w http.ResponseWriter, r *http.Request, _ int, _ error) {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		}, http.StatusSeeOther, ""},
	} {
		auth := newAuth(t, middleware.Config{ErrorHandler: tt.handler})
		server := httptest.NewServer(auth.Handler(new(spy)))
		t.Cleanup(server.Close)
		client := server.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != tt.want || string(body) != tt.body {
			t.Errorf("an ErrorHandler that sends %s: status %d with %q, want %d with %q", tt.name, res.StatusCode, body, tt.want, tt.body)
		}
	}
}
