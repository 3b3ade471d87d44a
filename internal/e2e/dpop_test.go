package e2e_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// A client that others have made gets tokens bound to its keys, and calls an
// API with them.
func TestDPoPClient(t *testing.T) {
	t.Parallel()

	needClient(t, "dpop", "oauth4webapi")
	for _, nonces := range []bool{false, true} {
		tryDPoPClient(t, nonces)
	}
}

func tryDPoPClient(t *testing.T, nonces bool) {
	t.Helper()

	cfg := mockissuer.Demo()
	cfg.DPoPNonces = nonces
	iss := testutil.NewIssuer(t, cfg)
	api := httptest.NewServer(newBoundAPI(t, iss, nonces))
	defer api.Close()

	flow := exec.CommandContext(t.Context(), "node", "flow.mjs", iss.URL, api.URL)
	flow.Dir = "dpop"
	out, err := flow.Output()
	if err != nil {
		text := ""
		if failed, ok := err.(*exec.ExitError); ok {
			text = string(failed.Stderr)
		}
		t.Fatalf("node flow.mjs: %v\n%s", err, text)
	}

	type call struct{ Value, Asked int }
	type challenge struct{ Scheme, Error, Algs string }
	type refused struct {
		Status     int
		Challenges []challenge
	}
	var got struct {
		Keys map[string]struct {
			Type          string
			AskedByIssuer int
			First, Second call
		}
		Replayed struct {
			Status    int
			Challenge string
		}
		ByAnotherKey, AsBearer, WithoutScope refused
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("node flow.mjs printed %q: %v", out, err)
	}

	// Each server asks a new client for its nonce once, if it has any.
	asked := 0
	if nonces {
		asked = 1
	}
	for _, alg := range []string{"ES256", "Ed25519", "PS256", "RS256"} {
		by := got.Keys[alg]
		if by.Type != "dpop" || by.AskedByIssuer != asked || by.First != (call{200, asked}) || by.Second != (call{200, 0}) {
			t.Errorf("by %s = %+v, want a bound token and two answers 200, and %d requests for a nonce at each server", alg, by, asked)
		}
	}
	const algs = "ES256 EdDSA PS256 RS256"
	if got.Replayed.Status != 401 || !strings.HasPrefix(got.Replayed.Challenge, `DPoP error="invalid_dpop_proof"`) {
		t.Errorf("a proof sent again = %+v, want 401 invalid_dpop_proof", got.Replayed)
	}
	for name, tt := range map[string]struct {
		got  refused
		want []challenge
		code int
	}{
		"by another key":    {got.ByAnotherKey, []challenge{{"dpop", "invalid_token", algs}}, 401},
		"as a bearer token": {got.AsBearer, []challenge{{"bearer", "invalid_token", ""}, {"dpop", "", algs}}, 401},
		"without the scope": {got.WithoutScope, []challenge{{"dpop", "insufficient_scope", algs}}, 403},
	} {
		if len(tt.got.Challenges) != len(tt.want) || tt.got.Status != tt.code {
			t.Errorf("a bound token %s = %+v, want %d, %+v", name, tt.got, tt.code, tt.want)
			continue
		}
		for i, want := range tt.want {
			if tt.got.Challenges[i] != want {
				t.Errorf("a bound token %s: challenge %d = %+v, want %+v", name, i, tt.got.Challenges[i], want)
			}
		}
	}
}

func newBoundAPI(t *testing.T, iss *testutil.Issuer, withNonces bool) http.Handler {
	t.Helper()

	tokens, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	var cfg dpop.Config
	if withNonces {
		cfg.Nonces, err = dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{[]byte("a secret of thirty-two bytes, and more")}})
		if err != nil {
			t.Fatal(err)
		}
	}
	proofs, err := dpop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: tokens, DPoP: proofs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", auth.Handler(handler))
	mux.Handle("GET /admin", auth.Require(validator.Scopes("admin"))(handler))
	return mux
}
