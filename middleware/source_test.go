package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// sent is a request with what a row of a table says.
type sent struct {
	method, target string
	header         []string // name, value, name, value…
	body           string
}

func (s sent) request() *http.Request {
	method, target := s.method, s.target
	if method == "" {
		method = http.MethodGet
	}
	if target == "" {
		target = "/"
	}
	r := httptest.NewRequest(method, target, strings.NewReader(s.body))
	for i := 0; i < len(s.header); i += 2 {
		r.Header.Add(s.header[i], s.header[i+1])
	}
	return r
}

type sourceRow struct {
	name  string
	sent  sent
	token string
	code  validator.Code
}

func testSource(t *testing.T, source func(*http.Request) (string, error), rows []sourceRow) {
	t.Helper()
	for _, tt := range rows {
		r := tt.sent.request()
		for range 2 { // it may be asked again
			token, err := source(r)
			if got := validator.CodeOf(err); token != tt.token || got != tt.code {
				t.Errorf("token of %s = %q, %v, want %q, code %q", tt.name, token, err, tt.token, tt.code)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("token of %s: error %q quotes it", tt.name, err)
			}
		}
	}
}

func TestCookieToken(t *testing.T) {
	t.Parallel()

	testSource(t, middleware.CookieToken("__Host-token"), []sourceRow{
		{"nothing", sent{}, "", validator.CodeMissing},
		{"a cookie", sent{header: []string{"Cookie", "a=b; __Host-token=a.b.c"}}, "a.b.c", ""},
		{"a cookie of another name", sent{header: []string{"Cookie", "__host-token=a.b.c"}}, "", validator.CodeMissing},
		{"an empty cookie", sent{header: []string{"Cookie", "__Host-token="}}, "", validator.CodeMissing},
		{"two cookies", sent{header: []string{"Cookie", "__Host-token=secret; __Host-token=secret"}}, "", validator.CodeRequest},
		{"two in two fields", sent{header: []string{"Cookie", "__Host-token=secret", "Cookie", "__Host-token=x"}}, "", validator.CodeRequest},
		{"a cookie that is no token", sent{header: []string{"Cookie", "__Host-token=secret:c"}}, "", validator.CodeRequest},
		{"a header", sent{header: []string{"Authorization", "Bearer a.b.c"}}, "a.b.c", ""},
		{"both", sent{header: []string{"Authorization", "Bearer secret", "Cookie", "__Host-token=secret"}}, "", validator.CodeRequest},
		{"both, one empty", sent{header: []string{"Authorization", "Bearer a.b.c", "Cookie", "__Host-token="}}, "a.b.c", ""},
		{"a malformed header beside it", sent{header: []string{"Authorization", "Bearer", "Cookie", "__Host-token=a.b.c"}}, "", validator.CodeRequest},
		{"another scheme beside it", sent{header: []string{"Authorization", "Basic dTpw", "Cookie", "__Host-token=a.b.c"}}, "a.b.c", ""},
		{"DPoP beside it", sent{header: []string{"Authorization", "dpop secret", "Cookie", "__Host-token=a.b.c"}}, "", validator.CodeRequest},
		{"a query beside it", sent{target: "/?access_token=x", header: []string{"Cookie", "__Host-token=a.b.c"}}, "", validator.CodeRequest},
		{"a query alone", sent{target: "/?access_token=x"}, "", validator.CodeMissing},
	})
}

func TestFormToken(t *testing.T) {
	t.Parallel()

	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	with := func(header ...string) []string { return append(header, form...) }
	testSource(t, middleware.FormToken, []sourceRow{
		{"nothing", sent{method: "POST"}, "", validator.CodeMissing},
		{"a form", sent{method: "POST", header: form, body: "a=b&access_token=a.b.c"}, "a.b.c", ""},
		{"a form with a charset", sent{method: "PUT", header: []string{"Content-Type", "Application/X-WWW-Form-Urlencoded; charset=utf-8"}, body: "access_token=a.b.c"}, "a.b.c", ""},
		{"a form of GET", sent{method: "GET", header: form, body: "access_token=a.b.c"}, "", validator.CodeMissing},
		{"JSON", sent{method: "POST", header: []string{"Content-Type", "application/json"}, body: "access_token=a.b.c"}, "", validator.CodeMissing},
		{"no type", sent{method: "POST", body: "access_token=a.b.c"}, "", validator.CodeMissing},
		{"a form without it", sent{method: "POST", header: form, body: "Access_token=a.b.c"}, "", validator.CodeMissing},
		{"an empty field", sent{method: "POST", header: form, body: "access_token="}, "", validator.CodeRequest},
		{"two fields", sent{method: "POST", header: form, body: "access_token=secret&access%5Ftoken=secret"}, "", validator.CodeRequest},
		{"no token", sent{method: "POST", header: form, body: "access_token=secret%20"}, "", validator.CodeRequest},
		{"a malformed form", sent{method: "POST", header: form, body: "access_token=secret%"}, "", validator.CodeRequest},
		{"a header", sent{method: "POST", header: with("Authorization", "Bearer a.b.c"), body: "a=b"}, "a.b.c", ""},
		{"both", sent{method: "POST", header: with("Authorization", "Bearer secret"), body: "access_token=secret"}, "", validator.CodeRequest},
		{"a query beside it", sent{method: "POST", target: "/?access_token=x", header: form, body: "access_token=a.b.c"}, "", validator.CodeRequest},
		{"a query alone", sent{method: "POST", target: "/?access_token=x", header: form}, "", validator.CodeMissing},
		{"the longest form", sent{method: "POST", header: form, body: "access_token=a.b.c&x=" + strings.Repeat("x", middleware.MaxFormSize-21)}, "a.b.c", ""},
		{"a longer one", sent{method: "POST", header: form, body: "access_token=a.b.c&x=" + strings.Repeat("x", middleware.MaxFormSize-20)}, "", validator.CodeRequest},
	})
}

// The handler behind it can read the form as if nobody had, also when it was read before.
func TestFormToken_body(t *testing.T) {
	t.Parallel()

	const body = "access_token=anna&b=c"
	for _, early := range []bool{false, true} {
		auth := newAuth(t, middleware.Config{Token: middleware.FormToken})
		got := ""
		h := auth.Handler(auth.Require(pass)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			claims, _ := middleware.ClaimsFromContext(r.Context())
			got = claims.Subject + " " + r.FormValue("b")
			if !early {
				return
			}
			if rest, err := io.ReadAll(r.Body); err != nil || len(rest) > 0 {
				t.Errorf("body after the form was read = %q, %v", rest, err)
			}
		})))
		r := sent{method: "POST", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, body: body}.request()
		if early {
			if err := r.ParseForm(); err != nil {
				t.Fatal(err)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if want := "anna c"; got != want || w.Code != 200 {
			t.Errorf("form read early %v: %d, handler got %q, want %q", early, w.Code, got, want)
		}
	}

	r := sent{method: "POST", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, body: body}.request()
	if _, err := middleware.FormToken(r); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r.Body); string(got) != body || err != nil {
		t.Errorf("body after FormToken = %q, %v, want %q", got, err, body)
	}
}

// A body that breaks off is no missing token, which Optional would let pass.
func TestFormToken_broken(t *testing.T) {
	t.Parallel()

	r := httptest.NewRequest(http.MethodPost, "/", broken{})
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, err := middleware.FormToken(r); validator.CodeOf(err) != validator.CodeRequest || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("FormToken(of a broken body) error = %v, want code %q", err, validator.CodeRequest)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestWebSocketToken(t *testing.T) {
	t.Parallel()

	const field = "Sec-WebSocket-Protocol"
	testSource(t, middleware.WebSocketToken("access_token."), []sourceRow{
		{"nothing", sent{}, "", validator.CodeMissing},
		{"a protocol", sent{header: []string{field, "chat, access_token.a.b.c"}}, "a.b.c", ""},
		{"a protocol in the second field", sent{header: []string{field, "chat", field, "access_token.a.b.c"}}, "a.b.c", ""},
		{"without a space", sent{header: []string{field, "access_token.a.b.c,chat"}}, "a.b.c", ""},
		{"another prefix", sent{header: []string{field, "Access_token.a.b.c"}}, "", validator.CodeMissing},
		{"no token", sent{header: []string{field, "access_token."}}, "", validator.CodeRequest},
		{"characters of none", sent{header: []string{field, "access_token.secret secret"}}, "", validator.CodeRequest},
		{"two", sent{header: []string{field, "access_token.secret, access_token.secret"}}, "", validator.CodeRequest},
		{"two fields", sent{header: []string{field, "access_token.secret", field, "access_token.secret"}}, "", validator.CodeRequest},
		{"a header", sent{header: []string{"Authorization", "Bearer a.b.c", field, "chat"}}, "a.b.c", ""},
		{"both", sent{header: []string{"Authorization", "Bearer secret", field, "access_token.secret"}}, "", validator.CodeRequest},
		{"a query beside it", sent{target: "/?access_token=x", header: []string{field, "access_token.a.b.c"}}, "", validator.CodeRequest},
	})
}

func TestSources_panic(t *testing.T) {
	t.Parallel()

	for name, f := range map[string]func(){
		"no cookie":            func() { middleware.CookieToken("") },
		"a cookie with equals": func() { middleware.CookieToken("a=b") },
		"no prefix":            func() { middleware.WebSocketToken("") },
		"a prefix with comma":  func() { middleware.WebSocketToken("a,b") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// Two credentials are a 400, with the challenge of RFC 6750, also where none are needed.
func TestSources_answer(t *testing.T) {
	t.Parallel()

	auth := newAuth(t, middleware.Config{Token: middleware.CookieToken("t"), Optional: true})
	for _, tt := range []struct {
		name      string
		header    []string
		status    int
		challenge string
	}{
		{"none", nil, 200, ""},
		{"one", []string{"Cookie", "t=anna"}, 200, ""},
		{"a bad one", []string{"Cookie", "t=bad"}, 401, `Bearer error="invalid_token"`},
		{"two", []string{"Cookie", "t=anna", "Authorization", "Bearer anna"}, 400, `Bearer error="invalid_request"`},
	} {
		w := httptest.NewRecorder()
		auth.Handler(new(spy)).ServeHTTP(w, sent{header: tt.header}.request())
		if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || got != tt.challenge {
			t.Errorf("Handler(%s) = %d, challenge %q, want %d, %q", tt.name, w.Code, got, tt.status, tt.challenge)
		}
	}
}

// A token under the scheme DPoP is found whatever the source is, and must be the only one.
func TestSources_dpop(t *testing.T) {
	t.Parallel()

	proofs, err := dpop.New(dpop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		source func(*http.Request) (string, error)
		header []string
		want   validator.Code
	}{
		{"alone", middleware.CookieToken("t"), []string{"Authorization", "DPoP a"}, validator.CodeProof},
		{"with a cookie", middleware.CookieToken("t"), []string{"Authorization", "DPoP a", "Cookie", "t=a"}, validator.CodeRequest},
		{"with a protocol", middleware.WebSocketToken("p."), []string{"Authorization", "DPoP a", "Sec-WebSocket-Protocol", "p.a"}, validator.CodeRequest},
		{"with what a function has found in it", func(*http.Request) (string, error) { return "a", nil }, []string{"Authorization", "DPoP a"}, validator.CodeProof},
		{"with another", func(*http.Request) (string, error) { return "b", nil }, []string{"Authorization", "DPoP a"}, validator.CodeRequest},
		{"with an error", func(*http.Request) (string, error) { return "", errors.New("no") }, []string{"Authorization", "DPoP a"}, validator.CodeRequest},
		{"the cookie alone", middleware.CookieToken("t"), []string{"Cookie", "t=a"}, ""},
	} {
		auth := newAuth(t, middleware.Config{Token: tt.source, DPoP: proofs})
		_, err := auth.Authenticate(sent{header: tt.header}.request())
		if got := validator.CodeOf(err); got != tt.want {
			t.Errorf("Authenticate(%s) error = %v, want code %q", tt.name, err, tt.want)
		}
	}
}
