package clientauth_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const stockAudience = "https://stock.example.com"

// withStock adds a second API, and lets the demo's client call it.
func withStock(cfg *mockissuer.Config) {
	cfg.APIs = append(cfg.APIs, mockissuer.API{Identifier: stockAudience, Scopes: []string{"stock:read"}})
	cfg.Clients[0].Grants = append(cfg.Clients[0].Grants, mockissuer.Grant{API: stockAudience, Scopes: []string{"stock:read"}})
}

func guardOf(tb testing.TB, v middleware.Validator) *middleware.Authenticator {
	tb.Helper()
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	return auth
}

// A user calls orders, which calls stock in the user's name. Stock sees the
// user, and orders as the actor.
func TestClient_Exchange(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, withStock)
	atStock := newValidator(t, iss, func(cfg *validator.Config) {
		cfg.Audiences = []string{stockAudience}
		cfg.Checks = []validator.Check{validator.Actors("demo-client"), validator.Scopes("stock:read")}
	})
	cfg := config(iss)
	cfg.Validator = atStock
	client, err := clientauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth := guardOf(t, newValidator(t, iss, nil))
	orders := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := middleware.TokenFromContext(r.Context())
		if !ok {
			t.Error("TokenFromContext() found no token")
		}
		next, err := client.Exchange(token, clientauth.Request{Audience: stockAudience})
		if err != nil {
			t.Error(err)
			return
		}
		exchanged, err := next.TokenContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		claims, err := atStock.Validate(r.Context(), exchanged.AccessToken)
		if err != nil {
			t.Errorf("Validate(exchanged) error = %v", err)
			return
		}
		fmt.Fprint(w, claims.Subject, " ", claims.ExpiresAt.Unix())
	}))
	users := map[string]string{}
	for _, user := range []string{"auth0|alice", "auth0|bob"} {
		token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"sub": user, "aud": audience, "exp": iss.Now().Add(10 * time.Minute)}})
		if err != nil {
			t.Fatal(err)
		}
		users[user] = token
	}
	call := func(user string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+users[user])
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		return w.Body.String()
	}

	var all sync.WaitGroup
	for range 100 {
		for user := range users {
			all.Go(func() {
				if got := call(user); !strings.HasPrefix(got, user+" ") {
					t.Errorf("stock was called for %q, want %s", got, user)
				}
			})
		}
	}
	all.Wait()
	if got := iss.Count(mockissuer.EndpointToken); got != 2 {
		t.Errorf("200 requests of two users made %d token requests, want 2", got)
	}
	end := iss.Now().Add(10 * time.Minute).Unix()
	if got := call("auth0|alice"); got > fmt.Sprint("auth0|alice ", end) {
		t.Errorf("the exchanged token ends at %s, after that of the user, %d", got, end)
	}
}

// What the issuer requires of the user becomes the API's own challenge.
func TestClient_Exchange_stepUp(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	demanding := &liar{answer: func(int, *http.Request) (int, string, string) {
		return 400, "application/json", `{"error":"insufficient_user_authentication","acr_values":"gold","max_age":300}`
	}}
	client, err := clientauth.New(demanding.config())
	if err != nil {
		t.Fatal(err)
	}
	guard := guardOf(t, newValidator(t, iss, nil)).Guard()
	token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"aud": audience}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r, refused := guard.Do(w.Header(), r)
	if refused != nil {
		t.Fatal(refused.Err)
	}
	incoming, _ := middleware.TokenFromContext(r.Context())
	next, err := client.Exchange(incoming, clientauth.Request{Audience: stockAudience})
	if err != nil {
		t.Fatal(err)
	}
	_, err = next.TokenContext(t.Context())
	if got := codeOf(t, err); got != clientauth.CodeAuthentication {
		t.Fatalf("TokenContext() error = %v, want the code %q", err, clientauth.CodeAuthentication)
	}
	_, refused = guard.Reject(w.Header(), r, err)
	const want = `Bearer error="insufficient_user_authentication", acr_values="gold", max_age="300"`
	if got := w.Header().Get("WWW-Authenticate"); refused.Status != 401 || got != want {
		t.Errorf("Reject() = %d %s\nwant 401 %s", refused.Status, got, want)
	}
	if strings.Contains(fmt.Sprint(err, next), incoming) {
		t.Error("the token is in a text")
	}
}

// What is sent and what is accepted of the answer, by both grants.
func TestClient_onBehalf(t *testing.T) {
	t.Parallel()
	const (
		access = `"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"`
		token  = `{"access_token":"opaque","token_type":"Bearer","expires_in":60`
	)
	for _, tt := range []struct {
		name, answer string
		assertion    bool
		want         clientauth.Code
	}{
		{"exchange", token + "," + access + "}", false, ""},
		{"a JWT", token + `,"issued_token_type":"urn:ietf:params:oauth:token-type:jwt"}`, false, ""},
		{"no issued_token_type", token + "}", false, clientauth.CodeAnswer},
		{"an ID token", token + `,"issued_token_type":"urn:ietf:params:oauth:token-type:id_token"}`, false, clientauth.CodeAnswer},
		{"a number", token + `,"issued_token_type":1}`, false, clientauth.CodeAnswer},
		{"no token to be sent", `{"access_token":"opaque","token_type":"N_A","expires_in":60,` + access + "}", false, clientauth.CodeAnswer},
		{"assertion", token + "}", true, ""},
	} {
		var form string
		server := &liar{answer: func(_ int, r *http.Request) (int, string, string) {
			body, _ := io.ReadAll(r.Body)
			form = string(body)
			return 200, "application/json", tt.answer
		}}
		client, err := clientauth.New(server.config())
		if err != nil {
			t.Fatal(err)
		}
		act, want := client.Exchange, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3A"+
			"token-type%3Aaccess_token&subject_token=incoming&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
		if tt.assertion {
			act, want = client.OnBehalfOf, "assertion=incoming&"
		}
		s, err := act("incoming", clientauth.Request{Audience: stockAudience})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.TokenContext(t.Context()); codeOf(t, err) != tt.want {
			t.Errorf("%s: TokenContext() error = %v, want the code %q", tt.name, err, tt.want)
		}
		if !strings.Contains(form, want) || !strings.Contains(form, "audience=https%3A%2F%2Fstock.example.com") {
			t.Errorf("%s: sent %s, want %s in it", tt.name, form, want)
		}
		for _, bad := range []string{"", "a b", "a\n", strings.Repeat("a", validator.DefaultMaxTokenSize+1)} {
			_, err := act(bad, clientauth.Request{})
			if e := (*clientauth.Error)(nil); !errors.As(err, &e) || e.Code != clientauth.CodeConfig {
				t.Errorf("%s of %.9q error = %v, want the code %q", tt.name, bad, err, clientauth.CodeConfig)
			}
		}
	}
}
