package revocation_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// senderOf has the issuer's keys at a time at which its signals are young.
func senderOf(t *testing.T, iss *mockissuer.Issuer) validator.Config {
	t.Helper()
	text, err := iss.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwks.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return validator.Config{
		Issuers: []string{iss.URL}, Audiences: []string{"me"}, Keys: keys, Algorithms: []validator.Algorithm{validator.RS256, validator.ES256},
		Now: sent,
	}
}

// sent is when the signals here are sent.
func sent() time.Time { return time.Unix(1_700_000_000, 0) }

func postBody(h http.Handler, body io.Reader) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/logout", body)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// Whatever an issuer signs, a rule names tokens of an issuer that the sender
// speaks for, and no List refuses it. What is not taken has no effect.
func FuzzSignals(f *testing.F) {
	cfg := mockissuer.Demo()
	cfg.URL = "https://login.example.com/"
	f.Add(`"sub":"anna","sid":"s-1","exp":4000000000,"events":{"http://schemas.openid.net/event/backchannel-logout":{}}`)
	f.Add(`"sub_id":{"format":"iss_sub","iss":"https://login.example.com/","sub":"anna"},"events":{"` + caep + `session-revoked":{"event_timestamp":1}}`)
	f.Add(`"sub_id":{"format":"complex","session":{"format":"opaque","id":"s"},"tenant":{"format":"opaque","id":"t"}},"events":{"` + caep + `token-claims-change":{}}`)
	f.Add(`"sub_id":{"format":"aliases","identifiers":[{"format":"email","email":"a@b"},{"format":"opaque","id":"x"}]},"events":{"` + risc + `account-disabled":{}}`)
	f.Add(`"toe":1e3,"events":{"` + caep + `credential-change":{"change_type":"update","subject":{"user":{"subject_type":"iss-sub","iss":"https://other.example.com/","sub":"x"}}}}`)
	cfg.Algorithms = []string{"ES256"} // signs faster
	iss, err := mockissuer.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = iss.Close() })
	f.Fuzz(func(t *testing.T, members string) {
		if len(members) > 4<<10 {
			t.Skip()
		}
		payload := `{"iss":"https://login.example.com/","aud":"me","jti":"1","iat":1700000000,` + members + `}`
		for typ, take := range receivers(t, iss) {
			token, err := iss.SignPayload(mockissuer.Token{Header: map[string]any{"typ": typ}}, payload)
			if err != nil {
				t.Fatal(err)
			}
			list := new(recorder)
			status := take(list, token)
			rules := list.take()
			if status >= 400 && len(rules) > 0 {
				t.Errorf("%s of %s: status %d, and rules %+v", typ, payload, status, rules)
			}
			held, err := revocation.New(revocation.Config{Now: sent})
			if err != nil {
				t.Fatal(err)
			}
			for _, rule := range rules {
				if rule.Issuer != "https://login.example.com/" {
					t.Errorf("%s of %s: a rule for the issuer %q", typ, payload, rule.Issuer)
				}
				if err := held.Revoke(t.Context(), rule); err != nil {
					t.Errorf("%s of %s: Revoke(%+v) = %v", typ, payload, rule, err)
				}
			}
			if status == http.StatusServiceUnavailable || status >= 500 {
				t.Errorf("%s of %s: status %d, though nothing has failed", typ, payload, status)
			}
		}
	})
}

// receivers are those for a type of JWT.
func receivers(t *testing.T, iss *mockissuer.Issuer) map[string]func(revocation.Revoker, string) int {
	t.Helper()
	sender := senderOf(t, iss)
	return map[string]func(revocation.Revoker, string) int{
		"logout+jwt": func(list revocation.Revoker, token string) int {
			r, err := revocation.NewLogoutReceiver(revocation.LogoutConfig{Sender: sender, List: list, Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			return postLogout(r, token).Code
		},
		"secevent+jwt": func(list revocation.Revoker, token string) int {
			r, err := revocation.NewEventReceiver(revocation.EventConfig{Sender: sender, List: list, Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			return push(r, token).Code
		},
	}
}

// Whatever a stranger posts is rejected, and not with 503.
func FuzzForm(f *testing.F) {
	f.Add("logout_token=a.b.c")
	f.Add("logout_token=a&logout_token=b")
	f.Add("%")
	cfg := mockissuer.Demo()
	cfg.URL = "https://login.example.com/"
	iss, err := mockissuer.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = iss.Close() })
	f.Fuzz(func(t *testing.T, body string) {
		list := new(recorder)
		r, err := revocation.NewLogoutReceiver(revocation.LogoutConfig{Sender: senderOf(t, iss), List: list, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		if w := postBody(r, strings.NewReader(body)); w.Code != http.StatusBadRequest || len(list.take()) > 0 {
			t.Errorf("response to %q = %d %s, want 400", body, w.Code, w.Body)
		}
	})
}
