package revocation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	client     = "orders-web"
	logoutType = "http://schemas.openid.net/event/backchannel-logout"
)

// A recorder is a Revoker that keeps the rules, and fails with err.
type recorder struct {
	mu    sync.Mutex
	rules []revocation.Rule
	err   error
}

func (r *recorder) Revoke(_ context.Context, rule revocation.Rule) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	r.rules = append(r.rules, rule)
	return nil
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// take returns the rules since the last take, with times in UTC.
func (r *recorder) take() []revocation.Rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	rules := r.rules
	r.rules = nil
	for i := range rules {
		if !rules[i].IssuedBefore.IsZero() {
			rules[i].IssuedBefore = rules[i].IssuedBefore.UTC()
		}
	}
	return rules
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// noon is the time of the issuers here, which have a clock that stands still.
var noon = time.Unix(1_800_000_000, 0).UTC()

func newIssuer(t *testing.T) *testutil.Issuer {
	t.Helper()
	cfg := mockissuer.Demo()
	cfg.URL = "https://login.example.com/"
	cfg.Now = func() time.Time { return noon }
	return testutil.NewIssuer(t, cfg)
}

func newLogoutReceiver(t *testing.T, iss *testutil.Issuer, list revocation.Revoker, change func(*revocation.LogoutConfig)) *revocation.LogoutReceiver {
	t.Helper()
	cfg := revocation.LogoutConfig{Sender: iss.Config(client), List: list, Logger: quiet()}
	if change != nil {
		change(&cfg)
	}
	r, err := revocation.NewLogoutReceiver(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// logout returns a logout token with these claims in addition or instead.
func logout(t *testing.T, iss *testutil.Issuer, claims testutil.Claims, header map[string]any) string {
	t.Helper()
	all := testutil.Claims{
		"aud": client, "sub": "anna", "sid": "s-1", "jti": "id-1", "exp": iss.Now().Add(2 * time.Minute),
		"events": map[string]any{logoutType: map[string]any{}},
	}
	maps.Copy(all, claims)
	head := map[string]any{"typ": "logout+jwt"}
	maps.Copy(head, header)
	return iss.Sign(mockissuer.Token{Claims: all, Header: head})
}

func postForm(h http.Handler, form url.Values) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/logout", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func postLogout(h http.Handler, token string) *httptest.ResponseRecorder {
	return postForm(h, url.Values{"logout_token": {token}})
}

func TestLogoutReceiver(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	session := revocation.Rule{Issuer: iss.URL, SessionID: "s-1"}
	user := revocation.Rule{Issuer: iss.URL, Subject: "anna", IssuedBefore: noon}
	both, long := []revocation.Rule{session, user}, strings.Repeat("x", 2<<10)
	for _, tt := range []struct {
		name   string
		claims testutil.Claims
		header map[string]any
		config func(*revocation.LogoutConfig)
		want   []revocation.Rule // none if it is rejected
	}{
		{name: "sub and sid", want: both},
		{name: "sid alone", claims: testutil.Claims{"sub": nil}, want: both[:1]},
		{name: "sub alone", claims: testutil.Claims{"sid": nil}, want: both[1:]},
		{name: "neither", claims: testutil.Claims{"sub": nil, "sid": nil}},
		{name: "sub and sid, and tokens have sid", config: func(c *revocation.LogoutConfig) { c.SessionIDInTokens = true }, want: both[:1]},
		{name: "sub alone, and tokens have sid", claims: testutil.Claims{"sid": nil}, config: func(c *revocation.LogoutConfig) { c.SessionIDInTokens = true }, want: both[1:]},
		{name: "sub empty", claims: testutil.Claims{"sub": ""}},
		{name: "sid empty", claims: testutil.Claims{"sid": ""}},
		{name: "sid a number", claims: testutil.Claims{"sid": 1}},
		{name: "sid of 2 KiB", claims: testutil.Claims{"sid": long, "sub": nil}, want: []revocation.Rule{{Issuer: iss.URL, SessionID: long}}},
		{name: "sid over 2 KiB", claims: testutil.Claims{"sid": long + "x", "sub": nil}},

		{name: "typ JWT", header: map[string]any{"typ": "JWT"}, want: both},
		{name: "no typ", header: map[string]any{"typ": nil}, want: both},
		{name: "typ in capitals, with application/", header: map[string]any{"typ": "application/LOGOUT+JWT"}, want: both},
		{name: "typ of a SET", header: map[string]any{"typ": "secevent+jwt"}},
		{name: "typ of an access token", header: map[string]any{"typ": "at+jwt"}},
		{name: "typ empty", header: map[string]any{"typ": ""}},

		{name: "an event besides", claims: testutil.Claims{"events": map[string]any{logoutType: map[string]any{}, "https://example.com/x": map[string]any{}}}, want: both},
		{name: "another event", claims: testutil.Claims{"events": map[string]any{"https://example.com/x": map[string]any{}}}},
		{name: "no events", claims: testutil.Claims{"events": nil}},
		{name: "events a list", claims: testutil.Claims{"events": []string{logoutType}}},
		{name: "the event null", claims: testutil.Claims{"events": map[string]any{logoutType: nil}}},
		{name: "the event with members", claims: testutil.Claims{"events": map[string]any{logoutType: map[string]any{"a": 1}}}, want: both},
		{name: "nonce", claims: testutil.Claims{"nonce": "n"}},
		{name: "nonce null", claims: testutil.Claims{"nonce": json.RawMessage("null")}},

		{name: "no jti", claims: testutil.Claims{"jti": nil}},
		{name: "jti empty", claims: testutil.Claims{"jti": ""}},
		{name: "no iat", claims: testutil.Claims{"iat": nil}},
		{name: "iat within leeway ahead", claims: testutil.Claims{"iat": noon.Add(validator.DefaultLeeway)}, want: []revocation.Rule{session, {Issuer: iss.URL, Subject: "anna", IssuedBefore: noon.Add(validator.DefaultLeeway)}}},
		{name: "iat over leeway ahead", claims: testutil.Claims{"iat": noon.Add(validator.DefaultLeeway + time.Second)}},
		{name: "iat just young enough", claims: testutil.Claims{"sub": nil, "iat": noon.Add(-revocation.DefaultLogoutMaxAge - validator.DefaultLeeway + time.Second)}, want: both[:1]},
		{name: "iat too old", claims: testutil.Claims{"sub": nil, "iat": noon.Add(-revocation.DefaultLogoutMaxAge - validator.DefaultLeeway)}},
		{name: "expired within leeway", claims: testutil.Claims{"exp": noon.Add(time.Second - validator.DefaultLeeway)}, want: both},
		{name: "expired", claims: testutil.Claims{"exp": noon.Add(-validator.DefaultLeeway)}},
		{name: "no exp", claims: testutil.Claims{"exp": nil}},
		{name: "no exp, which is allowed", claims: testutil.Claims{"exp": nil}, config: func(c *revocation.LogoutConfig) { c.AllowMissingExpiry = true }, want: both},

		{name: "several audiences", claims: testutil.Claims{"aud": []string{"other", client}}, want: both},
		{name: "another audience", claims: testutil.Claims{"aud": "other"}},
		{name: "no audience", claims: testutil.Claims{"aud": nil}},
		{name: "another issuer", claims: testutil.Claims{"iss": "https://other.example.com/"}},
		{name: "alg none", header: map[string]any{"alg": "none"}},
		{name: "alg HS256", header: map[string]any{"alg": "HS256"}},
		{name: "another kid", header: map[string]any{"kid": "other"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			list := new(recorder)
			r := newLogoutReceiver(t, iss, list, tt.config)
			w := postLogout(r, logout(t, iss, tt.claims, tt.header))
			if got := list.take(); !slices.Equal(got, tt.want) {
				t.Errorf("rules = %+v, want %+v", got, tt.want)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control = %q, want no-store", got)
			}
			if tt.want != nil {
				if w.Code != http.StatusOK || w.Body.Len() > 0 {
					t.Errorf("response = %d %s, want 200 and nothing", w.Code, w.Body)
				}
				return
			}
			var body struct{ Error, ErrorDescription string }
			err := json.Unmarshal([]byte(strings.ReplaceAll(w.Body.String(), "error_description", "errorDescription")), &body)
			if w.Code != http.StatusBadRequest || err != nil || body.Error != "invalid_request" || body.ErrorDescription == "" {
				t.Errorf("response = %d %s, want 400 with invalid_request and a description", w.Code, w.Body)
			}
		})
	}
}

func TestLogoutReceiver_request(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	list := new(recorder)
	r := newLogoutReceiver(t, iss, list, nil)
	good := logout(t, iss, nil, nil)
	send := func(method, contentType, body string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, "/logout", strings.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w
	}
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, method, contentType, body string
		want                            int
	}{
		{"GET", http.MethodGet, form, "logout_token=" + good, 405},
		{"no Content-Type", http.MethodPost, "", "logout_token=" + good, 400},
		{"JSON", http.MethodPost, "application/json", `{"logout_token":"` + good + `"}`, 400},
		{"no field", http.MethodPost, form, "token=" + good, 400},
		{"the field twice", http.MethodPost, form, "logout_token=" + good + "&logout_token=" + good, 400},
		{"a broken form", http.MethodPost, form, "logout_token=" + good + "&%zz", 400},
		{"the token in the query alone", http.MethodPost, form, "", 400},
		{"an endless body", http.MethodPost, form, "logout_token=" + strings.Repeat("a", 1<<20), 400},
		{"not a token", http.MethodPost, form, "logout_token=x", 400},
		{"another field besides", http.MethodPost, form + "; charset=utf-8", "a=b&logout_token=" + good, 200},
	} {
		if w := send(tt.method, tt.contentType, tt.body); w.Code != tt.want {
			t.Errorf("%s: status = %d, want %d", tt.name, w.Code, tt.want)
		}
	}
	if got := len(list.take()); got != 2 {
		t.Errorf("rules = %d, want the 2 of the one good request", got)
	}
}

// A logout token is used once, but not by a request that could not be served.
// A stranger's form costs little, whatever is in it.
func TestLogoutReceiver_form(t *testing.T) { //nolint:paralleltest // it counts allocations
	r := newLogoutReceiver(t, newIssuer(t), new(recorder), nil)
	var different strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&different, "%x=&", i)
	}
	for _, body := range []string{
		different.String(), strings.Repeat("a&", 10000), strings.Repeat("%41&", 5000), strings.Repeat("a=b&", 5000), strings.Repeat("logout_token&", 1500),
	} {
		req := httptest.NewRequest(http.MethodPost, "/", nil)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		got := testing.AllocsPerRun(10, func() {
			w = httptest.NewRecorder()
			req.Body = io.NopCloser(strings.NewReader(body))
			r.ServeHTTP(w, req)
		})
		if got > 60 || w.Code != http.StatusBadRequest {
			t.Errorf("POST of %.20q… = %d with %v allocations, want 400 with 60 at most", body, w.Code, got)
		}
	}
}

func TestLogoutReceiver_once(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	list := new(recorder)
	r := newLogoutReceiver(t, iss, list, nil)
	token := logout(t, iss, nil, nil)

	list.fail(errors.New("down"))
	if w := postLogout(r, token); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Body.Len() > 0 {
		t.Errorf("with a List that fails: response = %d %v %s, want 503 with Retry-After", w.Code, w.Header(), w.Body)
	}
	list.fail(nil)
	if w := postLogout(r, token); w.Code != http.StatusOK {
		t.Errorf("again: response = %d %s, want 200", w.Code, w.Body)
	}
	if w := postLogout(r, token); w.Code != http.StatusBadRequest {
		t.Errorf("a third time: response = %d %s, want 400", w.Code, w.Body)
	}
	if w := postLogout(r, logout(t, iss, testutil.Claims{"jti": "id-2"}, nil)); w.Code != http.StatusOK {
		t.Errorf("with another jti: response = %d %s, want 200", w.Code, w.Body)
	}
}

// If the keys can't be had, the token may be good.
func TestLogoutReceiver_noKeys(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	list := new(recorder)
	r := newLogoutReceiver(t, iss, list, nil)
	token := logout(t, iss, nil, nil)
	iss.SetDown(true)
	if w := postLogout(r, token); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("without keys: response = %d %s, want 503 with Retry-After", w.Code, w.Body)
	}
	iss.SetDown(false)
	iss.Advance(time.Minute)
	if w := postLogout(r, token); w.Code != http.StatusOK {
		t.Errorf("with the issuer up again: response = %d %s, want 200", w.Code, w.Body)
	}
}

// Strangers use up the fetches for unknown keys. The first signal of a new key
// must not be lost by that.
func TestLogoutReceiver_newKeyInFlood(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	list := new(recorder)
	r := newLogoutReceiver(t, iss, list, nil)
	if w := postLogout(r, logout(t, iss, nil, map[string]any{"kid": "made up"})); w.Code != http.StatusBadRequest {
		t.Errorf("a kid that the issuer was asked for: status = %d, want 400", w.Code)
	}
	iss.Advance(2 * time.Second)
	if w := postLogout(r, logout(t, iss, nil, map[string]any{"kid": "made up too"})); w.Code != http.StatusBadRequest {
		t.Errorf("another one: status = %d, want 400", w.Code)
	}
	iss.Advance(2 * time.Second)
	iss.RotateKey()
	token := logout(t, iss, nil, nil)
	if w := postLogout(r, token); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a kid that the issuer could not be asked for: status = %d, want 503", w.Code)
	}
	iss.Advance(2 * jwks.DefaultUnknownKeyInterval)
	if w := postLogout(r, token); w.Code != http.StatusOK {
		t.Errorf("after the interval: response = %d %s, want 200", w.Code, w.Body)
	}
}

// A Secret is for issuers that sign by HS256, and only if it is configured.
func TestLogoutReceiver_secret(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	secret := []byte(strings.Repeat("s", 32))
	list := new(recorder)
	r := newLogoutReceiver(t, iss, list, func(c *revocation.LogoutConfig) {
		c.Sender.Keys, c.Sender.Algorithms, c.Sender.Secret = nil, nil, secret
	})
	claims := testutil.Claims{
		"aud": client, "sid": "s-1", "jti": "id-1", "exp": noon.Add(time.Minute), "events": map[string]any{logoutType: map[string]any{}},
	}
	if w := postLogout(r, iss.Sign(mockissuer.Token{Claims: claims, Algorithm: "HS256", Secret: secret})); w.Code != http.StatusOK {
		t.Errorf("by the secret: response = %d %s, want 200", w.Code, w.Body)
	}
	claims["jti"] = "id-2"
	if w := postLogout(r, iss.Sign(mockissuer.Token{Claims: claims})); w.Code != http.StatusBadRequest {
		t.Errorf("by a key: response = %d %s, want 400", w.Code, w.Body)
	}
}

func TestNewLogoutReceiver_faults(t *testing.T) {
	t.Parallel()

	_, err := revocation.NewLogoutReceiver(revocation.LogoutConfig{
		Sender: validator.Config{
			Audiences: []string{client}, AudienceClaim: "azp", RequireRFC9068: true, InsecureSkipTypeCheck: true,
			Checks: []validator.Check{validator.Subjects("anna")}, CacheSize: 1,
		},
		MaxAge: -1,
	})
	if err == nil {
		t.Fatal("NewLogoutReceiver(a bad Config) error = nil")
	}
	for _, want := range []string{"AudienceClaim", "RequireRFC9068", "InsecureSkipTypeCheck", "Checks", "CacheSize", "MaxAge", "List is nil", "Issuers is empty"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("NewLogoutReceiver(a bad Config) error = %v, want %s in it", err, want)
		}
	}
}

// What strangers send can't fill the log.
func TestLogoutReceiver_log(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	var lines strings.Builder
	r := newLogoutReceiver(t, iss, new(recorder), func(c *revocation.LogoutConfig) {
		c.Logger = slog.New(slog.NewTextHandler(&lines, nil))
	})
	for range 1000 {
		postLogout(r, "secret-31415926")
	}
	iss.Advance(time.Second)
	postLogout(r, "secret-31415926")
	if got := strings.Count(lines.String(), "\n"); got != 2 || !strings.Contains(lines.String(), "left_out=999") || strings.Contains(lines.String(), "31415926") {
		t.Errorf("1001 bad requests in 2 s logged %d lines: %s\nwant 2, with left_out=999 and nothing of the token", got, lines.String())
	}
}

// A panic of the List is an error to the sender, and nothing more.
func TestLogoutReceiver_panic(t *testing.T) {
	t.Parallel()

	iss := newIssuer(t)
	r := newLogoutReceiver(t, iss, panicking{}, nil)
	if w := postLogout(r, logout(t, iss, nil, nil)); w.Code != http.StatusInternalServerError || w.Body.Len() > 0 {
		t.Errorf("response = %d %s, want 500 and nothing", w.Code, w.Body)
	}
}

type panicking struct{}

func (panicking) Revoke(context.Context, revocation.Rule) error { panic("secret") }
