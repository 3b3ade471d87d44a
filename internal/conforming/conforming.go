// Package conforming has what the tests of all adapters share. It runs the cases
// of testutil/conform against an adapter, and collects the routes of its events.
package conforming

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	audience = "https://api.example.com"
	scope    = "orders:read"
)

// unsendable are cases whose tokens no header field can hold.
var unsendable = []string{"form/line-break", "form/nul"}

// Run runs the cases but the slow ones against the API that start serves, on
// loopback and until the test ends. It is guarded by auth, with checks, and
// start returns its URL. The API accepts bearer tokens and those that are bound
// by DPoP, with nonces. The target says how a request is made. Every case has to
// pass, except the known ones of the level may, which have to fail. Only those
// of the level may, those about HTTP/2, and those that HTTP itself rejects, may
// be skipped.
func Run(t *testing.T, target conform.Target, start func(auth *middleware.Authenticator, checks ...validator.Check) (url string), known ...string) {
	t.Helper()
	iss := testutil.NewIssuer(t, mockissuer.Demo())
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	nonces, err := dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{make([]byte, 32)}, Now: iss.Now})
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Now: iss.Now, Replays: &dpop.MemoryStore{Now: iss.Now}, Nonces: nonces})
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "api.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	auth, err := middleware.New(middleware.Config{Validator: v, DPoP: proofs, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}

	target.URL = start(auth, validator.Scopes(scope))
	target.Audience, target.Scope, target.DPoP = audience, scope, true
	target.FollowsClock, target.Log = true, log.Name()
	runner, err := conform.New(target, iss.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	report, err := runner.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.Fault != "" {
		t.Error(report.Fault)
	}
	for _, r := range report.Results {
		switch {
		case slices.Contains(known, r.ID):
			if r.Level != conform.May || r.Outcome != conform.Failed {
				t.Errorf("%s (%s) %s: %s, want a known failure of the level may", r.ID, r.Level, r.Outcome, r.Got)
			}
		case r.Outcome == conform.Skipped && r.Level == conform.May:
		case r.Outcome == conform.Failed, r.Outcome == conform.Skipped && r.Group() != "http2" && !slices.Contains(unsendable, r.ID):
			t.Errorf("%s (%s) %s: %s, want %s", r.ID, r.Level, r.Outcome, r.Got, r.Want)
		}
	}
	for _, level := range conform.Levels() {
		n := report.Count(level)
		t.Logf("%s: %d of %d", level, n.Passed, n.Passed+n.Failed)
	}
	t.Logf("%d requests in %v", report.Requests, report.Took)
	if n := report.Count(conform.Must).Passed; len(target.Only) == 0 && n < 100 {
		t.Errorf("%d cases of the level must were tried, want 100 or more", n)
	}
}

// Handler returns a start function for [Run] that serves what route returns,
// over HTTP/1.1 and HTTP/2.
func Handler(t *testing.T, route func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler,
) func(*middleware.Authenticator, ...validator.Check) string {
	t.Helper()
	return func(auth *middleware.Authenticator, checks ...validator.Check) string {
		server := httptest.NewUnstartedServer(route(auth, checks, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetHTTP1(true)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
		t.Cleanup(server.Close)
		return server.URL + "/orders"
	}
}
