package revocation_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

type panickingLog struct{ slog.Handler }

func (panickingLog) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingLog) Handle(context.Context, slog.Record) error { panic("a fault of the handler") }

// A log that panics changes no response to a sender, and takes back no rule. A
// sender that got no response would send its signal again, and give up the
// stream in the end.
func TestReceivers_logPanics(t *testing.T) {
	t.Parallel()

	type reply struct{ status, rules int }
	replies := func(logger *slog.Logger) map[string]reply {
		iss := newIssuer(t)
		got := make(map[string]reply)
		list := new(recorder)
		note := func(name string, w *httptest.ResponseRecorder) { got[name] = reply{w.Code, len(list.take())} }

		logouts := newLogoutReceiver(t, iss, list, func(c *revocation.LogoutConfig) { c.Logger = logger })
		note("a logout", postLogout(logouts, logout(t, iss, nil, nil)))
		note("a bad logout", postLogout(logouts, "x"))

		events := newEventReceiver(t, iss, list, func(c *revocation.EventConfig) { c.Logger = logger })
		event := func(jti, name string, members object) string {
			return set(t, iss, testutil.Claims{"jti": jti, "sub_id": object{"format": "opaque", "id": "stream"}, "events": object{name: members}}, nil)
		}
		note("a session's end", push(events, session(t, iss, "1")))
		note("a bad event", push(events, "x"))
		note("a verification", push(events, event("2", ssf+"verification", object{"state": "s"})))
		note("a stream that is updated", push(events, event("3", ssf+"stream-updated", object{"status": "paused"})))
		note("an event that is ignored", push(events, set(t, iss, testutil.Claims{
			"jti": "4", "sub_id": object{"format": "phone_number", "phone_number": "+12065550100"}, "events": object{caep + "session-revoked": object{}},
		}, nil)))

		policies, err := revocation.NewKeycloakReceiver(revocation.KeycloakConfig{Sender: iss.Config(client), List: list, Logger: logger})
		if err != nil {
			t.Fatal(err)
		}
		for name, body := range map[string]string{
			"a policy": iss.Sign(mockissuer.Token{Claims: testutil.Claims{
				"iss": nil, "iat": nil, "exp": nil, "id": "p-1", "expiration": noon.Unix() + 30, "resource": client, "action": "PUSH_NOT_BEFORE", "notBefore": noon.Unix(), "aud": nil, "sub": nil,
			}}),
			"a bad policy": "x",
		} {
			w := httptest.NewRecorder()
			policies.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/k_push_not_before", strings.NewReader(body)))
			note(name, w)
		}
		return got
	}

	want := replies(quiet())
	for name, got := range replies(slog.New(panickingLog{})) {
		if got != want[name] {
			t.Errorf("%s: {status, rules} = %v, want %v as without a panic", name, got, want[name])
		}
	}
	for name, rules := range map[string]int{"a logout": 2, "a session's end": 1, "a policy": 1, "a bad logout": 0} {
		if got := want[name]; got.rules != rules {
			t.Errorf("%s: {status, rules} = %v, want %d rules", name, got, rules)
		}
	}
}

// A log that panics does not end the goroutine that polls, and with it the
// program.
func TestEventPoller_logPanics(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t)
		list := new(recorder)
		r := newEventReceiver(t, iss, list, func(c *revocation.EventConfig) { c.Logger = slog.New(panickingLog{}) })
		tr := &transmitter{answers: []func(*http.Request) (int, string){
			says(500, ""), // begins to fail
			says(200, setsOf(map[string]string{"1": session(t, iss, "1"), "2": "no token"})), // works again
		}}
		p := pollFor(t, time.Minute, r, tr, nil)
		if got := list.take(); len(got) != 1 {
			t.Errorf("rules = %+v, want one", got)
		}
		if s := p.Status(); s.Err != nil && !errors.Is(s.Err, context.DeadlineExceeded) {
			t.Errorf("Status() = %+v, want no failure", s)
		}
	})
}
