package clientauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// A token endpoint that lies is found out, beside the nearest answer that is
// accepted.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const kind = "application/json"
	page := "<!DOCTYPE html><title>Welcome</title>"
	huge := `{"access_token":"` + strings.Repeat("x", 200<<10) + `","token_type":"Bearer"}`
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
		want                    clientauth.Code
		says                    string
	}{
		{"good", kind, good(3600), 200, "", ""},
		{"charset", kind + "; charset=utf-8", good(3600), 200, "", ""},
		{"type in lower case", kind, `{"access_token":"a","token_type":"bearer","expires_in":3600}`, 200, "", ""},
		{"no expires_in", kind, `{"access_token":"a","token_type":"Bearer"}`, 200, "", ""},
		{"unknown members", kind, `{"access_token":"a","token_type":"Bearer","x":{"y":[1]}}`, 200, "", ""},
		{"the longest life", kind, good(30 * 24 * 3600), 200, "", ""},
		{"a longer life", kind, good(30*24*3600 + 1), 200, clientauth.CodeAnswer, "MaxLifetime"},
		{"a life of 1e18", kind, `{"access_token":"a","token_type":"Bearer","expires_in":1e18}`, 200, clientauth.CodeAnswer, "expires_in"},
		{"a life over 64 bits", kind, `{"access_token":"a","token_type":"Bearer","expires_in":99999999999999999999999}`, 200, clientauth.CodeAnswer, "MaxLifetime"},
		{"a second", kind, good(1), 200, "", ""},
		{"no time", kind, good(0), 200, clientauth.CodeAnswer, "expires_in"},
		{"a negative life", kind, good(-1), 200, clientauth.CodeAnswer, "expires_in"},
		{"a life in text", kind, `{"access_token":"a","token_type":"Bearer","expires_in":"3600"}`, 200, clientauth.CodeAnswer, "InsecureTextLifetime"},
		{"a life of null", kind, `{"access_token":"a","token_type":"Bearer","expires_in":null}`, 200, clientauth.CodeAnswer, "expires_in"},
		{"half seconds", kind, `{"access_token":"a","token_type":"Bearer","expires_in":3600.5}`, 200, clientauth.CodeAnswer, "expires_in"},
		{"duplicate members", kind, `{"access_token":"a","access_token":"b","token_type":"Bearer"}`, 200, clientauth.CodeAnswer, "access_token"},
		{"no token", kind, `{"token_type":"Bearer"}`, 200, clientauth.CodeAnswer, "access_token is missing"},
		{"a token of another kind", kind, `{"access_token":["a"],"token_type":"Bearer"}`, 200, clientauth.CodeAnswer, "an array"},
		{"an empty token", kind, `{"access_token":"","token_type":"Bearer"}`, 200, clientauth.CodeAnswer, "access_token"},
		{"a token with a line break", kind, `{"access_token":"a\r\nX: y","token_type":"Bearer"}`, 200, clientauth.CodeAnswer, "access_token"},
		{"another type", kind, `{"access_token":"a","token_type":"DPoP"}`, 200, clientauth.CodeAnswer, "token_type"},
		{"mac", kind, `{"access_token":"a","token_type":"mac"}`, 200, clientauth.CodeAnswer, "token_type"},
		{"no type", kind, `{"access_token":"a"}`, 200, clientauth.CodeAnswer, "token_type"},
		{"a scope that is a list", kind, `{"access_token":"a","token_type":"Bearer","scope":["a"]}`, 200, clientauth.CodeAnswer, "scope"},
		{"a long token", kind, `{"access_token":"` + strings.Repeat("x", validator.DefaultMaxTokenSize) + `","token_type":"Bearer"}`, 200, "", ""},
		{"a longer token", kind, `{"access_token":"` + strings.Repeat("x", validator.DefaultMaxTokenSize+1) + `","token_type":"Bearer"}`, 200, clientauth.CodeAnswer, "MaxTokenSize"},
		{"a huge body", kind, huge, 200, clientauth.CodeAnswer, "bytes"},
		{"a page", "text/html", page, 200, clientauth.CodeAnswer, "text/html"},
		{"a page that says it is JSON", kind, page, 200, clientauth.CodeAnswer, "JSON"},
		{"no content", kind, "", 200, clientauth.CodeAnswer, ""},
		{"created", kind, good(3600), 201, clientauth.CodeAnswer, "201"},
		{"a redirect", "text/html", page, 302, clientauth.CodeRejected, "redirects"},
		{"an unknown client", kind, `{"error":"invalid_client","error_description":"who?"}`, 401, clientauth.CodeRejected, "Config.ClientID"},
		{"an error with a token", kind, `{"error":"invalid_scope","access_token":"a","token_type":"Bearer"}`, 400, clientauth.CodeRejected, "invalid_scope"},
		{"another path", "text/html", page, 404, clientauth.CodeRejected, "Config.TokenURL"},
		{"an outage", "text/html", page, 502, clientauth.CodeUnavailable, "502"},
		{"an outage in words", kind, `{"error":"temporarily_unavailable"}`, 400, clientauth.CodeUnavailable, ""},
		{"too many requests", kind, `{"error":"slow_down"}`, 429, clientauth.CodeUnavailable, "429"},
		{"a step-up", kind, `{"error":"interaction_required"}`, 400, clientauth.CodeAuthentication, ""},
	} {
		l := &liar{answer: func(int, *http.Request) (int, string, string) { return tt.status, tt.contentType, tt.body }}
		_, err := newSource(t, l.config(), clientauth.Request{}).Token()
		if got := codeOf(t, err); got != tt.want || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Token() = %v, code %q, want %q with %q", tt.name, err, got, tt.want, tt.says)
		}
		if l.count() != 1 {
			t.Errorf("%s: %d requests, want 1", tt.name, l.count())
		}
	}

	l := &liar{answer: func(int, *http.Request) (int, string, string) {
		return 200, kind, `{"access_token":"a","token_type":"Bearer","expires_in":"3600"}`
	}}
	cfg := l.config()
	cfg.InsecureTextLifetime = true
	token, err := newSource(t, cfg, clientauth.Request{}).Token()
	if err != nil || time.Until(token.Expiry) < 59*time.Minute {
		t.Errorf("Token() with InsecureTextLifetime = %v, want a token of an hour", err)
	}
}

// Without a Validator, the "exp" of a JWT still counts.
func TestAnswers_form(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	for _, tt := range []struct {
		name   string
		claims map[string]any
		answer string // its further members
		want   time.Duration
		fails  bool
	}{
		{"expires_in alone", map[string]any{"exp": nil}, `,"expires_in":600`, 10 * time.Minute, false},
		{"exp alone", map[string]any{"exp": time.Now().Add(10 * time.Minute)}, ``, 10 * time.Minute, false},
		{"exp is earlier", map[string]any{"exp": time.Now().Add(10 * time.Minute)}, `,"expires_in":3600`, 10 * time.Minute, false},
		{"exp is later", map[string]any{"exp": time.Now().Add(time.Hour)}, `,"expires_in":600`, 10 * time.Minute, false},
		{"neither", map[string]any{"exp": nil}, ``, clientauth.DefaultLifetime, false},
		{"exp has passed", map[string]any{"exp": time.Now().Add(-time.Minute)}, `,"expires_in":3600`, 0, true},
		{"exp is no number", map[string]any{"exp": "soon"}, `,"expires_in":3600`, 0, true},
	} {
		jwt, err := iss.Sign(mockissuer.Token{Claims: tt.claims})
		if err != nil {
			t.Fatal(err)
		}
		l := &liar{answer: func(int, *http.Request) (int, string, string) {
			return 200, "application/json", `{"access_token":"` + jwt + `","token_type":"Bearer"` + tt.answer + `}`
		}}
		token, err := newSource(t, l.config(), clientauth.Request{}).Token()
		if tt.fails {
			if codeOf(t, err) != clientauth.CodeToken {
				t.Errorf("%s: Token() = %v, want code %q", tt.name, err, clientauth.CodeToken)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: Token() = %v, want none", tt.name, err)
			continue
		}
		if got := time.Until(token.Expiry); got > tt.want+time.Second || got < tt.want-10*time.Second {
			t.Errorf("%s: the token ends in %v, want %v", tt.name, got, tt.want)
		}
	}
}

// What the issuer says is quoted, without the secret that it may repeat.
func TestError(t *testing.T) {
	t.Parallel()
	for name, auth := range map[string]clientauth.Authentication{
		"post": clientauth.ClientSecretPost("s3cr3t +"), "basic": clientauth.ClientSecretBasic("s3cr3t +"),
	} {
		l := &liar{answer: func(_ int, r *http.Request) (int, string, string) {
			_ = r.ParseForm()
			credentials := r.Header.Get("Authorization")
			return 401, "application/json", fmt.Sprintf(`{"error":"invalid_client","error_description":"not s3cr3t + of %s %s"}`,
				r.Form.Get("client_secret"), credentials)
		}}
		cfg := l.config()
		logger, buffer := logTo()
		cfg.Auth, cfg.Logger = auth, logger
		_, err := newSource(t, cfg, clientauth.Request{}).Token()
		var e *clientauth.Error
		if !errors.As(err, &e) || e.OAuthError != "invalid_client" || e.Status != 401 || !strings.Contains(e.Description, "not [secret]") {
			t.Errorf("%s: Token() = %#v, want what the issuer says", name, err)
		}
		all := fmt.Sprintf("%v %+v %#v %s", err, err, err, buffer)
		if strings.Contains(all, "s3cr3t") || strings.Contains(all, "czNjcjN0") {
			t.Errorf("%s: an error or a log shows the secret: %s", name, all)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(good(60))
	f.Add(`{"access_token":"a.b.c","token_type":"bearer","expires_in":60,"scope":"a b"}`)
	f.Add(`{"error":"x","error_description":"y"}`)
	f.Fuzz(func(t *testing.T, body string) {
		l := &liar{answer: func(int, *http.Request) (int, string, string) { return 200, "application/json", body }}
		token, err := newSource(t, l.config(), clientauth.Request{}).Token()
		if (token == nil) == (err == nil) {
			t.Fatalf("Token() = %v, %v, want a token or an error", token, err)
		}
		if err != nil {
			codeOf(t, err)
			return
		}
		req, reqErr := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a/", nil)
		if reqErr != nil {
			t.Fatal(reqErr)
		}
		token.SetAuthHeader(req)
		left := time.Until(token.Expiry)
		if token.TokenType != "Bearer" || len(token.AccessToken) > validator.DefaultMaxTokenSize || strings.ContainsAny(token.AccessToken, " \r\n\x00") ||
			left < -time.Minute || left > clientauth.DefaultMaxLifetime {
			t.Errorf("Token() = a token of the type %q that ends in %v", token.TokenType, left)
		}
	})
}
