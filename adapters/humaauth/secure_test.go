package humaauth_test

import (
	"bytes"
	stdcontext "context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

type security = []map[string][]string

// A world is an API with two security schemes, whose tokens are of two issuers
// and come in two places.
type world struct {
	mux    *http.ServeMux
	api    huma.API
	tokens map[string]func(scope string) string
	issuer map[string]*testutil.Issuer
	cfg    humaauth.Config
	log    bytes.Buffer
}

// newWorld returns one with the issuers of another, or with new ones.
func newWorld(t *testing.T, other ...*world) *world {
	t.Helper()
	w := &world{mux: http.NewServeMux(), tokens: map[string]func(string) string{}, issuer: map[string]*testutil.Issuer{}}
	w.api = humago.New(w.mux, huma.DefaultConfig("Orders", "1.0.0"))
	w.cfg.Schemes = map[string]humaauth.Scheme{}
	for name, source := range map[string]func(*http.Request) (string, error){
		"oauth":   middleware.BearerToken,
		"session": func(r *http.Request) (string, error) { return r.Header.Get("X-Session"), nil },
	} {
		var iss *testutil.Issuer
		if len(other) > 0 {
			iss = other[0].issuer[name]
		} else {
			iss = testutil.NewIssuer(t)
		}
		v, err := validator.New(iss.Config("https://api.example.com"))
		if err != nil {
			t.Fatal(err)
		}
		auth, err := middleware.New(middleware.Config{
			Validator: v, Token: source, Realm: name,
			Logger: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.cfg.Schemes[name] = humaauth.Scheme{Auth: auth}
		w.issuer[name] = iss
		w.tokens[name] = func(scope string) string { return iss.Token(testutil.Claims{"sub": name + "-user", "scope": scope}) }
	}
	return w
}

func (w *world) secure(t *testing.T) {
	t.Helper()
	if err := humaauth.Secure(w.api, w.cfg); err != nil {
		t.Fatalf("Secure() error = %v", err)
	}
}

type output struct {
	Body struct {
		Subject string `json:"subject"`
	}
}

func show(ctx stdcontext.Context, _ *struct{}) (*output, error) {
	out := &output{}
	if claims, ok := humaauth.Claims(ctx); ok {
		out.Body.Subject = claims.Subject
	}
	return out, nil
}

// send sends a request with tokens of these scopes, "-" for none and "!" for a
// bad one, and returns status, subject and challenges.
func (w *world) send(t *testing.T, path, oauth, session string) (string, []string) {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	token := func(scheme, scope string) string {
		if scope == "!" {
			return "a.b.c"
		}
		return w.tokens[scheme](scope)
	}
	if oauth != "-" {
		r.Header.Set("Authorization", "Bearer "+token("oauth", oauth))
	}
	if session != "-" {
		r.Header.Set("X-Session", token("session", session))
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	var body struct{ Subject, Title, Detail string }
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Errorf("body = %q, want JSON", rec.Body)
	}
	return fmt.Sprint(rec.Code, " ", body.Subject, body.Detail), rec.Header()["Www-Authenticate"]
}

func TestSecure(t *testing.T) {
	t.Parallel()

	const (
		ok        = "200 oauth-user"
		okSession = "200 session-user"
		anyone    = "200 "
		missing   = "401 Unauthorized"
		forbidden = "403 Forbidden"
	)
	issuers := newWorld(t)
	for _, tt := range []struct {
		name           string
		security       security
		oauth, session string
		want           string
		challenges     []string
	}{
		{"one scheme", security{{"oauth": {}}}, "x", "-", ok, nil},
		{"one scheme, no token", security{{"oauth": {}}}, "-", "-", missing, []string{`Bearer realm="oauth"`}},
		{"one scheme, a bad token", security{{"oauth": {}}}, "!", "-", missing, []string{`Bearer realm="oauth", error="invalid_token"`}},
		{"one scheme, a token of another", security{{"oauth": {}}}, "-", "x", missing, []string{`Bearer realm="oauth"`}},
		{"a scope", security{{"oauth": {"a"}}}, "a b", "-", ok, nil},
		{"a scope that the token has not", security{{"oauth": {"a"}}}, "b", "-", forbidden, []string{`Bearer realm="oauth", error="insufficient_scope", scope="a"`}},
		{"two scopes", security{{"oauth": {"a", "b"}}}, "b a", "-", ok, nil},
		{"two scopes of which the token has one", security{{"oauth": {"a", "b"}}}, "a", "-", forbidden, []string{`Bearer realm="oauth", error="insufficient_scope", scope="a b"`}},
		{"a scope, no token", security{{"oauth": {"a"}}}, "-", "-", missing, []string{`Bearer realm="oauth", scope="a"`}},

		{"either scope, the first", security{{"oauth": {"a"}}, {"oauth": {"b"}}}, "a", "-", ok, nil},
		{"either scope, the second", security{{"oauth": {"a"}}, {"oauth": {"b"}}}, "b", "-", ok, nil},
		{"either scope, neither", security{{"oauth": {"a"}}, {"oauth": {"b"}}}, "c", "-", forbidden, []string{`Bearer realm="oauth", error="insufficient_scope", scope="a b"`}},
		{"either scope or none", security{{"oauth": {"a"}}, {"oauth": {}}}, "c", "-", ok, nil},

		{"both schemes", security{{"oauth": {}, "session": {}}}, "x", "x", ok, nil},
		{"both schemes, one is missing", security{{"oauth": {}, "session": {}}}, "x", "-", missing, []string{`Bearer realm="session"`}},
		{"both schemes, the other is missing", security{{"oauth": {}, "session": {}}}, "-", "x", missing, []string{`Bearer realm="oauth"`}},
		{"both schemes, one without its scope", security{{"oauth": {"a"}, "session": {}}}, "b", "x", forbidden, []string{`Bearer realm="oauth", error="insufficient_scope", scope="a"`}},
		{"both schemes, the other without its scope", security{{"oauth": {}, "session": {"a"}}}, "a", "b", forbidden, []string{`Bearer realm="session", error="insufficient_scope", scope="a"`}},
		{"both schemes, one is bad", security{{"oauth": {}, "session": {}}}, "x", "!", missing, []string{`Bearer realm="session", error="invalid_token"`}},

		{"either scheme, the first", security{{"oauth": {}}, {"session": {}}}, "x", "-", ok, nil},
		{"either scheme, the second", security{{"oauth": {}}, {"session": {}}}, "-", "x", okSession, nil},
		{"either scheme, the first is bad", security{{"oauth": {}}, {"session": {}}}, "!", "x", okSession, nil},
		{"either scheme, the first is without its scope", security{{"oauth": {"a"}}, {"session": {}}}, "b", "x", okSession, nil},
		{"either scheme, neither", security{{"oauth": {"a"}}, {"session": {"b"}}}, "-", "-", missing, []string{`Bearer realm="oauth", scope="a"`, `Bearer realm="session", scope="b"`}},
		{"either scheme, one is bad and one missing", security{{"oauth": {}}, {"session": {}}}, "-", "!", missing, []string{`Bearer realm="session", error="invalid_token"`}},
		{"either scheme, one lacks a scope and one is bad", security{{"oauth": {}}, {"session": {"a"}}}, "!", "b", forbidden, []string{`Bearer realm="session", error="insufficient_scope", scope="a"`}},
		{"one, or both with less", security{{"oauth": {"a"}}, {"oauth": {"b"}, "session": {}}}, "b", "x", ok, nil},
		{"one, or both with less, of which one is missing", security{{"oauth": {"a"}}, {"oauth": {"b"}, "session": {}}}, "b", "-", forbidden, []string{`Bearer realm="oauth", error="insufficient_scope", scope="a"`}},

		{"optional, no token", security{{"oauth": {"a"}}, {}}, "-", "-", anyone, nil},
		{"optional, the empty one first", security{{}, {"oauth": {"a"}}}, "-", "-", anyone, nil},
		{"optional, a token", security{{"oauth": {"a"}}, {}}, "a", "-", ok, nil},
		{"optional, the empty one first, a token", security{{}, {"oauth": {"a"}}}, "a", "-", ok, nil},
		{"optional, a bad token", security{{"oauth": {}}, {}}, "!", "-", missing, []string{`Bearer realm="oauth", error="invalid_token"`}},
		{"optional, a token without its scope", security{{"oauth": {"a"}}, {}}, "b", "-", forbidden, []string{`Bearer realm="oauth", error="insufficient_scope", scope="a"`}},
		{"public, no token", security{{}}, "-", "-", anyone, nil},
		{"public, a token", security{{}}, "!", "!", anyone, nil},

		{"undeclared", nil, "x", "x", forbidden, nil},
		{"undeclared, an empty list", security{}, "x", "x", forbidden, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, issuers)
			w.secure(t)
			huma.Register(w.api, huma.Operation{Method: "GET", Path: "/orders", Security: tt.security}, show)
			huma.Register(huma.NewGroup(w.api, "/v1", "/v2"), huma.Operation{OperationID: "o", Method: "GET", Path: "/orders", Security: tt.security, Hidden: true}, show)
			for _, path := range []string{"/orders", "/v1/orders", "/v2/orders", "/orders"} {
				if got, challenges := w.send(t, path, tt.oauth, tt.session); got != tt.want || !slices.Equal(challenges, tt.challenges) {
					t.Errorf("%s: response = %q %q, want %q %q", path, got, challenges, tt.want, tt.challenges)
				}
			}
		})
	}
}

// What could not be found out is not a bad token.
func TestSecure_unavailable(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.secure(t)
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/orders", Security: security{{"oauth": {}}, {"session": {}}, {}}}, show)
	w.issuer["session"].SetDown(true)
	for _, oauth := range []string{"-", "!"} {
		if got, challenges := w.send(t, "/orders", oauth, "x"); got != "503 Service Unavailable" || challenges != nil {
			t.Errorf("response with oauth token %q = %q %q, want 503", oauth, got, challenges)
		}
	}
}

// The document's own security holds for operations that declare none, and an
// operation without any can be made public for all.
func TestSecure_defaults(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.api.OpenAPI().Security = security{{"oauth": {"a"}}}
	w.secure(t)
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/orders"}, show)
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/health", Security: security{{}}}, show)
	for _, tt := range []struct{ path, oauth, want string }{
		{"/orders", "a", "200 oauth-user"}, {"/orders", "b", "403 Forbidden"}, {"/orders", "-", "401 Unauthorized"}, {"/health", "-", "200 "},
	} {
		if got, _ := w.send(t, tt.path, tt.oauth, "-"); got != tt.want {
			t.Errorf("%s with %q = %q, want %q", tt.path, tt.oauth, got, tt.want)
		}
	}

	w = newWorld(t)
	w.cfg.InsecurePublicByDefault = true
	w.api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		next(huma.WithContext(ctx, middleware.ContextWithClaims(ctx.Context(), &validator.Claims{Subject: "of another"})))
	})
	w.secure(t)
	w.api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		if _, ok := humaauth.Claims(ctx.Context()); ok {
			t.Error("a public operation has claims")
		}
		next(ctx)
	})
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/orders"}, show)
	if got, _ := w.send(t, "/orders", "-", "-"); got != "200 " {
		t.Errorf("response with InsecurePublicByDefault = %q, want 200", got)
	}
}

// Checks of a scheme run, and those of an operation's own middleware.
func TestSecure_checks(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	scheme := w.cfg.Schemes["oauth"]
	scheme.Checks = []validator.Check{validator.Scopes("base")}
	w.cfg.Schemes["oauth"] = scheme
	w.secure(t)
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/orders", Security: security{{"oauth": {"a"}}}}, show)
	huma.Register(w.api, huma.Operation{
		Method: "GET", Path: "/org", Security: security{{"oauth": {}}},
		Middlewares: huma.Middlewares{humaauth.New(w.api, scheme.Auth, validator.AnyScope("x", "y"))},
	}, show)
	for _, tt := range []struct{ path, scope, want string }{
		{"/orders", "a", "403 Forbidden"}, {"/orders", "base", "403 Forbidden"}, {"/orders", "a base", "200 oauth-user"},
		{"/org", "base", "403 Forbidden"}, {"/org", "base y", "200 oauth-user"},
	} {
		if got, _ := w.send(t, tt.path, tt.scope, "-"); got != tt.want {
			t.Errorf("%s with %q = %q, want %q", tt.path, tt.scope, got, tt.want)
		}
	}
}

// A mistake in an operation shows when it is registered. If it is hidden, no
// request for it is accepted.
func TestSecure_mistakes(t *testing.T) {
	t.Parallel()

	issuers := newWorld(t)
	for name, tt := range map[string]struct {
		security security
		want     string
	}{
		"a scheme that is not defined":             {security{{"oauht": {}}}, `humaauth: GET /orders: internal_error: its Security names the scheme "oauht", which Config.Schemes doesn't have`},
		"beside one that is":                       {security{{"oauth": {}, "other": {}}}, `"other", which Config.Schemes doesn't have`},
		"as an alternative to one that is":         {security{{"oauth": {}}, {"other": {}}}, `"other", which Config.Schemes doesn't have`},
		"as an alternative to none":                {security{{}, {"other": {}}}, `"other", which Config.Schemes doesn't have`},
		"a scope with a space":                     {security{{"oauth": {"a b"}}}, `lists a scope of "oauth" that is none`},
		"an empty scope":                           {security{{"oauth": {""}}}, `lists a scope of "oauth" that is none`},
		"an empty scope in the second alternative": {security{{"oauth": {"a"}}, {"oauth": {""}}}, `lists a scope of "oauth" that is none`},
	} {
		w := newWorld(t, issuers)
		w.secure(t)
		op := huma.Operation{Method: "GET", Path: "/orders", Security: tt.security}
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, tt.want) {
					t.Errorf("%s: Register() panicked with %q, want %q in it", name, got, tt.want)
				}
			}()
			huma.Register(w.api, op, show)
		}()
		op.Hidden = true
		huma.Register(w.api, op, show)
		for _, scope := range []string{"-", "a"} {
			if got, _ := w.send(t, "/orders", scope, "-"); got != "500 Internal Server Error" {
				t.Errorf("%s: response with %q = %q, want 500", name, scope, got)
			}
		}
		if !strings.Contains(w.log.String(), "code=internal_error") {
			t.Errorf("%s: log = %q, want the mistake in it", name, w.log.String())
		}
	}
}

func TestSecure_config(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		change func(w *world)
		want   []string
	}{
		"empty": {func(w *world) { w.cfg = humaauth.Config{} }, []string{"Config.Schemes is empty"}},
		"all at once": {func(w *world) {
			w.cfg.Schemes = map[string]humaauth.Scheme{"": w.cfg.Schemes["oauth"], "a": {}, "b": {Auth: w.cfg.Schemes["oauth"].Auth, Checks: []validator.Check{nil}}}
			huma.Register(w.api, huma.Operation{Method: "GET", Path: "/orders"}, show)
		}, []string{"a scheme without a name", `Config.Schemes["a"].Auth is nil`, `Config.Schemes["b"].Checks has one that is nil`, "/orders was registered before"}},
		"a group": {func(w *world) { w.api = huma.NewGroup(w.api, "/v1") }, []string{"the API is a Group"}},
		"defined twice": {func(w *world) {
			w.api.OpenAPI().Components.SecuritySchemes = map[string]*huma.SecurityScheme{"oauth": {Type: "http"}}
			w.cfg.Schemes["oauth"] = humaauth.Scheme{Auth: w.cfg.Schemes["oauth"].Auth, Definition: &huma.SecurityScheme{Type: "oauth2"}}
		}, []string{`the document defines the scheme "oauth" too`}},
	} {
		w := newWorld(t)
		tt.change(w)
		err := humaauth.Secure(w.api, w.cfg)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Secure() error = %v, want %q in it", name, err, want)
			}
		}
	}
	w := newWorld(t)
	w.api.OpenAPI().Components.SecuritySchemes = map[string]*huma.SecurityScheme{"oauth": {Type: "oauth2"}}
	w.secure(t)
	if got := w.api.OpenAPI().Components.SecuritySchemes; got["oauth"].Type != "oauth2" || got["session"].Scheme != "bearer" {
		t.Errorf("schemes of the document = %+v, want its own and the default", got)
	}
}

// The document says what is enforced.
func TestSecure_document(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.secure(t)
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/orders", Security: security{{"oauth": {"a"}}},
		Responses: map[string]*huma.Response{"403": {Description: "its own"}}}, show)
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/health", Security: security{{}}}, show)
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, httptest.NewRequest("GET", "/openapi.json", nil))
	var doc struct {
		Components struct {
			SecuritySchemes map[string]struct{ Type, Scheme, BearerFormat string }
			Schemas         map[string]any
		}
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Description string
				Headers     map[string]any
				Content     map[string]struct {
					Schema map[string]string
				}
			}
		}
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc.Components.SecuritySchemes["oauth"]; got.Type != "http" || got.Scheme != "bearer" || got.BearerFormat != "JWT" {
		t.Errorf("scheme = %+v, want a bearer token in the format JWT", got)
	}
	orders := doc.Paths["/orders"]["get"].Responses
	for status, field := range map[string]string{"401": "WWW-Authenticate", "503": "Retry-After"} {
		if res := orders[status]; res.Headers[field] == nil || res.Content["application/problem+json"].Schema["$ref"] != "#/components/schemas/ErrorModel" {
			t.Errorf("response %s = %+v, want the field %s and Huma's error", status, res, field)
		}
	}
	if doc.Components.Schemas["ErrorModel"] == nil {
		t.Errorf("the document has no ErrorModel")
	}
	if got := orders["403"].Description; got != "its own" {
		t.Errorf("response 403 = %q, want the operation's own", got)
	}
	if got := doc.Paths["/health"]["get"].Responses; len(got) != 2 || got["401"].Description != "" {
		t.Errorf("responses of a public operation = %+v, want those of Huma alone", got)
	}
}

// A form whose token was read is there for the handler, in a router of net/http
// and in another.
func TestNew_form(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Token: middleware.FormToken, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, hide := range []bool{false, true} {
		var got string
		send := serve(hide)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.FormValue("note") }),
			testutil.Layer{Auth: auth}, testutil.Layer{Auth: auth})
		form := url.Values{"access_token": {iss.Token(nil)}, "note": {"1"}}.Encode()
		r := httptest.NewRequest("POST", "/", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if res := send(r); res.StatusCode != 200 || got != "1" {
			t.Errorf("status = %d, the form's note %q, want 200 and 1", res.StatusCode, got)
		}
	}
}
