package middleware_test

import (
	"errors"
	"fmt"
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
		{"an empty cookie in quotation marks", sent{header: []string{"Cookie", `__Host-token=""`}}, "", validator.CodeMissing},
		{"a cookie that is a name alone", sent{header: []string{"Cookie", "__Host-token"}}, "", validator.CodeMissing},
		{"a cookie in quotation marks", sent{header: []string{"Cookie", `a=b;__Host-token ="a.b.c" ; c=d`}}, "a.b.c", ""},
		{"a cookie with one at its start", sent{header: []string{"Cookie", `__Host-token="secret`}}, "", validator.CodeRequest},
		{"a cookie with one at its end", sent{header: []string{"Cookie", `__Host-token=secret"`}}, "", validator.CodeRequest},
		{"a cookie that is one", sent{header: []string{"Cookie", `__Host-token="`}}, "", validator.CodeRequest},
		{"a cookie with a backslash", sent{header: []string{"Cookie", `__Host-token=secret\`}}, "", validator.CodeRequest},
		{"a cookie beyond ASCII", sent{header: []string{"Cookie", "__Host-token=secr\u00e9t"}}, "", validator.CodeRequest},
		{"a cookie with a space", sent{header: []string{"Cookie", "__Host-token= secret"}}, "", validator.CodeRequest},
		{"two cookies, one unreadable", sent{header: []string{"Cookie", `__Host-token="x; __Host-token=secret`}}, "", validator.CodeRequest},
		{"two cookies, one empty", sent{header: []string{"Cookie", "__Host-token=; __Host-token=secret"}}, "", validator.CodeRequest},
		{"an unreadable cookie of another name", sent{header: []string{"Cookie", `a="; __Host-token=a.b.c`}}, "a.b.c", ""},
		{"very many cookies", sent{header: []string{"Cookie", strings.Repeat("a=b; ", 5000) + "__Host-token=a.b.c"}}, "a.b.c", ""},
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
		{"a form of DELETE", sent{method: "DELETE", header: form, body: "access_token=a.b.c"}, "a.b.c", ""},
		{"a form of QUERY", sent{method: "QUERY", header: form, body: "access_token=a.b.c"}, "a.b.c", ""},
		{"a form with a bad parameter", sent{method: "POST", header: []string{"Content-Type", form[1] + "; charset"}, body: "access_token=a.b.c"}, "a.b.c", ""},
		{"a form with a semicolon", sent{method: "POST", header: form, body: "a=b;c&access_token=secret"}, "", validator.CodeRequest},
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
		{"the longest form", sent{method: "POST", header: form, body: "access_token=a.b.c&x=" + strings.Repeat("x", middleware.MaxForm-21)}, "a.b.c", ""},
		{"a longer one", sent{method: "POST", header: form, body: "access_token=a.b.c&x=" + strings.Repeat("x", middleware.MaxForm-20)}, "", validator.CodeRequest},
	})
}

// The handler behind it can read the form as usual, and other routes'
// checks after that.
func TestFormToken_body(t *testing.T) {
	t.Parallel()

	const body = "access_token=anna&b=c"
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, method := range []string{"POST", "DELETE"} {
		auth := newAuth(t, middleware.Config{Token: middleware.FormToken})
		got := ""
		inner := auth.Require(pass)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			claims, _ := middleware.ClaimsFromContext(r.Context())
			rest, err := io.ReadAll(r.Body)
			got = fmt.Sprint(claims.Subject, " ", r.FormValue("b"), " ", string(rest), " ", err)
		}))
		h := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			inner.ServeHTTP(w, r)
		}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, sent{method: method, header: form, body: body}.request())
		want := map[string]string{"POST": "anna c  <nil>", "DELETE": "anna  " + body + " <nil>"}[method]
		if got != want || w.Code != 200 {
			t.Errorf("%s: %d, handler got %q, want %q", method, w.Code, got, want)
		}
	}

	r := sent{method: "POST", header: form, body: body}.request()
	if _, err := middleware.FormToken(r); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r.Body); string(got) != body || err != nil {
		t.Errorf("body after FormToken = %q, %v, want %q", got, err, body)
	}
}

// What a form said can't be known once another handler has read it: it counts
// neither as good nor as without a token.
func TestFormToken_late(t *testing.T) {
	t.Parallel()

	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, tt := range []struct {
		name string
		sent sent
		code validator.Code
	}{
		{"a token", sent{method: "POST", header: form, body: "access_token=a.b.c"}, validator.CodeRequest},
		{"a token and another that was dropped", sent{method: "POST", header: form, body: "access_token=a.b.c&access_token=d;"}, validator.CodeRequest},
		{"a token that was dropped", sent{method: "PUT", header: form, body: "access_token=%zz"}, validator.CodeRequest},
		{"a token not read", sent{method: "DELETE", header: form, body: "access_token=a.b.c"}, validator.CodeRequest},
		{"a token not read", sent{method: "QUERY", header: form, body: "access_token=a.b.c"}, validator.CodeRequest},
		{"a token beside a header", sent{method: "DELETE", header: append([]string{"Authorization", "Bearer a.b.c"}, form...), body: "access_token=a.b.c"}, validator.CodeRequest},
		{"none", sent{method: "POST", header: form, body: "a=b"}, validator.CodeRequest},
		{"a token of GET", sent{method: "GET", header: form, body: "access_token=a.b.c"}, validator.CodeMissing},
		{"JSON", sent{method: "POST", header: []string{"Content-Type", "application/json"}, body: "{}"}, validator.CodeMissing},
	} {
		r := tt.sent.request()
		_ = r.FormValue("a")
		if token, err := middleware.FormToken(r); token != "" || validator.CodeOf(err) != tt.code {
			t.Errorf("FormToken(%s of %s, read before) = %q, %v, want code %q", tt.name, tt.sent.method, token, err, tt.code)
		}
	}

	// Nothing was lost where there was nothing.
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		r := sent{method: "POST", header: form}.request()
		r.Body = body
		_ = r.FormValue("a")
		if _, err := middleware.FormToken(r); validator.CodeOf(err) != validator.CodeMissing {
			t.Errorf("FormToken(no body, read before) error = %v, want code %q", err, validator.CodeMissing)
		}
		r.PostForm.Set("access_token", "a.b.c") // and another handler took the body away
		if _, err := middleware.FormToken(r); validator.CodeOf(err) != validator.CodeRequest {
			t.Errorf("FormToken(body read and taken away) error = %v, want code %q", err, validator.CodeRequest)
		}
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

// Two credentials are a 400, with the challenge of RFC 6750, also where none
// are needed.
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
		{"half a one", []string{"Cookie", `t="anna`}, 400, `Bearer error="invalid_request"`},
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

// A token under the scheme DPoP is found whatever the source is, and must be
// the only one.
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
		_, err := do(auth, sent{header: tt.header}.request())
		if got := validator.CodeOf(err); got != tt.want {
			t.Errorf("Do(%s) error = %v, want code %q", tt.name, err, tt.want)
		}
	}
}

// What is looked through for a token has a bound, and what is longer is
// rejected rather than not looked at.
func TestToken_longRequests(t *testing.T) {
	t.Parallel()
	const most = 32<<10 - 1
	cookies := func(size int) http.Header {
		return http.Header{"Cookie": {"t=token; " + strings.Repeat("a", size-len("t=token; "))}}
	}
	protocols := func(size int) http.Header {
		return http.Header{"Sec-Websocket-Protocol": {"t.token, " + strings.Repeat("a", size-len("t.token, "))}}
	}
	header := http.Header{"Authorization": {"Bearer token"}}
	for _, tt := range []struct {
		name  string
		token func(*http.Request) (string, error)
		with  http.Header
		query int
		code  validator.Code
	}{
		{"a query", middleware.BearerToken, header, most, ""},
		{"a longer query", middleware.BearerToken, header, most + 1, validator.CodeRequest},
		{"a query of 1 MiB", middleware.BearerToken, header, 1 << 20, validator.CodeRequest},
		{"a query beside a cookie", middleware.CookieToken("t"), cookies(20), most, ""},
		{"a longer query beside a cookie", middleware.CookieToken("t"), cookies(20), most + 1, validator.CodeRequest},
		{"a longer query without a token", middleware.CookieToken("t"), http.Header{}, most + 1, validator.CodeMissing},
		{"cookies", middleware.CookieToken("t"), cookies(most), 0, ""},
		{"longer cookies", middleware.CookieToken("t"), cookies(most + 1), 0, validator.CodeRequest},
		{"longer cookies in several fields", middleware.CookieToken("t"),
			http.Header{"Cookie": {"t=token", strings.Repeat("a", most/2), strings.Repeat("a", most/2)}}, 0, validator.CodeRequest},
		{"longer cookies, and no such source", middleware.BearerToken, http.Header{
			"Authorization": {"Bearer token"}, "Cookie": {strings.Repeat("a", 1<<20)},
		}, 0, ""},
		{"protocols", middleware.WebSocketToken("t."), protocols(most), 0, ""},
		{"longer protocols", middleware.WebSocketToken("t."), protocols(most + 1), 0, validator.CodeRequest},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header, r.URL.RawQuery = tt.with, strings.Repeat("q", tt.query)
		token, err := tt.token(r)
		if got := validator.CodeOf(err); got != tt.code || tt.code == "" && token != "token" {
			t.Errorf("%s: Token() = %q, %v, want the code %q", tt.name, token, err, tt.code)
		}
	}
}
