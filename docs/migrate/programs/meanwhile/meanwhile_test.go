package meanwhile_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/docs/migrate/programs/internal/trial"
	"github.com/rsguard/rsguard/docs/migrate/programs/meanwhile"
	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func newAuth(t *testing.T, cfg middleware.Config) *middleware.Authenticator {
	t.Helper()
	v, err := validator.New(issuers.Auth0("tenant.eu.auth0.com", "https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Validator = v
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func TestWatch(t *testing.T) {
	tr := trial.Start(t, trial.Auth0)
	var log bytes.Buffer
	auth := newAuth(t, middleware.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	old := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	api := meanwhile.Watch(auth, old, validator.Scopes("orders:read"))

	for name, code := range map[string]string{
		"a good token":              "",
		"a token without `exp`":     "invalid_claim",
		"an ID token":               "wrong_type",
		"a token without the scope": "insufficient_scope",
	} {
		log.Reset()
		w := httptest.NewRecorder()
		api.ServeHTTP(w, tr.Request(trial.Find(t, name)))
		if w.Code != http.StatusCreated || len(w.Header()) > 0 {
			t.Errorf("%s: response = %d, %v, want that of the old handler, 201 without fields", name, w.Code, w.Header())
		}
		if code == "" && log.Len() > 0 || !strings.Contains(log.String(), code) {
			t.Errorf("%s: log = %q, want the code %q", name, log.String(), code)
		}
	}
}

func TestOldBody(t *testing.T) {
	tr := trial.Start(t, trial.Auth0)
	auth := newAuth(t, middleware.Config{ErrorHandler: meanwhile.OldBody, Logger: slog.New(slog.DiscardHandler)})
	api := auth.Handler(http.NotFoundHandler())

	for name, want := range map[string]struct {
		status          int
		body, challenge string
	}{
		"no token":                         {400, `{"message":"JWT is missing."}`, "Bearer"},
		"a token that expired an hour ago": {401, `{"message":"JWT is invalid."}`, `Bearer error="invalid_token"`},
	} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, tr.Request(trial.Find(t, name)))
		body, challenge := strings.TrimSpace(w.Body.String()), w.Header().Get("WWW-Authenticate")
		if w.Code != want.status || body != want.body || challenge != want.challenge {
			t.Errorf("%s: response = %d, %s, %s, want %d, %s, %s", name, w.Code, body, challenge, want.status, want.body, want.challenge)
		}
	}
}
