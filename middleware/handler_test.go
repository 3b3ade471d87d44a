package middleware_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func TestAuthenticator_Handler(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name          string
		authorization []string
		status        int
		challenge     string
		seen          []string
	}{
		{"a good token", []string{"Bearer anna"}, 200, "", []string{"anna"}},
		{"a bad token", []string{"Bearer bad"}, 401, `Bearer error="invalid_token"`, nil},
		{"no token", nil, 401, `Bearer`, nil},
		{"two tokens", []string{"Bearer anna", "Bearer anna"}, 400, `Bearer error="invalid_request"`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var s spy
			w := serve(newAuth(t, middleware.Config{}).Handler(&s), tt.authorization...)
			if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || got != tt.challenge {
				t.Errorf("Handler(%q) = %d, challenge %q, want %d, %q", tt.authorization, w.Code, got, tt.status, tt.challenge)
			}
			if !slices.Equal(s.seen, tt.seen) {
				t.Errorf("Handler(%q) called next for %q, want %q", tt.authorization, s.seen, tt.seen)
			}
			body := http.StatusText(tt.status) + "\n"
			if tt.status == 200 {
				body = ""
			}
			if got := w.Body.String(); got != body {
				t.Errorf("Handler(%q) body = %q, want %q", tt.authorization, got, body)
			}
		})
	}
}

func TestConfig_ErrorHandler(t *testing.T) {
	t.Parallel()

	var got []string
	auth := newAuth(t, middleware.Config{
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, status int, err error) {
			got = append(got, fmt.Sprintln(r.URL.Path, status, validator.CodeOf(err), w.Header().Get("WWW-Authenticate")))
			w.WriteHeader(status)
		},
	})
	var s spy
	w := serve(auth.Require(refuse(&validator.Error{Code: validator.CodeScope, Scopes: []string{"a"}}))(&s), "Bearer anna")
	want := []string{`/orders 403 insufficient_scope Bearer error="insufficient_scope", scope="a"` + "\n"}
	if !slices.Equal(got, want) {
		t.Errorf("ErrorHandler got %q, want %q", got, want)
	}
	if w.Code != 403 || w.Body.Len() > 0 || s.seen != nil {
		t.Errorf("response = %d, %q, next called for %q, want 403 from the ErrorHandler alone", w.Code, w.Body, s.seen)
	}
	serve(auth.Handler(&s), "Bearer anna")
	if len(got) != 1 || !slices.Equal(s.seen, []string{"anna"}) {
		t.Errorf("after a good request: ErrorHandler got %q, next was called for %q", got, s.seen)
	}
}

func TestAuthenticator_Require_checks(t *testing.T) {
	t.Parallel()

	type key struct{}
	var ran []string
	check := func(name string, err error) validator.Check {
		return func(ctx context.Context, c *validator.Claims) error {
			ran = append(ran, fmt.Sprint(name, " ", c.Subject, " ", ctx.Value(key{})))
			return err
		}
	}
	scope := &validator.Error{Code: validator.CodeScope}

	for _, tt := range []struct {
		name   string
		checks []validator.Check
		status int
		ran    []string
	}{
		{"none", nil, 200, nil},
		{"good ones", []validator.Check{check("a", nil), check("b", nil)}, 200, []string{"a anna 7", "b anna 7"}},
		{"the first is bad", []validator.Check{check("a", scope), check("b", nil)}, 403, []string{"a anna 7"}},
		{"the last is bad", []validator.Check{check("a", nil), check("b", scope)}, 403, []string{"a anna 7", "b anna 7"}},
		{"an error of its own", []validator.Check{check("a", errors.New("x"))}, 403, []string{"a anna 7"}},
		{"a code of its own", []validator.Check{check("a", &validator.Error{Code: validator.CodeExpired})}, 401, []string{"a anna 7"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ran = nil
			var s spy
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer anna")
			w := httptest.NewRecorder()
			newAuth(t, middleware.Config{}).Require(tt.checks...)(&s).
				ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, 7)))
			if w.Code != tt.status || (len(s.seen) == 1) != (tt.status == 200) {
				t.Errorf("Require() = %d, next called for %q, want %d", w.Code, s.seen, tt.status)
			}
			if !slices.Equal(ran, tt.ran) {
				t.Errorf("Require() ran %q, want %q", ran, tt.ran)
			}
		})
	}
}

// What is inside what, and what is then validated how often and for whom.
func TestAuthenticator_nesting(t *testing.T) {
	t.Parallel()

	setToken := func(token string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r = r.Clone(r.Context())
				if token == "" {
					r.Header.Del("Authorization")
				} else {
					r.Header["Authorization"] = []string{token}
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	claimed := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(middleware.ContextWithClaims(r.Context(), &validator.Claims{Subject: "mallory"})))
		})
	}
	denyAnna := func(_ context.Context, c *validator.Claims) error {
		if c.Subject == "anna" {
			return errors.New("not anna")
		}
		return nil
	}
	scope := refuse(&validator.Error{Code: validator.CodeScope})
	type layer = func(http.Handler) http.Handler

	for _, tt := range []struct {
		name   string
		layers func(a, b *middleware.Authenticator) []layer // the outermost first
		status int
		seen   []string
		asked  []string // of a's and b's Validator together
	}{
		{
			"Require alone",
			func(a, _ *middleware.Authenticator) []layer { return []layer{a.Require(pass)} },
			200, []string{"anna"}, []string{"anna"},
		},
		{
			"Require inside Handler",
			func(a, _ *middleware.Authenticator) []layer {
				return []layer{a.Handler, a.Require(pass), a.Require(pass)}
			},
			200, []string{"anna"}, []string{"anna"},
		},
		{
			"Require inside Handler, refused",
			func(a, _ *middleware.Authenticator) []layer { return []layer{a.Handler, a.Require(scope)} },
			403, nil, []string{"anna"},
		},
		{
			"Handler twice",
			func(a, _ *middleware.Authenticator) []layer { return []layer{a.Handler, a.Handler} },
			200, []string{"anna"}, []string{"anna"},
		},
		{
			"inside another's Handler",
			func(a, b *middleware.Authenticator) []layer { return []layer{b.Handler, a.Require(pass)} },
			200, []string{"anna"}, []string{"anna", "anna"},
		},
		{
			"inside another's Handler, inside its own",
			func(a, b *middleware.Authenticator) []layer { return []layer{a.Handler, b.Handler, a.Require(pass)} },
			200, []string{"anna"}, []string{"anna", "anna", "anna"},
		},
		{
			"inside NewContext",
			func(a, _ *middleware.Authenticator) []layer { return []layer{claimed, a.Require(denyAnna)} },
			403, nil, []string{"anna"},
		},
		{
			"inside NewContext, without a token",
			func(a, _ *middleware.Authenticator) []layer { return []layer{claimed, setToken(""), a.Require(pass)} },
			401, nil, nil,
		},
		{
			"NewContext inside Handler",
			func(a, _ *middleware.Authenticator) []layer { return []layer{a.Handler, claimed, a.Require(denyAnna)} },
			403, nil, []string{"anna", "anna"},
		},
		{
			"the token is taken away between",
			func(a, _ *middleware.Authenticator) []layer { return []layer{a.Handler, setToken(""), a.Require(pass)} },
			200, []string{"anna"}, []string{"anna"},
		},
		{
			"another token is put in its place",
			func(a, _ *middleware.Authenticator) []layer {
				return []layer{a.Handler, setToken("Bearer bert"), a.Require(denyAnna)}
			},
			200, []string{"bert"}, []string{"anna", "bert"},
		},
		{
			"a bad token is put in its place",
			func(a, _ *middleware.Authenticator) []layer {
				return []layer{a.Handler, setToken("Bearer bad"), a.Handler}
			},
			401, nil, []string{"anna", "bad"},
		},
		{
			"nonsense is put in its place",
			func(a, _ *middleware.Authenticator) []layer {
				return []layer{a.Handler, setToken("Bearer a b"), a.Handler}
			},
			400, nil, []string{"anna"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			v, s := new(subjects), new(spy)
			cfg := middleware.Config{Validator: v}
			var h http.Handler = s
			for _, layer := range slices.Backward(tt.layers(newAuth(t, cfg), newAuth(t, cfg))) {
				h = layer(h)
			}
			w := serve(h, "Bearer anna")
			if w.Code != tt.status {
				t.Errorf("status = %d, want %d", w.Code, tt.status)
			}
			if !slices.Equal(s.seen, tt.seen) {
				t.Errorf("the handler was called for %q, want %q", s.seen, tt.seen)
			}
			if !slices.Equal(v.asked, tt.asked) {
				t.Errorf("tokens validated = %q, want %q", v.asked, tt.asked)
			}
		})
	}
}

func TestConfig_Optional(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name          string
		checks        []validator.Check
		authorization []string
		status        int
		seen          []string
	}{
		{"none", nil, nil, 200, []string{"-"}},
		{"an empty field", nil, []string{""}, 200, []string{"-"}},
		{"another scheme", nil, []string{"Basic dTpw"}, 200, []string{"-"}},
		{"good", nil, []string{"Bearer anna"}, 200, []string{"anna"}},
		{"bad", nil, []string{"Bearer bad"}, 401, nil},
		{"no token", nil, []string{"Bearer"}, 400, nil},
		{"twice", nil, []string{"Bearer anna", "Bearer anna"}, 400, nil},
		{"none, with a check", []validator.Check{pass}, nil, 401, nil},
		{"another scheme, with a check", []validator.Check{pass}, []string{"Basic dTpw"}, 401, nil},
		{"good, with a check", []validator.Check{pass}, []string{"Bearer anna"}, 200, []string{"anna"}},
		{"good, with a check not met", []validator.Check{refuse(errors.New("x"))}, []string{"Bearer anna"}, 403, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			auth := newAuth(t, middleware.Config{Optional: true})
			for name, wrap := range map[string]func(http.Handler) http.Handler{
				"alone":              auth.Require(tt.checks...),
				"inside its Handler": func(next http.Handler) http.Handler { return auth.Handler(auth.Require(tt.checks...)(next)) },
			} {
				var s spy
				if w := serve(wrap(&s), tt.authorization...); w.Code != tt.status || !slices.Equal(s.seen, tt.seen) {
					t.Errorf("%s: Require(%d checks) of %q = %d, handler called for %q, want %d, %q",
						name, len(tt.checks), tt.authorization, w.Code, s.seen, tt.status, tt.seen)
				}
			}
		})
	}
}

// The claims of another Authenticator are not those of an optional token that
// is not there.
func TestConfig_Optional_insideAnother(t *testing.T) {
	t.Parallel()

	byHeader := newAuth(t, middleware.Config{})
	byCookie := newAuth(t, middleware.Config{
		Optional: true,
		Token: func(r *http.Request) (string, error) {
			if c, err := r.Cookie("token"); err == nil {
				return c.Value, nil
			}
			return "", nil
		},
	})
	var s spy
	h := byHeader.Handler(byCookie.Handler(&s))
	serve(h, "Bearer anna")

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer anna")
	r.AddCookie(&http.Cookie{Name: "token", Value: "bert"})
	h.ServeHTTP(httptest.NewRecorder(), r)

	if want := []string{"-", "bert"}; !slices.Equal(s.seen, want) {
		t.Errorf("the handler was called for %q, want %q", s.seen, want)
	}
}

func TestConfig_Token(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name     string
		token    string
		err      error
		optional bool
		status   int
		asked    []string
	}{
		{"a token", "anna", nil, false, 200, []string{"anna"}},
		{"none", "", nil, false, 401, nil},
		{"none, optional", "", nil, true, 200, nil},
		{"missing", "", &validator.Error{Code: validator.CodeMissing}, false, 401, nil},
		{"missing, optional", "", &validator.Error{Code: validator.CodeMissing}, true, 200, nil},
		{"a token and an error", "anna", &validator.Error{Code: validator.CodeMissing}, false, 401, nil},
		{"its own error", "", http.ErrNoCookie, false, 400, nil},
		{"its own error, optional", "", http.ErrNoCookie, true, 400, nil},
		{"an outage", "", &validator.Error{Code: validator.CodeUnavailable}, true, 503, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			v := new(subjects)
			auth := newAuth(t, middleware.Config{
				Validator: v,
				Optional:  tt.optional,
				Token:     func(*http.Request) (string, error) { return tt.token, tt.err },
			})
			if w := serve(auth.Handler(new(spy)), "Bearer bad"); w.Code != tt.status || !slices.Equal(v.asked, tt.asked) {
				t.Errorf("Handler() with Token() = %q, %v: status %d, validated %q, want %d, %q",
					tt.token, tt.err, w.Code, v.asked, tt.status, tt.asked)
			}
		})
	}
}

// Only the source of the token can say that there are no credentials. Said by
// anything else, it must not let a bad token pass where one is optional, and is
// not a matter of every day for the log.
func TestConfig_Optional_missingElsewhere(t *testing.T) {
	t.Parallel()

	missing := &validator.Error{Code: validator.CodeMissing}
	wrapped := fmt.Errorf("wrapped: %w", missing)
	origin := func(*http.Request) (string, error) { return "", missing }
	issuerForHost := func(string) string { return "https://issuer.example/" }
	for _, tt := range []struct {
		name   string
		cfg    middleware.Config
		checks []validator.Check
		status int
		code   validator.Code
	}{
		{"ClientCertificate", middleware.Config{ClientCertificate: func(*http.Request) (*x509.Certificate, error) { return nil, missing }}, nil, 400, validator.CodeRequest},
		{"ClientCertificate, wrapped", middleware.Config{ClientCertificate: func(*http.Request) (*x509.Certificate, error) { return nil, wrapped }}, nil, 400, validator.CodeRequest},
		{"Origin", middleware.Config{Origin: origin, IssuerForHost: issuerForHost}, nil, 400, validator.CodeRequest},
		{"Validator", middleware.Config{Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return nil, missing })}, nil, 403, validator.CodeRefused},
		{"a check", middleware.Config{}, []validator.Check{refuse(missing)}, 403, validator.CodeRefused},
		{"a check, wrapped", middleware.Config{}, []validator.Check{refuse(wrapped)}, 403, validator.CodeRefused},
		{"a check that asks for claims in vain", middleware.Config{}, []validator.Check{func(ctx context.Context, _ *validator.Claims) error {
			_, err := middleware.ClaimsAs[struct{}](ctx)
			return err
		}}, 403, validator.CodeRefused},
		{"Token", middleware.Config{Token: func(*http.Request) (string, error) { return "bad", wrapped }}, nil, 200, ""},
	} {
		var log strings.Builder
		tt.cfg.Optional, tt.cfg.Logger = true, slog.New(slog.NewTextHandler(&log, nil))
		var s spy
		w := serve(newAuth(t, tt.cfg).Require(tt.checks...)(&s), "Bearer anna")
		if w.Code != tt.status || (s.seen != nil) != (tt.status == 200) {
			t.Errorf("%s returns CodeMissing: status = %d, handler called for %q, want %d", tt.name, w.Code, s.seen, tt.status)
		}
		if want := "code=" + string(tt.code); tt.code != "" && !strings.Contains(log.String(), want) {
			t.Errorf("%s returns CodeMissing: log = %q, want %s at level Info", tt.name, log.String(), want)
		}
	}
}

func TestGuard_Do(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	h := http.Header{}
	got, refusal := auth.Guard().Do(h, r)
	if got != nil || refusal == nil || refusal.Status != 401 || validator.CodeOf(refusal) != validator.CodeMissing ||
		!errors.Is(refusal, refusal.Err) || refusal.Error() != refusal.Err.Error() {
		t.Fatalf("Do(no token) = %v, %#v, want no request, 401 and code %q", got, refusal, validator.CodeMissing)
	}
	if challenge := h.Get("WWW-Authenticate"); challenge != "Bearer" {
		t.Errorf("Do(no token): WWW-Authenticate = %q, want Bearer", challenge)
	}

	r.Header.Set("Authorization", "Bearer anna")
	h = http.Header{}
	got, refusal = auth.Guard().Do(h, r)
	if refusal != nil || len(h) > 0 {
		t.Fatalf("Do(anna) = %v, header %v, want neither", refusal, h)
	}
	if claims, ok := middleware.ClaimsFromContext(got.Context()); !ok || claims.Subject != "anna" {
		t.Errorf("Do(anna): claims = %v, %t", claims, ok)
	}
	if claims, ok := middleware.ClaimsFromContext(r.Context()); ok {
		t.Errorf("Do(anna) put %v into the request that it was given", claims)
	}
	again, refusal := auth.Guard(pass).Do(h, got)
	if again != got || refusal != nil {
		t.Errorf("Do(its own result) = %p, %v, want the same request, %p", again, refusal, got)
	}
}

// A fault that a transport has found is rejected as one that Do finds.
func TestGuard_Reject(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	cause := errors.New("two hosts")
	for _, tt := range []struct {
		name, authorization string
		cfg                 middleware.Config
		err                 error
		status              int
		challenge, log      string
	}{
		{"by default", "Bearer anna", middleware.Config{}, cause, 400, `Bearer error="invalid_request"`, "code=invalid_request method=GET error=\"invalid_request: two hosts\""},
		{"without credentials, where these are optional", "", middleware.Config{Optional: true}, cause, 400, `Bearer error="invalid_request"`, "code=invalid_request"},
		{"under the scheme DPoP", "DPoP anna", middleware.Config{DPoP: b.verifier(dpop.Config{})}, cause, 400, `DPoP error="invalid_request", algs="ES256 EdDSA PS256 RS256"`, "code=invalid_request"},
		{"with a code", "Bearer anna", middleware.Config{}, &validator.Error{Code: validator.CodeInternal, Err: cause}, 500, "", "code=internal_error"},
		{"as if none were there", "", middleware.Config{Optional: true}, &validator.Error{Code: validator.CodeMissing, Err: cause}, 400, `Bearer error="invalid_request"`, "code=invalid_request"},
	} {
		var log bytes.Buffer
		tt.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		h := http.Header{"Cache-Control": {"public"}}
		got, refusal := newAuth(t, tt.cfg).Guard().Reject(h, r, tt.err)
		if got != nil || refusal == nil {
			t.Fatalf("%s: Reject() = %v, %v, want a rejection", tt.name, got, refusal)
		}
		if refusal.Status != tt.status || !errors.Is(refusal, cause) || h.Get("WWW-Authenticate") != tt.challenge || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Reject() = %d %v, header %v, want %d, its cause and %s", tt.name, refusal.Status, refusal, h, tt.status, tt.challenge)
		}
		if !strings.Contains(log.String(), tt.log) || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("%s: log = %q, want one record with %q", tt.name, log.String(), tt.log)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if _, refusal := new(middleware.Guard).Reject(http.Header{}, r, cause); refusal == nil || refusal.Status != 400 {
		t.Errorf("Reject() of a Guard that no Authenticator has made = %v, want 400", refusal)
	}
	r = r.WithContext(middleware.ContextWithClaims(r.Context(), &validator.Claims{Subject: "anna"}))
	got, refusal := newAuth(t, middleware.Config{InsecureReportOnly: true}).Guard().Reject(http.Header{}, r, cause)
	if got == nil || refusal != nil {
		t.Fatalf("Reject() with InsecureReportOnly = %v, %v, want the request", got, refusal)
	}
	if claims, ok := middleware.ClaimsFromContext(got.Context()); ok {
		t.Errorf("Reject() with InsecureReportOnly: claims = %v, want none", claims)
	}
}

// The end of a stream is a rejection behind Do. Its record and event have what
// is known of the claims.
func TestGuard_Reject_afterDo(t *testing.T) {
	t.Parallel()
	for _, reportOnly := range []bool{false, true} {
		var log bytes.Buffer
		var events []middleware.Event
		auth := newAuth(t, middleware.Config{
			InsecureReportOnly: reportOnly,
			Logger:             slog.New(slog.NewTextHandler(&log, nil)),
			Observe:            func(_ context.Context, e middleware.Event) { events = append(events, e) },
		})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer anna")
		accepted, refusal := auth.Guard().Do(http.Header{}, r)
		if refusal != nil {
			t.Fatal(refusal)
		}
		log.Reset()
		h := http.Header{}
		got, refusal := auth.Guard().Reject(h, accepted, &validator.Error{Code: validator.CodeExpired})
		if reportOnly != (refusal == nil) || reportOnly != (got != nil) || !reportOnly && h.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("InsecureReportOnly %t: Reject() = %v, %v, header %v", reportOnly, got, refusal, h)
		}
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "code=token_expired") {
			t.Errorf("InsecureReportOnly %t: log = %q, want one record", reportOnly, log.String())
		}
		if len(events) != 2 || events[1].Outcome != middleware.Rejected || events[1].Subject != "anna" || events[1].ReportOnly != reportOnly {
			t.Errorf("InsecureReportOnly %t: events = %v, want one of anna's rejection", reportOnly, events)
		}

		// The claims of another Authenticator are not this one's to name.
		events = nil
		other := newAuth(t, middleware.Config{Observe: func(_ context.Context, e middleware.Event) { events = append(events, e) }})
		other.Guard().Reject(http.Header{}, accepted, nil)
		if len(events) != 1 || events[0].Subject != "" {
			t.Errorf("Reject() of another Authenticator: events = %v, want one without a subject", events)
		}
	}
}

// The response of a Refusal is one setting for net/http and all adapters.
func TestRefusal_ServeHTTP(t *testing.T) {
	t.Parallel()

	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	for _, tt := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request, status int, err error)
		body    string
	}{
		{"by default", nil, "Unauthorized\n"},
		{"by the ErrorHandler", func(w http.ResponseWriter, r *http.Request, status int, err error) {
			w.WriteHeader(status)
			fmt.Fprint(w, r.URL.Path, " ", status, " ", validator.CodeOf(err))
		}, "/orders 401 token_missing"},
	} {
		w := httptest.NewRecorder()
		_, refusal := newAuth(t, middleware.Config{ErrorHandler: tt.handler}).Guard().Do(w.Header(), r)
		refusal.ServeHTTP(w, r)
		if w.Code != 401 || w.Body.String() != tt.body || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: response = %d %q %v, want 401 %q and a challenge", tt.name, w.Code, w.Body, w.Header(), tt.body)
		}
	}
	w := httptest.NewRecorder()
	(&middleware.Refusal{Status: 403}).ServeHTTP(w, r)
	if w.Code != 403 || w.Body.String() != "Forbidden\n" {
		t.Errorf("a Refusal that is made by hand: response = %d %q, want 403 Forbidden", w.Code, w.Body)
	}
	var none *middleware.Refusal
	if got := fmt.Sprint(none.Unwrap(), (&middleware.Refusal{}).Error()); got != "<nil>an error without text" {
		t.Errorf("a nil Refusal and one without a cause say %q", got)
	}
}

// A validator's plain error is a refusal, whatever it says of itself to
// frameworks further out.
func TestGuard_Do_plainError(t *testing.T) {
	t.Parallel()

	cause := errors.New("no")
	auth := newAuth(t, middleware.Config{
		Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return nil, cause }),
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer anna")
	_, refusal := auth.Guard().Do(http.Header{}, r)
	if e, ok := refusal.Err.(*validator.Error); !ok || e.Code != validator.CodeRefused || !errors.Is(refusal, cause) {
		t.Errorf("Do() error = %#v, want a *validator.Error of code %q around the cause", refusal.Err, validator.CodeRefused)
	}
}

// A 401 names the scopes that the route's checks ask for, so that a client
// without a token gets one that will do. Of a check of one's own nothing is
// known, and it isn't called.
func TestGuard_Do_scopes(t *testing.T) {
	t.Parallel()

	own := func(_ context.Context, c *validator.Claims) error {
		if c == nil || c.Subject == "" {
			t.Errorf("a check of one's own is called with %v, want none without a token", c)
		}
		return nil
	}
	all := []validator.Check{validator.Scopes("b", "a"), own, validator.AnyOf(own, validator.AnyScope("c", "b"))}
	b := newBound(t)
	for _, tt := range []struct {
		name, authorization string
		cfg                 middleware.Config
		checks              []validator.Check
		want                []string
	}{
		{"no token", "", middleware.Config{}, all, []string{`Bearer scope="b a c"`}},
		{"no token, with all there is", "", middleware.Config{Realm: "r", ResourceMetadata: "https://a.example/m"}, all, []string{`Bearer realm="r", scope="b a c", resource_metadata="https://a.example/m"`}},
		{"no token, with DPoP", "", middleware.Config{DPoP: b.verifier(dpop.Config{})}, all, []string{`Bearer scope="b a c"`, `DPoP scope="b a c", algs="ES256 EdDSA PS256 RS256"`}},
		{"no token, no scopes", "", middleware.Config{}, []validator.Check{own, validator.Clients("x")}, []string{"Bearer"}},
		{"a bad token", "Bearer bad", middleware.Config{}, all, []string{`Bearer error="invalid_token", scope="b a c"`}},
		{"step-up", "Bearer anna", middleware.Config{}, []validator.Check{
			refuse(&validator.Error{Code: validator.CodeAuthentication, ACRValues: []string{"m"}}), validator.Scopes("a"),
		}, []string{`Bearer error="insufficient_user_authentication", scope="a", acr_values="m"`}},
		{"step-up without a token", "", middleware.Config{}, []validator.Check{validator.ACR("m")}, []string{"Bearer"}},
		{"a scope is missing", "Bearer anna", middleware.Config{}, all, []string{`Bearer error="insufficient_scope", scope="b a"`}},
		{"a malformed field", "Bearer", middleware.Config{}, all, []string{`Bearer error="invalid_request"`}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		h := http.Header{}
		newAuth(t, tt.cfg).Guard(tt.checks...).Do(h, r)
		if got := h["Www-Authenticate"]; !slices.Equal(got, tt.want) {
			t.Errorf("%s: WWW-Authenticate = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Checks appended to common ones may share their array with those of the next
// route.
func TestAuthenticator_Require_keepsItsChecks(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{})
	common := make([]validator.Check, 0, 2)
	strict := auth.Require(append(common, refuse(errors.New("x")))...)
	_ = auth.Require(append(common, pass)...)
	var s spy
	if w := serve(strict(&s), "Bearer anna"); w.Code != 403 || s.seen != nil {
		t.Errorf("status = %d, handler called for %q, want 403, never", w.Code, s.seen)
	}
}

func TestAuthenticator_Require_nilCheck(t *testing.T) {
	t.Parallel()

	defer func() {
		if got, want := recover(), "middleware: Guard: a check is nil"; got != want {
			t.Errorf("Require(pass, nil) panicked with %v, want %q", got, want)
		}
	}()
	newAuth(t, middleware.Config{}).Require(pass, nil)
}

func TestAuthenticator_concurrent(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{Optional: true})
	var got sync.Map
	h := auth.Handler(auth.Require(pass)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		got.Store(r.URL.Query().Get("want"), claims.Subject)
	})))
	var wg sync.WaitGroup
	want := map[string]string{}
	for i := range 100 {
		name := fmt.Sprintf("user%d", i)
		want[name] = name
		wg.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/?want="+name, nil)
			r.Header.Set("Authorization", "Bearer "+name)
			h.ServeHTTP(httptest.NewRecorder(), r)
			serve(h) // anonymous, and refused
		})
	}
	wg.Wait()

	seen := map[string]string{}
	got.Range(func(k, v any) bool { seen[k.(string)] = v.(string); return true })
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("subjects by request (-want +got):\n%s", diff)
	}
}
