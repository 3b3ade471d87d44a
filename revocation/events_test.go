package revocation_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	stream = "https://orders.example.com/events"
	caep   = "https://schemas.openid.net/secevent/caep/event-type/"
	risc   = "https://schemas.openid.net/secevent/risc/event-type/"
	ssf    = "https://schemas.openid.net/secevent/ssf/event-type/"
)

type object = map[string]any

func newEventReceiver(t *testing.T, iss *testutil.Issuer, list revocation.Revoker, change func(*revocation.EventConfig)) *revocation.EventReceiver {
	t.Helper()
	cfg := revocation.EventConfig{Sender: iss.Config(stream), List: list, Logger: quiet()}
	if change != nil {
		change(&cfg)
	}
	r, err := revocation.NewEventReceiver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// set returns a SET with these claims in addition or instead.
func set(t *testing.T, iss *testutil.Issuer, claims testutil.Claims, header object) string {
	t.Helper()
	all := testutil.Claims{"aud": stream, "sub": nil, "exp": nil, "jti": "id-1"}
	maps.Copy(all, claims)
	head := object{"typ": "secevent+jwt"}
	maps.Copy(head, header)
	return iss.Sign(mockissuer.Token{Claims: all, Header: head})
}

func push(h http.Handler, token string, fields ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(token))
	req.Header.Set("Content-Type", "application/secevent+jwt")
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// errOf returns the member err of a response, or its status.
func errOf(w *httptest.ResponseRecorder) string {
	var body struct{ Err, Description string }
	if json.Unmarshal(w.Body.Bytes(), &body) == nil && body.Err != "" && body.Description != "" {
		return body.Err
	}
	return w.Result().Status
}

func TestEventReceiver(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	me := iss.URL
	const other = "https://other.example.com/"
	anna := object{"format": "iss_sub", "iss": me, "sub": "anna"}
	opaque := func(id string) object { return object{"format": "opaque", "id": id} }
	events := func(name string, members object) object {
		if members == nil {
			members = object{}
		}
		return object{name: members}
	}
	rule := func(r revocation.Rule) []revocation.Rule { r.Issuer = me; return []revocation.Rule{r} }
	user := rule(revocation.Rule{Subject: "anna", IssuedBefore: noon})
	session := rule(revocation.Rule{SessionID: "s-1"})
	none := []revocation.Rule{}

	for _, tt := range []struct {
		name   string
		claims testutil.Claims
		config func(*revocation.EventConfig)
		err    string            // of a SET that is rejected
		want   []revocation.Rule // of one that is accepted
	}{
		{name: "session of an opaque id", claims: testutil.Claims{"sub_id": opaque("s-1"), "events": events(caep+"session-revoked", nil)}, want: session},
		{name: "session of a user", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"session-revoked", nil)}, want: user},
		{name: "session of a complex subject", claims: testutil.Claims{"sub_id": object{"format": "complex", "session": opaque("s-1"), "user": anna, "tenant": opaque("t")}, "events": events(caep+"session-revoked", nil)}, want: []revocation.Rule{session[0], user[0]}},
		{name: "session of a complex subject, and tokens have sid", config: func(c *revocation.EventConfig) { c.SessionIDInTokens = true }, claims: testutil.Claims{"sub_id": object{"format": "complex", "session": opaque("s-1"), "user": anna}, "events": events(caep+"session-revoked", nil)}, want: session},
		{name: "session of a complex subject with an email address", claims: testutil.Claims{"sub_id": object{"format": "complex", "session": opaque("s-1"), "user": object{"format": "email", "email": "a@b.example"}}, "events": events(caep+"session-revoked", nil)}, want: session},
		{name: "session of a user's device", claims: testutil.Claims{"sub_id": object{"format": "complex", "user": anna, "device": opaque("d")}, "events": events(caep+"session-revoked", nil)}, want: user},
		{name: "complex without format, of the drafts", claims: testutil.Claims{"sub_id": object{"user": anna}, "events": events(caep+"session-revoked", nil)}, want: user},
		{name: "subject in the event, of the drafts", claims: testutil.Claims{"events": events(caep+"session-revoked", object{"subject": object{"subject_type": "iss-sub", "iss": me, "sub": "anna"}})}, want: user},
		{name: "an email address", claims: testutil.Claims{"sub_id": object{"format": "email", "email": "a@b.example"}, "events": events(caep+"session-revoked", nil)}, want: none},
		{name: "aliases", claims: testutil.Claims{"sub_id": object{"format": "aliases", "identifiers": []object{{"format": "email", "email": "a@b.example"}, anna}}, "events": events(caep+"session-revoked", nil)}, want: user},
		{name: "aliases of aliases", claims: testutil.Claims{"sub_id": object{"format": "aliases", "identifiers": []object{{"format": "aliases", "identifiers": []object{anna}}}}, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "a whole tenant", claims: testutil.Claims{"sub_id": object{"format": "complex", "tenant": opaque("org_1")}, "events": events(caep+"session-revoked", nil)}, want: rule(revocation.Rule{OrgID: "org_1", IssuedBefore: noon})},
		{name: "a group of a tenant", claims: testutil.Claims{"sub_id": object{"format": "complex", "tenant": opaque("org_1"), "group": opaque("g")}, "events": events(caep+"session-revoked", nil)}, want: none},
		{name: "an application of a tenant", claims: testutil.Claims{"sub_id": object{"format": "complex", "tenant": opaque("org_1"), "application": opaque("c")}, "events": events(caep+"session-revoked", nil)}, want: rule(revocation.Rule{OrgID: "org_1", ClientID: "c", IssuedBefore: noon})},
		{name: "a user of another issuer", claims: testutil.Claims{"sub_id": object{"format": "iss_sub", "iss": other, "sub": "anna"}, "events": events(caep+"session-revoked", nil)}, want: none},
		{name: "a user of another issuer that it speaks for", config: func(c *revocation.EventConfig) { c.TokenIssuers = []string{other} }, claims: testutil.Claims{"sub_id": object{"format": "iss_sub", "iss": other, "sub": "anna"}, "events": events(caep+"session-revoked", nil)}, want: []revocation.Rule{{Issuer: other, Subject: "anna", IssuedBefore: noon}}},
		{name: "a user of its own, if it speaks for another", config: func(c *revocation.EventConfig) { c.TokenIssuers = []string{other} }, claims: testutil.Claims{"sub_id": anna, "events": events(caep+"session-revoked", nil)}, want: none},
		{name: "iss_sub without sub", claims: testutil.Claims{"sub_id": object{"format": "iss_sub", "iss": me}, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "opaque without id", claims: testutil.Claims{"sub_id": object{"format": "opaque"}, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "no sub_id", claims: testutil.Claims{"events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "sub_id a string", claims: testutil.Claims{"sub_id": "anna", "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "sub_id without format", claims: testutil.Claims{"sub_id": object{"id": "anna"}, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},

		{name: "password changed", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"credential-change", object{"credential_type": "password", "change_type": "update"})}, want: user},
		{name: "credential created", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"credential-change", object{"credential_type": "password", "change_type": "create"})}, want: none},
		{name: "no change_type", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"credential-change", object{"credential_type": "password"})}, err: "invalid_request"},
		{name: "claims of a token", claims: testutil.Claims{"sub_id": object{"format": "jwt_id", "iss": me, "jti": "t-1"}, "events": events(caep+"token-claims-change", object{"claims": object{}})}, want: rule(revocation.Rule{ID: "t-1"})},
		{name: "claims of a session's tokens", claims: testutil.Claims{"sub_id": object{"format": "complex", "session": opaque("s-1")}, "events": events(caep+"token-claims-change", object{"claims": object{}})}, want: rule(revocation.Rule{SessionID: "s-1", IssuedBefore: noon})},
		{name: "claims of a SAML assertion", claims: testutil.Claims{"sub_id": object{"format": "saml_assertion_id", "issuer": me, "assertion_id": "a"}, "events": events(caep+"token-claims-change", object{"claims": object{}})}, want: none},
		{name: "account disabled", claims: testutil.Claims{"sub_id": opaque("anna"), "events": events(risc+"account-disabled", nil)}, want: user},
		{name: "account purged", claims: testutil.Claims{"sub_id": anna, "events": events(risc+"account-purged", nil)}, want: user},
		{name: "account disabled, with a session", config: func(c *revocation.EventConfig) { c.SessionIDInTokens = true }, claims: testutil.Claims{"sub_id": object{"format": "complex", "session": opaque("s-1"), "user": anna}, "events": events(risc+"account-disabled", nil)}, want: user},
		{name: "sessions revoked", claims: testutil.Claims{"sub_id": anna, "events": events(risc+"sessions-revoked", nil)}, want: user},
		{name: "account enabled", claims: testutil.Claims{"sub_id": anna, "events": events(risc+"account-enabled", nil)}, want: none},
		{name: "an event that is not understood", claims: testutil.Claims{"sub_id": anna, "events": events("https://example.com/x", nil)}, want: none},
		{name: "its name in another case", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"Session-Revoked", nil)}, want: none},
		{name: "one that is understood besides", claims: testutil.Claims{"sub_id": anna, "events": object{"https://example.com/x": object{}, caep + "session-revoked": object{}}}, want: user},
		{name: "verification", claims: testutil.Claims{"sub_id": opaque("stream"), "events": events(ssf+"verification", object{"state": "s"})}, want: none},
		{name: "stream updated", claims: testutil.Claims{"sub_id": opaque("stream"), "events": events(ssf+"stream-updated", object{"status": "paused"})}, want: none},
		{name: "no events", claims: testutil.Claims{"sub_id": anna}, err: "invalid_request"},
		{name: "events empty", claims: testutil.Claims{"sub_id": anna, "events": object{}}, err: "invalid_request"},
		{name: "an event that is no object", claims: testutil.Claims{"sub_id": anna, "events": object{caep + "session-revoked": true}}, err: "invalid_request"},

		{name: "event_timestamp before", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"session-revoked", object{"event_timestamp": noon.Unix() - 3600})}, want: rule(revocation.Rule{Subject: "anna", IssuedBefore: noon.Add(-time.Hour)})},
		{name: "event_timestamp in the future", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"session-revoked", object{"event_timestamp": noon.Unix() + 1})}, want: user},
		{name: "event_timestamp in milliseconds", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"session-revoked", object{"event_timestamp": noon.UnixMilli()})}, want: user},
		{name: "event_timestamp before 1970", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"session-revoked", object{"event_timestamp": -1})}, err: "invalid_request"},
		{name: "event_timestamp a string", claims: testutil.Claims{"sub_id": anna, "events": events(caep+"session-revoked", object{"event_timestamp": "now"})}, err: "invalid_request"},
		{name: "toe", claims: testutil.Claims{"toe": noon.Add(-time.Minute), "sub_id": anna, "events": events(caep+"session-revoked", nil)}, want: rule(revocation.Rule{Subject: "anna", IssuedBefore: noon.Add(-time.Minute)})},
		{name: "event_timestamp and toe", claims: testutil.Claims{"toe": noon.Add(-time.Minute), "sub_id": anna, "events": events(caep+"session-revoked", object{"event_timestamp": noon.Unix() - 3600})}, want: rule(revocation.Rule{Subject: "anna", IssuedBefore: noon.Add(-time.Hour)})},

		{name: "sub", claims: testutil.Claims{"sub": "anna", "sub_id": anna, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "exp", claims: testutil.Claims{"exp": noon.Add(time.Hour), "sub_id": anna, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "no jti", claims: testutil.Claims{"jti": nil, "sub_id": anna, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "no iat", claims: testutil.Claims{"iat": nil, "sub_id": anna, "events": events(caep+"session-revoked", nil)}, err: "invalid_request"},
		{name: "a year old", claims: testutil.Claims{"iat": noon.AddDate(-1, 0, 0), "sub_id": opaque("s-1"), "events": events(caep+"session-revoked", nil)}, want: session},
		{name: "another audience", claims: testutil.Claims{"aud": "other", "sub_id": anna, "events": events(caep+"session-revoked", nil)}, err: "invalid_audience"},
		{name: "another issuer", claims: testutil.Claims{"iss": other, "sub_id": anna, "events": events(caep+"session-revoked", nil)}, err: "invalid_issuer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			list := new(recorder)
			r := newEventReceiver(t, iss, list, tt.config)
			token := set(t, iss, tt.claims, nil)
			w := push(r, token)
			if got := list.take(); !slices.Equal(got, tt.want) {
				t.Errorf("rules = %+v, want %+v", got, tt.want)
			}
			if tt.err != "" {
				if got := errOf(w); got != tt.err || w.Code != http.StatusBadRequest || w.Header().Get("Content-Language") == "" {
					t.Errorf("response = %d %s, want 400 with %s", w.Code, w.Body, tt.err)
				}
				return
			}
			if w.Code != http.StatusAccepted || w.Body.Len() > 0 {
				t.Errorf("response = %d %s, want 202 and nothing", w.Code, w.Body)
			}
			// A SET that comes again is acknowledged, and changes nothing.
			if w := push(r, token); w.Code != http.StatusAccepted || len(list.take()) > 0 {
				t.Errorf("again: response = %d %s, want 202 and no rule", w.Code, w.Body)
			}
		})
	}
}

func TestEventReceiver_request(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	list := new(recorder)
	r := newEventReceiver(t, iss, list, func(c *revocation.EventConfig) { c.Authorization = "Bearer stream-secret" })
	good := func(jti string) string {
		return set(t, iss, testutil.Claims{
			"jti": jti, "sub_id": object{"format": "opaque", "id": "s-1"}, "events": object{caep + "session-revoked": object{}},
		}, nil)
	}
	auth := []string{"Authorization", "Bearer stream-secret"}
	for _, tt := range []struct {
		name, token string
		fields      []string
		want        string
	}{
		{"good", good("1"), auth, "202 Accepted"},
		{"no Authorization", good("2"), nil, "authentication_failed"},
		{"another Authorization", good("3"), []string{"Authorization", "Bearer other"}, "authentication_failed"},
		{"another Content-Type", good("4"), append(slices.Clone(auth), "Content-Type", "application/jwt"), "invalid_request"},
		{"an endless body", strings.Repeat("a", 1<<20), auth, "invalid_request"},
		{"an access token", iss.Token(testutil.Claims{"aud": stream}), auth, "invalid_request"},
		{"another kid", set(t, iss, nil, object{"kid": "other"}), auth, "invalid_key"},
		{"alg none", set(t, iss, nil, object{"alg": "none"}), auth, "invalid_key"},
		{"typ JWT", set(t, iss, nil, object{"typ": "JWT"}), auth, "invalid_request"},
		{"a signature cut", strings.TrimRight(good("5"), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), auth, "invalid_request"},
	} {
		if got := errOf(push(r, tt.token, tt.fields...)); got != tt.want {
			t.Errorf("%s: response = %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := len(list.take()); got != 1 {
		t.Errorf("rules = %d, want the one of the good request", got)
	}

	list.fail(errors.New("down"))
	if w := push(r, good("6"), auth...); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("with a List that fails: status = %d, want 503 with Retry-After", w.Code)
	}
	list.fail(nil)
	if w := push(r, good("6"), auth...); w.Code != http.StatusAccepted || len(list.take()) != 1 {
		t.Errorf("again: status = %d, want 202 and a rule", w.Code)
	}
}

func TestEventReceiver_verification(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	r := newEventReceiver(t, iss, new(recorder), func(c *revocation.EventConfig) {
		c.Verified = func(_ context.Context, issuer, state string) error {
			if issuer != iss.URL || state != "expected" {
				return errors.New("another state")
			}
			return nil
		}
	})
	for state, want := range map[string]string{"expected": "202 Accepted", "other": "invalid_state", "": "invalid_state"} {
		token := set(t, iss, testutil.Claims{
			"jti": "id-" + state, "sub_id": object{"format": "opaque", "id": "stream"}, "events": object{ssf + "verification": object{"state": state}},
		}, nil)
		if got := errOf(push(r, token)); got != want {
			t.Errorf("state %q: response = %s, want %s", state, got, want)
		}
	}
}

func TestKeycloakReceiver(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	policy := func(claims object) string {
		all := object{
			"iss": nil, "aud": nil, "sub": nil, "iat": nil, "exp": nil,
			"id": "1", "expiration": noon.Unix() + 30, "resource": client, "action": "PUSH_NOT_BEFORE", "notBefore": noon.Unix() - 60,
		}
		maps.Copy(all, claims)
		return iss.Sign(mockissuer.Token{Claims: all})
	}
	leeway := int64(validator.DefaultLeeway / time.Second)
	for _, tt := range []struct {
		name   string
		claims object
		status int
		before time.Time // of the rule, if there is one
	}{
		{"good", nil, 204, noon.Add(-time.Minute)},
		{"in the future", object{"notBefore": noon.Unix() + 3600}, 204, noon.Add(validator.DefaultLeeway)},
		{"no policy", object{"notBefore": 0}, 204, time.Time{}},
		{"no notBefore", object{"notBefore": nil}, 400, time.Time{}},
		{"notBefore negative", object{"notBefore": -1}, 400, time.Time{}},
		{"for another client", object{"resource": "other"}, 400, time.Time{}},
		{"for none", object{"resource": nil}, 400, time.Time{}},
		{"another action", object{"action": "LOGOUT"}, 400, time.Time{}},
		{"expired within leeway", object{"expiration": noon.Unix() - leeway + 1}, 204, noon.Add(-time.Minute)},
		{"expired", object{"expiration": noon.Unix() - leeway}, 400, time.Time{}},
		{"no expiration", object{"expiration": nil}, 400, time.Time{}},
		{"of another issuer", object{"iss": "https://other.example.com/"}, 400, time.Time{}},
	} {
		list := new(recorder)
		r, err := revocation.NewKeycloakReceiver(revocation.KeycloakConfig{Sender: iss.Config(client), List: list, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodPost, "/k_push_not_before", strings.NewReader(policy(tt.claims)))
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		var want []revocation.Rule
		if !tt.before.IsZero() {
			want = []revocation.Rule{{Issuer: iss.URL, IssuedBefore: tt.before}}
		}
		if got := list.take(); w.Code != tt.status || !slices.Equal(got, want) {
			t.Errorf("%s: response = %d, rules %+v, want %d, %+v", tt.name, w.Code, got, tt.status, want)
		}
	}
}
