package introspection_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
)

// A rule ends a token whose answer is remembered, whatever else that lacks.
func TestRevoked(t *testing.T) {
	t.Parallel()
	const issuer = "https://sso.example.com"
	now := time.Now()
	user := revocation.Rule{Issuer: issuer, Subject: "anna", IssuedBefore: now}
	recent := fmt.Sprintf(`,"iat":%d`, now.Unix()-60)
	later := fmt.Sprintf(`,"iat":%d`, now.Unix()+5) // within leeway
	for _, tt := range []struct {
		name, members string
		rule          revocation.Rule
		want          int
	}{
		{"a user", `,"sub":"anna"` + recent, user, 401},
		{"a user, and the server names itself", `,"sub":"anna","iss":"` + issuer + `"` + recent, user, 401},
		{"a user's later token", `,"sub":"anna"` + later, user, 200},
		{"a user's token without iat", `,"sub":"anna"`, user, 401},
		{"another user without iat", `,"sub":"bert"`, user, 200},
		{"without sub", recent, user, 200},
		{"a token", `,"jti":"t-1"`, revocation.Rule{Issuer: issuer, ID: "t-1"}, 401},
		{"a token without jti", `,"sub":"anna"`, revocation.Rule{Issuer: issuer, ID: "t-1"}, 200},
		{"a client", recent, revocation.Rule{Issuer: issuer, ClientID: "app", IssuedBefore: now}, 401},
		{"a client's user", `,"sub":"anna"` + recent, revocation.Rule{Issuer: issuer, ClientID: "app", Subject: "anna", IssuedBefore: now}, 401},
		{"a client's other user", `,"sub":"bert"` + recent, revocation.Rule{Issuer: issuer, ClientID: "app", Subject: "anna", IssuedBefore: now}, 200},
		{"the issuer", "", revocation.Rule{Issuer: issuer, IssuedBefore: now}, 401},
		{"another issuer", "", revocation.Rule{Issuer: issuer + "/", IssuedBefore: now}, 200},
	} {
		answer := fmt.Sprintf(`{"active":true,"aud":"https://api.example.com","client_id":"app","exp":%d%s}`, now.Unix()+3600, tt.members)
		s := &server{answer: says("%s", answer)}
		tokens := newIntrospector(t, config(s))
		list, err := revocation.New(revocation.Config{})
		if err != nil {
			t.Fatal(err)
		}
		auth, err := middleware.New(middleware.Config{Validator: tokens, Revocations: list})
		if err != nil {
			t.Fatal(err)
		}
		h := auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		get := func() int {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			req.Header.Set("Authorization", "Bearer 2YotnFZFEjr1zCsicMWpAA")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			return w.Code
		}
		if got := get(); got != 200 {
			t.Fatalf("%s: GET / = %d before the rule, want 200", tt.name, got)
		}
		if err := list.Revoke(t.Context(), tt.rule); err != nil {
			t.Fatal(err)
		}
		if got := get(); got != tt.want {
			t.Errorf("%s: GET / = %d after the rule, want %d", tt.name, got, tt.want)
		}
		if len(s.asked) != 1 {
			t.Errorf("%s: the server was asked %d times, so the answer was not remembered", tt.name, len(s.asked))
		}
	}
}
