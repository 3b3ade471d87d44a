package middleware_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Whatever a request looks like, a source returns a token that BearerToken
// would accept in a header, or an error of one of two codes; and it never takes
// a token from one place while there is one in another.
func FuzzTokenSources(f *testing.F) {
	f.Add("", "", "", "", "", "POST")
	f.Add("Bearer a.b.c", "", "", "", "", "GET")
	f.Add("", "t=a.b.c", "", "", "", "GET")
	f.Add("", "t=a; t=b", "", "", "x=1&access_token=q", "GET")
	f.Add("", `t="a; t=b`, "", "", "", "GET")
	f.Add("", "", "chat, p.a.b.c", "", "", "GET")
	f.Add("dpop a", "t=a", "p.a,p.b", "access_token=a%2Eb", "access_token=x", "PUT")
	f.Add("", "", "", "access_token=a.b.c&access_token=", "access%5Ftoken", "POST")
	f.Fuzz(func(t *testing.T, authorization, cookie, protocol, form, query, method string) {
		build := func() *http.Request {
			r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(form))
			r.Method, r.URL.RawQuery = method, query
			for name, value := range map[string]string{
				"Authorization": authorization, "Cookie": cookie, "Sec-Websocket-Protocol": protocol,
				"Content-Type": "application/x-www-form-urlencoded",
			} {
				if value != "" {
					r.Header[name] = []string{value}
				}
			}
			return r
		}
		inHeader, headerErr := middleware.BearerToken(build())
		values, _ := url.ParseQuery(query)
		inQuery := values.Has("access_token")

		for name, source := range map[string]func(*http.Request) (string, error){
			"CookieToken":    middleware.CookieToken("t"),
			"WebSocketToken": middleware.WebSocketToken("p."),
			"FormToken":      middleware.FormToken,
		} {
			r := build()
			token, err := source(r)
			switch validator.CodeOf(err) {
			case "":
				again := httptest.NewRequest(http.MethodGet, "/", nil)
				again.Header.Set("Authorization", "Bearer "+token)
				if got, err := middleware.BearerToken(again); err != nil || got != token {
					t.Errorf("%s = %q, which BearerToken takes for %q, %v", name, token, got, err)
				}
				if inQuery {
					t.Errorf("%s = %q, with another token in the query %q", name, token, query)
				}
				if headerErr == nil && token != inHeader {
					t.Errorf("%s = %q, with another token in the header %q", name, token, authorization)
				}
			case validator.CodeMissing, validator.CodeRequest:
				if token != "" {
					t.Errorf("%s = %q with the error %v", name, token, err)
				}
			default:
				t.Errorf("%s error = %v, want code %q or %q", name, err, validator.CodeMissing, validator.CodeRequest)
			}

			second, secondErr := source(r)
			if second != token || validator.CodeOf(secondErr) != validator.CodeOf(err) {
				t.Errorf("%s = %q, %v, and asked again %q, %v", name, token, err, second, secondErr)
			}
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != form {
				t.Errorf("%s leaves the body %q, %v, want %q", name, body, err, form)
			}
		}
	})
}
