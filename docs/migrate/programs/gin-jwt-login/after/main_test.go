package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/docs/migrate/programs/internal/trial"
)

func TestResponses(t *testing.T) { trial.Run(t, trial.Own, newAPI) }

// The token of the login must be accepted, whatever else gin-jwt puts into it.
func TestLogin(t *testing.T) {
	api, err := newAPI()
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"username": {"anna"}, "password": {"correct horse"}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("POST /login = %d, %s (%v), want an access_token", w.Code, w.Body, err)
	}

	r = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+answer.AccessToken)
	w = httptest.NewRecorder()
	api.ServeHTTP(w, r)
	if got, want := w.Body.String(), "orders of anna\n"; w.Code != http.StatusOK || got != want {
		t.Errorf("GET /orders = %d, %q, want 200, %q", w.Code, got, want)
	}
}
