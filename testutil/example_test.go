package testutil_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// t is that of the test around each example.
var t *testing.T

// TestExamples runs the examples, which need a test to be in.
func TestExamples(outer *testing.T) {
	for name, example := range map[string]func(){
		"NewIssuer":        ExampleNewIssuer,
		"Issuer_As":        ExampleIssuer_As,
		"Issuer_RotateKey": ExampleIssuer_RotateKey,
		"Issuer_SetDown":   ExampleIssuer_SetDown,
		"DPoPKey":          ExampleDPoPKey,
		"TestAdapter":      ExampleTestAdapter,
	} {
		outer.Run(name, func(inner *testing.T) {
			t = inner
			example()
		})
	}
}

// The issuer, a validator that trusts it, and a token of its.
func ExampleNewIssuer() {
	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	claims, err := v.Validate(t.Context(), iss.Token(testutil.Claims{"scope": "orders:read"}))
	if err != nil || !claims.HasScope("orders:read") {
		t.Errorf("Validate = %v, %v, want the scope", claims, err)
	}
}

// A service with Keycloak's configuration, and tokens as Keycloak writes them.
func ExampleIssuer_As() {
	config := issuers.Keycloak("https://sso.example.com/realms/shop", "orders-api") // the service's own

	keycloak := testutil.NewIssuer(t).As("Keycloak", config)
	v, err := validator.New(keycloak.Config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Validate(t.Context(), keycloak.Token(testutil.Claims{"scope": "orders:read"})); err != nil {
		t.Errorf("Validate(access token) = %v, want it accepted", err)
	}
	for name, token := range map[string]string{"ID": keycloak.IDToken(nil), "refresh": keycloak.RefreshToken(nil)} {
		if _, err := v.Validate(t.Context(), token); validator.CodeOf(err) != validator.CodeType {
			t.Errorf("Validate(%s token) = %v, want %q", name, err, validator.CodeType)
		}
	}
}

// A key that is changed without notice is found by its first token, once the
// interval between fetches for unknown keys has passed.
func ExampleIssuer_RotateKey() {
	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Validate(t.Context(), iss.Token(nil)); err != nil {
		t.Fatal(err)
	}

	iss.RotateKey()
	iss.Advance(time.Minute)
	if _, err := v.Validate(t.Context(), iss.Token(nil)); err != nil {
		t.Errorf("Validate with the new key = %v, want no error", err)
	}
}

// Keys that are held outlast an outage of the issuer. Without any, the verdict
// is that nothing is known, and it ends with the outage.
func ExampleIssuer_SetDown() {
	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}

	iss.SetDown(true)
	_, err = v.Validate(t.Context(), iss.Token(nil))
	if code := validator.CodeOf(err); code != validator.CodeUnavailable {
		t.Errorf("Validate in an outage from the start = %v, want %q", err, validator.CodeUnavailable)
	}
	iss.SetDown(false)
	iss.Advance(time.Minute)
	if _, err := v.Validate(t.Context(), iss.Token(nil)); err != nil {
		t.Errorf("Validate after the outage = %v, want no error", err)
	}
}

// An adapter in the words of net/http, and its test. The first example of
// middleware's Guard.Do is one in the words of another framework.
func ExampleTestAdapter() {
	guarded := func(auth *middleware.Authenticator, next http.Handler, checks ...validator.Check) http.HandlerFunc {
		guard := auth.Guard(checks...) // when the route is made, not for each request
		return func(w http.ResponseWriter, r *http.Request) {
			admitted, refusal := guard.Do(w.Header(), r)
			if refusal != nil {
				refusal.ServeHTTP(w, r)
				return // and call nothing else
			}
			next.ServeHTTP(w, admitted)    // with the claims in its context
			guard.Done(admitted.Context()) // for Config.CancelWithToken
		}
	}
	testutil.TestAdapter(t, func(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
		return guarded(auth, next, checks...)
	})
}

// A token that is bound to a key, and a request that proves the key.
func ExampleDPoPKey() {
	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Now: iss.Now})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, DPoP: proofs})
	if err != nil {
		t.Fatal(err)
	}

	key := testutil.DPoPKey(t)
	key.Now = iss.Now
	r := httptest.NewRequest("GET", "http://api.example.com/orders", nil)
	key.Authorize(r, iss.Token(testutil.Claims{"cnf": key.Confirmation()}))
	w := httptest.NewRecorder()
	auth.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("GET with a proof = %d, want the handler's 404", w.Code)
	}
}
