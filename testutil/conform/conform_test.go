package conform_test

import (
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

const (
	audience = "https://api.example.com"
	scope    = "orders:read"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // key caches log what they do
	os.Exit(m.Run())
}

// newAPI returns a handler behind this library.
func newAPI(tb testing.TB, iss *testutil.Issuer, change func(*validator.Config, *middleware.Config)) http.Handler {
	tb.Helper()
	cfg := iss.Config(audience)
	auth := middleware.Config{Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg, &auth)
	}
	v, err := validator.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	auth.Validator = v
	a, err := middleware.New(auth)
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	if auth.Metadata != nil {
		mux.Handle(a.Metadata())
	}
	mux.Handle("/", a.Require(validator.Scopes(scope))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	return mux
}

func newDPoP(tb testing.TB, iss *testutil.Issuer, nonces bool) *dpop.Verifier {
	tb.Helper()
	cfg := dpop.Config{Now: iss.Now, Replays: &dpop.MemoryStore{Now: iss.Now}}
	if nonces {
		n, err := dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{make([]byte, 32)}, Now: iss.Now})
		if err != nil {
			tb.Fatal(err)
		}
		cfg.Nonces = n
	}
	v, err := dpop.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestRun(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name   string
		target conform.Target
		change func(testing.TB, *testutil.Issuer, *validator.Config, *middleware.Config)
	}{
		{"jwt", conform.Target{}, nil},
		{"rfc9068", conform.Target{Profile: conform.ProfileRFC9068}, func(_ testing.TB, _ *testutil.Issuer, v *validator.Config, _ *middleware.Config) {
			v.RequireRFC9068 = true
		}},
		{"auth0", conform.Target{Profile: conform.ProfileAuth0}, nil},
		{"keycloak", conform.Target{Profile: conform.ProfileKeycloak}, nil},
		{"dpop", conform.Target{DPoP: true}, func(t testing.TB, iss *testutil.Issuer, _ *validator.Config, m *middleware.Config) {
			m.DPoP = newDPoP(t, iss, true)
		}},
		{"mtls", conform.Target{MTLS: true}, nil},
		{"fapi2", conform.Target{Profile: conform.ProfileFAPI2, DPoP: true}, func(t testing.TB, iss *testutil.Issuer, v *validator.Config, m *middleware.Config) {
			v.RequireRFC9068 = true
			m.DPoP, m.RequireBinding = newDPoP(t, iss, false), true
		}},
		{"mcp", conform.Target{Profile: conform.ProfileMCP}, func(_ testing.TB, _ *testutil.Issuer, _ *validator.Config, m *middleware.Config) {
			m.Metadata = &middleware.Metadata{Resource: "https://api.example.com/orders"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := tt.target
			target.Audience, target.Scope, target.FollowsClock, target.Slow = audience, scope, true, true
			target.Handler = func(iss *testutil.Issuer) http.Handler {
				return newAPI(t, iss, func(v *validator.Config, m *middleware.Config) {
					if tt.change != nil {
						tt.change(t, iss, v, m)
					}
				})
			}
			conform.Run(t, target)
		})
	}
}
