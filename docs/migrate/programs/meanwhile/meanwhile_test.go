package meanwhile_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	oldjwks "github.com/auth0/go-jwt-middleware/v2/jwks"
	oldvalidator "github.com/auth0/go-jwt-middleware/v2/validator"

	"github.com/rsguard/rsguard/docs/migrate/programs/internal/trial"
	"github.com/rsguard/rsguard/docs/migrate/programs/meanwhile"
	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func newValidator(t *testing.T) *validator.Validator {
	t.Helper()
	v, err := validator.New(issuers.Auth0("tenant.eu.auth0.com", "https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newAuth(t *testing.T, cfg middleware.Config) *middleware.Authenticator {
	t.Helper()
	cfg.Validator = newValidator(t)
	auth, err := middleware.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// A record is what slog's default logger has written. The key cache logs from
// goroutines of its own.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// take returns what was written since the last call.
func (r *record) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.text.Reset()
	return r.text.String()
}

// newRecord makes slog's default logger write to a record until the test ends.
func newRecord(t *testing.T) *record {
	t.Helper()
	logger, log := slog.Default(), new(record)
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(logger) })
	return log
}

func TestWatched(t *testing.T) {
	tr, log := trial.Start(t, trial.Auth0), newRecord(t)
	old := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Old", "accepts")
			next.ServeHTTP(w, r)
		})
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	api, err := meanwhile.Watched(old, newValidator(t), next, validator.Scopes("orders:read"))
	if err != nil {
		t.Fatal(err)
	}

	for name, code := range map[string]string{
		"a good token":          "",
		"a token without `exp`": "invalid_claim",
		"an ID token with `at_hash`, for this API and with its scope": "wrong_type",
		"a token without the scope":                                   "insufficient_scope",
	} {
		log.take()
		w := httptest.NewRecorder()
		api.ServeHTTP(w, tr.Request(trial.Find(t, name)))
		if w.Code != http.StatusCreated || w.Header().Get("Old") == "" {
			t.Errorf("%s: response = %d, %v, want 201 from behind the old middleware", name, w.Code, w.Header())
		}
		lines := log.take()
		if says := strings.Contains(lines, "would refuse token"); says != (code != "") || !strings.Contains(lines, code) {
			t.Errorf("%s: log = %q, want the code %q", name, lines, code)
		}
	}
}

func TestOldDecision(t *testing.T) {
	tr, log := trial.Start(t, trial.Auth0), newRecord(t)
	issuer, err := url.Parse("https://tenant.eu.auth0.com/")
	if err != nil {
		t.Fatal(err)
	}
	old, err := oldvalidator.New(oldjwks.NewCachingProvider(issuer, time.Hour).KeyFunc, oldvalidator.RS256,
		issuer.String(), []string{"https://api.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	auth := newAuth(t, middleware.Config{Compare: meanwhile.OldDecision(old)})
	api := auth.Handler(http.NotFoundHandler())

	for name, want := range map[string]struct {
		status  int
		differs bool
	}{
		"a good token":                     {404, false},
		"no token":                         {401, false},
		"a token that expired an hour ago": {401, false},
		"an ID token with `at_hash`, for this API and with its scope": {401, true},
	} {
		log.take()
		w := httptest.NewRecorder()
		api.ServeHTTP(w, tr.Request(trial.Find(t, name)))
		lines := log.take()
		if differs := strings.Contains(lines, "decisions differ"); w.Code != want.status || differs != want.differs {
			t.Errorf("%s: status = %d, decisions differ = %t, want %d, %t\n%s", name, w.Code, differs, want.status, want.differs, lines)
		}
	}
}

func TestOldBody(t *testing.T) {
	tr := trial.Start(t, trial.Auth0)
	auth := newAuth(t, middleware.Config{ErrorHandler: meanwhile.OldBody, Logger: slog.New(slog.DiscardHandler)})
	api := auth.Require(validator.Scopes("orders:read"))(http.NotFoundHandler())

	for name, want := range map[string]struct {
		status          int
		body, challenge string
	}{
		"no token":                         {400, `{"message":"JWT is missing."}`, `Bearer scope="orders:read"`},
		"a token that expired an hour ago": {401, `{"message":"JWT is invalid."}`, `Bearer error="invalid_token", scope="orders:read"`},
		"a token without the scope":        {403, `{"message":"Forbidden"}`, `Bearer error="insufficient_scope", scope="orders:read"`},
	} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, tr.Request(trial.Find(t, name)))
		body, challenge := strings.TrimSpace(w.Body.String()), w.Header().Get("WWW-Authenticate")
		if w.Code != want.status || body != want.body || challenge != want.challenge {
			t.Errorf("%s: response = %d, %s, %s, want %d, %s, %s", name, w.Code, body, challenge, want.status, want.body, want.challenge)
		}
	}
}
