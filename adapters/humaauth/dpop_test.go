package humaauth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// A proof is used once by a request, and not once by each scheme that the
// request is tried with. The schemes "own" and "other" are of Authenticators
// that share a Verifier, and "again" is of the one of "own".
func TestSecure_oneProof(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Now: iss.Now})
	if err != nil {
		t.Fatal(err)
	}
	newAuth := func(proofs *dpop.Verifier) *middleware.Authenticator {
		auth, err := middleware.New(middleware.Config{Validator: v, DPoP: proofs, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return auth
	}
	own := newAuth(proofs)
	schemes := map[string]humaauth.Scheme{
		"own":   {Auth: own},
		"again": {Auth: own, Checks: []validator.Check{validator.Scopes("a")}},
		"other": {Auth: newAuth(proofs)},
	}
	for _, tt := range []struct {
		name     string
		security security
		scope    string
		want     int
	}{
		{"one scheme", security{{"own": {"a"}}}, "a", 200},
		{"one scheme, two scopes", security{{"own": {"a"}}, {"own": {"b"}}}, "b", 200},
		{"either, the first is met", security{{"own": {"a"}}, {"other": {"b"}}}, "a", 200},
		{"either, the second is met", security{{"own": {"a"}}, {"other": {"b"}}}, "b", 200},
		{"either, none is met", security{{"own": {"a"}}, {"other": {"b"}}}, "c", 403},
		{"one Authenticator under two names, the second is met", security{{"again": {}}, {"own": {"b"}}}, "b", 200},
		{"one Authenticator under two names, none is met", security{{"again": {}}, {"own": {"b"}}}, "c", 403},
		{"both", security{{"own": {"a"}, "other": {"b"}}}, "a b", 200},
		{"both, one is not met", security{{"own": {"a"}, "other": {"b"}}}, "a", 403},
		{"both names of one Authenticator", security{{"own": {"b"}, "again": {}}}, "a b", 200},
		{"one, or both with less", security{{"own": {"a"}}, {"own": {"b"}, "other": {"c"}}}, "b c", 200},
		{"one, or both with less, none is met", security{{"own": {"a"}}, {"own": {"b"}, "other": {"c"}}}, "b", 403},
	} {
		mux := http.NewServeMux()
		api := humago.New(mux, huma.DefaultConfig("Orders", "1.0.0"))
		if err := humaauth.Secure(api, humaauth.Config{Schemes: schemes}); err != nil {
			t.Fatal(err)
		}
		huma.Register(api, huma.Operation{Method: "GET", Path: "/orders", Security: tt.security}, show)

		key := testutil.DPoPKey(t)
		key.Now = iss.Now
		r := httptest.NewRequest("GET", "http://api.example.com/orders", nil)
		key.Authorize(r, iss.Token(testutil.Claims{"sub": "anna", "scope": tt.scope, "cnf": key.Confirmation()}))
		// The second time it is a replay, of whatever the first one was.
		for i, want := range []int{tt.want, http.StatusUnauthorized} {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s: GET with the proof, time %d = %d %s, want %d", tt.name, i+1, w.Code, fmt.Sprint(w.Header()["Www-Authenticate"]), want)
			}
		}
	}
}
