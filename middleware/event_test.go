package middleware_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

const audience = "https://api.example.com"

func segment(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func kidOf(t *testing.T, iss *testutil.Issuer) string {
	t.Helper()
	kids, err := iss.KeyIDs()
	if err != nil || len(kids) == 0 {
		t.Fatalf("KeyIDs() = %q, %v", kids, err)
	}
	return kids[0]
}

// events keeps what it observes, without durations.
type events []middleware.Event

func (e *events) observe(_ context.Context, event middleware.Event) { *e = append(*e, event) }

// diffEvents compares the exported fields but Duration.
func diffEvents(want, got events) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(middleware.Event{}), cmpopts.IgnoreFields(middleware.Event{}, "Duration"))
}

// A real Validator, by which claims have all that they have.
func TestConfig_Observe(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	other := testutil.NewIssuer(t)
	good := iss.Token(testutil.Claims{
		"sub": "anna", "client_id": "app", "jti": "t1", "org_id": "org_1", "act": map[string]any{"sub": "agent-7"},
	})
	accepted := middleware.Event{
		Outcome: middleware.Accepted, Issuer: iss.URL, KeyID: kidOf(t, iss), Algorithm: "RS256", Subject: "anna", Client: "app",
		Actor: "agent-7", Organization: "org_1", Scheme: "Bearer", Method: "GET", Route: "GET /orders/{id}",
	}
	changed := func(change func(*middleware.Event)) middleware.Event {
		e := accepted
		change(&e)
		return e
	}
	for _, tt := range []struct {
		name   string
		cfg    middleware.Config
		method string
		token  string
		checks []validator.Check
		want   middleware.Event
	}{
		{name: "a good token", token: good, want: accepted},
		{name: "a good token again", token: good, want: changed(func(e *middleware.Event) { e.Remembered = true })},
		{
			name: "none", want: middleware.Event{
				Outcome: middleware.Rejected, Status: 401, Code: validator.CodeMissing, Method: "GET", Route: "GET /orders/{id}",
			},
		},
		{
			name: "none, where it is optional", cfg: middleware.Config{Optional: true},
			want: middleware.Event{Outcome: middleware.Anonymous, Method: "GET", Route: "GET /orders/{id}"},
		},
		{
			name: "a check", token: good, checks: []validator.Check{validator.Scopes("a")},
			want: changed(func(e *middleware.Event) {
				e.Outcome, e.Status, e.Code, e.Remembered = middleware.Rejected, 403, validator.CodeScope, true
			}),
		},
		{
			name: "a host", token: good, cfg: middleware.Config{IssuerForHost: func(string) string { return "" }},
			want: changed(func(e *middleware.Event) {
				e.Outcome, e.Status, e.Code, e.Remembered = middleware.Rejected, 401, validator.CodeIssuer, true
			}),
		},
		{
			name: "an expired token", token: iss.Token(testutil.Claims{"exp": 1, "sub": "anna"}),
			want: middleware.Event{
				Outcome: middleware.Rejected, Status: 401, Code: validator.CodeExpired, Issuer: iss.URL, KeyID: kidOf(t, iss),
				Scheme: "Bearer", Method: "GET", Route: "GET /orders/{id}",
			},
		},
		{
			name: "another issuer's token", token: other.Token(nil),
			want: middleware.Event{
				Outcome: middleware.Rejected, Status: 401, Code: validator.CodeIssuer, Issuer: "other", KeyID: kidOf(t, other),
				Scheme: "Bearer", Method: "GET", Route: "GET /orders/{id}",
			},
		},
		{
			name: "a made-up method", token: good, method: "BREW",
			want: changed(func(e *middleware.Event) { e.Remembered, e.Method, e.Route = true, "other", "/{path...}" }),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got events
			cfg := tt.cfg
			cfg.Validator, cfg.Observe = v, got.observe
			h := newAuth(t, cfg).Require(tt.checks...)(new(spy))
			mux := http.NewServeMux()
			mux.Handle("GET /orders/{id}", h)
			mux.Handle("/{path...}", h)
			r := httptest.NewRequest("GET", "/orders/7", nil)
			if tt.method != "" {
				r.Method = tt.method
			}
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			mux.ServeHTTP(httptest.NewRecorder(), r)
			if diff := diffEvents(events{tt.want}, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if len(got) == 1 && got[0].Duration <= 0 {
				t.Errorf("Duration = %v, want more than 0", got[0].Duration)
			}
		})
	}
}

func TestConfig_Observe_unavailable(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	token := iss.Token(nil)
	iss.SetDown(true)
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	var got events
	auth := newAuth(t, middleware.Config{Validator: v, Observe: got.observe})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if _, err := do(auth, r); err == nil {
		t.Fatal("Do() error = nil")
	}
	want := middleware.Event{
		Outcome: middleware.Rejected, Status: 503, Code: validator.CodeUnavailable, Service: "keys",
		Issuer: iss.URL, KeyID: kidOf(t, iss), Scheme: "Bearer", Method: "GET",
	}
	if diff := diffEvents(events{want}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What fails because the client is gone is no outage.
func TestConfig_Observe_abandoned(t *testing.T) {
	t.Parallel()

	for _, gone := range []bool{false, true} {
		var got events
		auth := newAuth(t, middleware.Config{Observe: got.observe, Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return nil, &validator.Error{Code: validator.CodeUnavailable, Service: "keys", Err: context.Canceled}
		})})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		want := middleware.Rejected
		if gone {
			cancel()
			want = middleware.Abandoned
		}
		r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
		r.Header.Set("Authorization", "Bearer x")
		if _, err := do(auth, r); err == nil {
			t.Fatal("Do() error = nil")
		}
		if len(got) != 1 || got[0].Outcome != want {
			t.Errorf("client gone: %t: events = %v, want one, %s", gone, got, want)
		}
	}
}

func TestConfig_Observe_bound(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		want         string
		confirmation validator.Confirmation
	}{
		{"dpop", validator.Confirmation{JKT: "a"}},
		{"certificate", validator.Confirmation{X5TS256: "a"}},
	} {
		var got events
		auth := newAuth(t, middleware.Config{Observe: got.observe, Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return &validator.Claims{Confirmation: &tt.confirmation}, nil
		})})
		serve(auth.Handler(new(spy)), "Bearer x")
		if len(got) != 1 || got[0].Binding != tt.want || got[0].Outcome != middleware.Rejected || got[0].Code != validator.CodeBinding {
			t.Errorf("events = %+v, want one, rejected, bound by %q", got, tt.want)
		}
	}
}

// Each Guard decides once, and the outer one's decision is not told twice.
func TestConfig_Observe_nested(t *testing.T) {
	t.Parallel()

	var got events
	auth := newAuth(t, middleware.Config{Observe: got.observe})
	serve(auth.Handler(auth.Require(refuse(errors.New("x")))(new(spy))), "Bearer anna")
	if len(got) != 2 || got[0].Outcome != middleware.Accepted || got[1].Outcome != middleware.Rejected || got[1].Subject != "anna" {
		t.Errorf("events = %v, want one accepted and one rejected, of anna", got)
	}
}

// What strangers send has no part in what may be attributes of metrics.
func TestConfig_Observe_strangers(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	type attributes struct {
		outcome                                               middleware.Outcome
		code                                                  validator.Code
		issuer, scheme, binding, method, service, client, alg string
	}
	series := make(map[attributes]bool)
	auth := newAuth(t, middleware.Config{Validator: v, Optional: true, Observe: func(_ context.Context, e middleware.Event) {
		series[attributes{e.Outcome, e.Code, e.Issuer, e.Scheme, e.Binding, e.Method, e.Service, e.Client, e.Algorithm}] = true
	}})
	h := auth.Handler(new(spy))
	for i := range 2000 {
		r := httptest.NewRequest("GET", "/", nil)
		r.Method = fmt.Sprintf("M%d", i)
		token := segment(map[string]any{"alg": fmt.Sprintf("X%d", i), "kid": fmt.Sprint(i)})
		if i%2 == 0 {
			token = segment(map[string]any{"alg": "RS256", "kid": fmt.Sprint(i)})
		}
		token += "." + segment(map[string]any{"iss": fmt.Sprintf("https://%d.example/", i), "client_id": fmt.Sprint(i), "sub": fmt.Sprint(i), "aud": audience, "exp": 1 << 40}) + ".AAAA"
		r.Header.Set("Authorization", "Bearer "+token)
		if i%3 == 0 {
			r.Header.Set("Authorization", fmt.Sprintf("S%d %s", i, token))
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if len(series) > 4 {
		t.Errorf("2000 tokens made %d different series, want 4 at most: %v", len(series), series)
	}
}

func TestConfig_Observe_panics(t *testing.T) {
	t.Parallel()

	var log strings.Builder
	auth := newAuth(t, middleware.Config{
		Observe: func(context.Context, middleware.Event) { panic("secret") },
		Logger:  slog.New(slog.NewTextHandler(&log, nil)),
	})
	var s spy
	if w := serve(auth.Handler(&s), "Bearer anna"); w.Code != 200 || !slices.Equal(s.seen, []string{"anna"}) {
		t.Errorf("status %d, handler called for %q, want 200 and anna", w.Code, s.seen)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=ERROR") || strings.Contains(got, "secret") {
		t.Errorf("log = %s, want one error without the panic's value", got)
	}
	if w := serve(auth.Handler(&s), "Bearer bad"); w.Code != 401 {
		t.Errorf("a bad token: status %d, want 401", w.Code)
	}
}

// The texts of an event are UTF-8, whatever a check and a Validator return,
// because exporters of metrics reject others.
func TestConfig_Observe_utf8(t *testing.T) {
	t.Parallel()

	const broken = "a\xff"
	for _, claims := range []*validator.Claims{nil, {Issuer: broken, Subject: broken, ClientID: broken, OrgID: broken}} {
		var got events
		auth := newAuth(t, middleware.Config{Observe: got.observe, Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) {
			if claims != nil {
				return claims, nil
			}
			return nil, &validator.Error{Code: broken, Service: broken, Issuer: broken, KeyID: broken, Trusted: true, Err: errors.New(broken)}
		})})
		r := httptest.NewRequest("GET", "/", nil)
		r.Pattern = broken
		r.Header.Set("Authorization", "Bearer x")
		_, _ = do(auth, r)
		if len(got) != 1 || !utf8.ValidString(string(got[0].Code)+got[0].Issuer+got[0].KeyID+got[0].Service+got[0].Subject+got[0].Client+got[0].Organization+got[0].Route) {
			t.Errorf("events = %q, want one that is UTF-8", got)
		}
	}
}

// A handler's way to abort its response is a decision too.
func TestConfig_Observe_aborts(t *testing.T) {
	t.Parallel()

	abort := func(context.Context, *validator.Claims) error { panic(http.ErrAbortHandler) }
	for _, reportOnly := range []bool{false, true} {
		var got events
		auth := newAuth(t, middleware.Config{Observe: got.observe, InsecureReportOnly: reportOnly, Logger: slog.New(slog.DiscardHandler)})
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("recover() = %v, want ErrAbortHandler", v)
				}
			}()
			serve(auth.Require(abort)(new(spy)), "Bearer anna")
		}()
		want := middleware.Event{
			Outcome: middleware.Rejected, Status: 500, Code: validator.CodeInternal, Scheme: "Bearer", Method: "GET", Subject: "anna", Issuer: "https://issuer.example/",
		}
		if diff := diffEvents(events{want}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	}
}

func TestEvent_TokenHash(t *testing.T) {
	t.Parallel()

	hash := func(claims validator.Claims, key string) string {
		var got events
		serve(newAuth(t, middleware.Config{Observe: got.observe, Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return &claims, nil
		})}).Handler(new(spy)), "Bearer x")
		return got[0].TokenHash([]byte(key))
	}
	one := hash(validator.Claims{Issuer: "a", ID: "1"}, "k")
	if again := hash(validator.Claims{Issuer: "a", ID: "1"}, "k"); len(one) != 32 || again != one {
		t.Errorf("TokenHash() = %q, then %q, want the same 32 digits", one, again)
	}
	for _, tt := range []struct {
		name   string
		claims validator.Claims
		key    string
	}{
		{"another ID", validator.Claims{Issuer: "a", ID: "2"}, "k"},
		{"another issuer", validator.Claims{Issuer: "b", ID: "1"}, "k"},
		{"another border", validator.Claims{Issuer: "a1", ID: ""}, "k"},
		{"another key", validator.Claims{Issuer: "a", ID: "1"}, "l"},
	} {
		if got := hash(tt.claims, tt.key); got == one {
			t.Errorf("%s: TokenHash() = %q, want another than the first", tt.name, got)
		}
	}
	if got := hash(validator.Claims{Issuer: "a"}, "k"); got != "" {
		t.Errorf("no ID: TokenHash() = %q, want none", got)
	}
}

func TestConfig_InsecureReportOnly(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name          string
		authorization []string
		checks        []validator.Check
		seen          string
		record        string
		outcome       middleware.Outcome
		status        int
	}{
		{"a good token", []string{"Bearer anna"}, nil, "anna", "", middleware.Accepted, 0},
		{"a bad token", []string{"Bearer bad"}, nil, "-", "level=INFO msg=\"would refuse token\" status=401 code=invalid_signature", middleware.Rejected, 401},
		{"no token", nil, nil, "-", "level=INFO msg=\"would refuse token\" status=401 code=token_missing", middleware.Rejected, 401},
		{"two tokens", []string{"Bearer anna", "Bearer anna"}, nil, "-", "code=invalid_request", middleware.Rejected, 400},
		{"a check", []string{"Bearer anna"}, []validator.Check{refuse(errors.New("x"))}, "anna", "status=403 code=refused", middleware.Rejected, 403},
		{
			"a check that panics", []string{"Bearer anna"},
			[]validator.Check{func(context.Context, *validator.Claims) error { panic("x") }}, "anna", "level=ERROR msg=\"would refuse token\" status=500", middleware.Rejected, 500,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var log strings.Builder
			var got events
			auth := newAuth(t, middleware.Config{InsecureReportOnly: true, Observe: got.observe, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			start := "level=WARN msg=\"middleware.Config.InsecureReportOnly is on"
			if !strings.Contains(log.String(), start) {
				t.Errorf("New logged %q, want %s in it", &log, start)
			}
			log.Reset()
			var s spy
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["Authorization"] = tt.authorization
			// Claims of others don't pass for those of the token.
			r = r.WithContext(middleware.ContextWithClaims(r.Context(), &validator.Claims{Subject: "someone else"}))
			w := httptest.NewRecorder()
			auth.Require(tt.checks...)(&s).ServeHTTP(w, r)
			if w.Code != 200 || !slices.Equal(s.seen, []string{tt.seen}) {
				t.Errorf("status %d, handler called for %q, want 200 and %q", w.Code, s.seen, tt.seen)
			}
			if w.Header().Get("WWW-Authenticate") != "" || w.Header().Get("Cache-Control") != "" {
				t.Errorf("header = %v, want no challenge", w.Header())
			}
			if !strings.Contains(log.String(), tt.record) || tt.record == "" && log.Len() > 0 {
				t.Errorf("log = %s, want %q in it", &log, tt.record)
			}
			if len(got) != 1 || got[0].Outcome != tt.outcome || got[0].Status != tt.status || !got[0].ReportOnly {
				t.Errorf("events = %v, want one, %s with %d, only reported", got, tt.outcome, tt.status)
			}
		})
	}
}

func TestConfig_Compare(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name          string
		authorization string
		compare       func(*http.Request) error
		differs       bool
		record        []string
	}{
		{"both accept", "Bearer anna", func(*http.Request) error { return nil }, false, nil},
		{"both reject", "Bearer bad", func(*http.Request) error { return errors.New("x") }, false, nil},
		{"only Compare rejects", "Bearer anna", func(*http.Request) error { return errors.New("too old") }, true, []string{"level=WARN", "decisions differ", "rejected_by=Compare", "too old"}},
		{"only this rejects", "Bearer bad", func(*http.Request) error { return nil }, true, []string{"level=WARN", "decisions differ", "rejected_by=rsguard", "invalid_signature"}},
		{"Compare panics", "Bearer anna", func(*http.Request) error { panic("secret") }, true, []string{"rejected_by=Compare", "panic of type string"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var log strings.Builder
			var got events
			auth := newAuth(t, middleware.Config{Compare: tt.compare, Observe: got.observe, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			w := serve(auth.Handler(auth.Handler(new(spy))), tt.authorization)
			want := 200
			if tt.authorization == "Bearer bad" {
				want = 401
			}
			if w.Code != want {
				t.Errorf("status %d, want %d: Compare changes nothing", w.Code, want)
			}
			if len(got) == 0 || !got[0].Compared || got[0].Differs != tt.differs {
				t.Errorf("events = %v, want the first compared, differing: %t", got, tt.differs)
			}
			if len(got) == 2 && got[1].Compared {
				t.Error("the inner Guard has compared again")
			}
			for _, part := range tt.record {
				if !strings.Contains(log.String(), part) {
					t.Errorf("log = %s, want %q in it", &log, part)
				}
			}
			if strings.Contains(log.String(), "decisions differ") != tt.differs || strings.Contains(log.String(), "secret") {
				t.Errorf("log = %s, want a difference: %t", &log, tt.differs)
			}
		})
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name   string
		cfg    middleware.AuditConfig
		routes map[string]int // requests
		want   map[string]int // records
	}{
		{"all", middleware.AuditConfig{}, map[string]int{"/a": 10, "/b": 5}, map[string]int{"/a": 10, "/b": 5}},
		{"none", middleware.AuditConfig{OneIn: -1}, map[string]int{"/a": 10}, nil},
		{"one in five", middleware.AuditConfig{OneIn: 5}, map[string]int{"/a": 10}, map[string]int{"/a": 2}},
		{"one route", middleware.AuditConfig{OneIn: -1, Routes: []string{"/b"}}, map[string]int{"/a": 10, "/b": 5}, map[string]int{"/b": 5}},
		{"one in five, and one route", middleware.AuditConfig{OneIn: 5, Routes: []string{"/b"}}, map[string]int{"/a": 10, "/b": 5}, map[string]int{"/a": 2, "/b": 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var log bytes.Buffer
			tt.cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
			tt.cfg.TokenKey = []byte("k")
			auth := newAuth(t, middleware.Config{
				Optional: true, Observe: middleware.Audit(tt.cfg),
				Validator: validateFunc(func(_ context.Context, token string) (*validator.Claims, error) {
					if token == "bad" {
						return nil, errors.New("x")
					}
					return &validator.Claims{Issuer: "https://issuer.example/", Subject: token, ID: "t1"}, nil
				}),
			})
			mux := http.NewServeMux()
			for route, n := range tt.routes {
				mux.Handle(route, auth.Handler(new(spy)))
				for range n {
					for _, authorization := range []string{"Bearer anna", "Bearer bad", ""} {
						r := httptest.NewRequest("GET", route, nil)
						if authorization != "" {
							r.Header.Set("Authorization", authorization)
						}
						mux.ServeHTTP(httptest.NewRecorder(), r)
					}
				}
			}
			got := make(map[string]int)
			for d := json.NewDecoder(&log); d.More(); {
				var record struct {
					Msg, Route, Outcome, Subject, Token string
					Duration                            int
				}
				if err := d.Decode(&record); err != nil {
					t.Fatal(err)
				}
				if record.Msg != "token accepted" || record.Outcome != "accepted" || record.Subject != "anna" || len(record.Token) != 32 || record.Duration <= 0 {
					t.Fatalf("record = %+v, want one of anna's accepted token", record)
				}
				got[record.Route]++
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("records by route (-want +got):\n%s", diff)
			}
		})
	}
}

// An accepted proof's request is observed with its scheme.
func TestConfig_Observe_dpop(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := dpop.New(dpop.Config{Replays: new(dpop.MemoryStore)})
	if err != nil {
		t.Fatal(err)
	}
	var got events
	h := newAuth(t, middleware.Config{Validator: v, DPoP: verifier, Observe: got.observe}).Handler(new(spy))
	client := testutil.DPoPKey(t)
	r := httptest.NewRequest("GET", "https://api.example.com/orders", nil)
	client.Authorize(r, iss.Token(testutil.Claims{"cnf": client.Confirmation()}))
	again := r.Clone(r.Context())
	h.ServeHTTP(httptest.NewRecorder(), r)
	h.ServeHTTP(httptest.NewRecorder(), again)
	for i, want := range []middleware.Event{
		{Outcome: middleware.Accepted, Scheme: "DPoP", Binding: "dpop"},
		{Outcome: middleware.Rejected, Scheme: "DPoP", Binding: "dpop", Code: validator.CodeReplayed},
	} {
		if len(got) <= i || got[i].Outcome != want.Outcome || got[i].Scheme != want.Scheme || got[i].Binding != want.Binding || got[i].Code != want.Code {
			t.Errorf("events = %v, want %v at %d", got, want, i)
		}
	}
}
