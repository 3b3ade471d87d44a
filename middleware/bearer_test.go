package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func TestBearerToken(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name   string
		fields []string
		query  string
		want   string
		code   validator.Code
	}{
		{name: "a token", fields: []string{"Bearer a.b.c"}, want: "a.b.c"},
		{name: "one character", fields: []string{"Bearer a"}, want: "a"},
		{name: "all characters", fields: []string{"Bearer azAZ09-._~+/=="}, want: "azAZ09-._~+/=="},
		{name: "lower case", fields: []string{"bearer a.b.c"}, want: "a.b.c"},
		{name: "upper case", fields: []string{"BEARER a.b.c"}, want: "a.b.c"},
		{name: "two spaces", fields: []string{"Bearer  a.b.c"}, want: "a.b.c"},

		{name: "no field", code: validator.CodeMissing},
		{name: "an empty field", fields: []string{""}, code: validator.CodeMissing},
		{name: "Basic", fields: []string{"Basic dTpw"}, code: validator.CodeMissing},
		{name: "DPoP", fields: []string{"DPoP a.b.c"}, code: validator.CodeMissing},
		{name: "Negotiate alone", fields: []string{"Negotiate"}, code: validator.CodeMissing},
		{name: "parameters of another scheme", fields: []string{`Digest username="Bearer x", a=b`}, code: validator.CodeMissing},
		{name: "a longer scheme", fields: []string{"BearerX a.b.c"}, code: validator.CodeMissing},
		{name: "a shorter scheme", fields: []string{"Beare a.b.c"}, code: validator.CodeMissing},
		{name: "no scheme", fields: []string{"a.b.c"}, code: validator.CodeMissing},
		{name: "a long s for an s", fields: []string{"Ba\u017fic a.b.c"}, code: validator.CodeRequest},

		{name: "two fields", fields: []string{"Bearer a.b.c", "Bearer a.b.c"}, code: validator.CodeRequest},
		{name: "a second field of another scheme", fields: []string{"Bearer a.b.c", "Basic dTpw"}, code: validator.CodeRequest},
		{name: "a second field that is empty", fields: []string{"Bearer a.b.c", ""}, code: validator.CodeRequest},
		{name: "two empty fields", fields: []string{"", ""}, code: validator.CodeRequest},
		{name: "no token", fields: []string{"Bearer"}, code: validator.CodeRequest},
		{name: "a space for a token", fields: []string{"Bearer "}, code: validator.CodeRequest},
		{name: "padding for a token", fields: []string{"Bearer =="}, code: validator.CodeRequest},
		{name: "padding within", fields: []string{"Bearer a=b"}, code: validator.CodeRequest},
		{name: "a tab for the space", fields: []string{"Bearer\ta.b.c"}, code: validator.CodeRequest},
		{name: "a tab after the space", fields: []string{"Bearer \ta.b.c"}, code: validator.CodeRequest},
		{name: "a trailing space", fields: []string{"Bearer a.b.c "}, code: validator.CodeRequest},
		{name: "a leading space", fields: []string{" Bearer a.b.c"}, code: validator.CodeRequest},
		{name: "two tokens", fields: []string{"Bearer a.b.c d.e.f"}, code: validator.CodeRequest},
		{name: "a list", fields: []string{"Bearer a.b.c, Bearer d.e.f"}, code: validator.CodeRequest},
		{name: "a list without spaces", fields: []string{"Bearer a.b.c,d.e.f"}, code: validator.CodeRequest},
		{name: "quotes", fields: []string{`Bearer "a.b.c"`}, code: validator.CodeRequest},
		{name: "a colon", fields: []string{"Bearer: a.b.c"}, code: validator.CodeRequest},
		{name: "an equals sign", fields: []string{"Bearer=a.b.c"}, code: validator.CodeRequest},
		{name: "a line feed", fields: []string{"Bearer a.b.c\nX: y"}, code: validator.CodeRequest},
		{name: "a NUL", fields: []string{"Bearer a.b.c\x00"}, code: validator.CodeRequest},
		{name: "not ASCII", fields: []string{"Bearer é"}, code: validator.CodeRequest},

		{name: "two ways", fields: []string{"Bearer a.b.c"}, query: "access_token=a.b.c", code: validator.CodeRequest},
		{name: "two ways, empty", fields: []string{"Bearer a.b.c"}, query: "access_token", code: validator.CodeRequest},
		{name: "two ways, escaped", fields: []string{"Bearer a.b.c"}, query: "x=y&acces%73_token=z", code: validator.CodeRequest},
		{name: "another parameter", fields: []string{"Bearer a.b.c"}, query: "x=access_token&access_tokens=1&%zz=1", want: "a.b.c"},
		{name: "the query alone", query: "access_token=a.b.c", code: validator.CodeMissing},
		{name: "Basic beside the query", fields: []string{"Basic dTpw"}, query: "access_token=a", code: validator.CodeMissing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL.RawQuery = tt.query
			r.Header["Authorization"] = tt.fields
			got, err := middleware.BearerToken(r)
			if got != tt.want || validator.CodeOf(err) != tt.code {
				t.Errorf("BearerToken(%q, query %q) = %q, %v, want %q, code %q",
					tt.fields, tt.query, got, err, tt.want, tt.code)
			}
			if err == nil {
				return
			}
			for _, secret := range []string{"a.b.c", "dTpw"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("BearerToken(%q) error = %q, want nothing of the field in it", tt.fields, err)
				}
			}
		})
	}
}

// The server makes a field of "authorization" canonical; one that is not came
// from elsewhere, and is not the header.
func TestBearerToken_bareRequest(t *testing.T) {
	t.Parallel()

	for _, r := range []*http.Request{
		{},
		{Header: http.Header{"authorization": {"Bearer a.b.c"}, "X-Authorization": {"Bearer a.b.c"}}},
	} {
		if got, err := middleware.BearerToken(r); got != "" || validator.CodeOf(err) != validator.CodeMissing {
			t.Errorf("BearerToken(%v) = %q, %v, want code %q", r.Header, got, err, validator.CodeMissing)
		}
	}
	r := &http.Request{Header: http.Header{"Authorization": {"Bearer a.b.c"}}}
	if got, err := middleware.BearerToken(r); got != "a.b.c" || err != nil {
		t.Errorf("BearerToken(without URL) = %q, %v, want the token", got, err)
	}
}

// BearerToken accepts exactly what the grammar of RFC 6750, Section 2.1
// accepts, and only without a second token.
func FuzzBearerToken(f *testing.F) {
	for _, field := range []string{
		"", "Bearer", "Bearer a.b.c", "bEARER  a+/~_-.==", "Bearer\ta", "Bearer a b", "Bearer a,b", "Basic dTpw",
		" Bearer a", "Bearer a ", "Bearer =", "Bearer a=b", "Bearer \u212a", "Beare\u0280 a",
	} {
		f.Add(field, "")
		f.Add(field, "access_token=x")
		f.Add(field, "a=b&%61ccess_token")
		f.Add(field, "a;access_token=x&access%zztoken&access_token%00=")
	}
	credentials := regexp.MustCompile(`^(?i:bearer) +([A-Za-z0-9\-._~+/]+=*)$`)

	f.Fuzz(func(t *testing.T, field, query string) {
		r := &http.Request{Header: http.Header{"Authorization": {field}}, URL: &url.URL{RawQuery: query}}
		got, err := middleware.BearerToken(r)

		want := ""
		if m := credentials.FindStringSubmatch(field); m != nil && !hasParameter(query) {
			want = m[1]
		}
		if got != want || (err == nil) != (want != "") {
			t.Errorf("BearerToken(%q, query %q) = %q, %v, want %q", field, query, got, err, want)
		}
		if code := validator.CodeOf(err); err != nil && code != validator.CodeMissing && code != validator.CodeRequest {
			t.Errorf("BearerToken(%q) code = %q", field, code)
		}
	})
}

// hasParameter asks net/url, which leaves out pairs with a semicolon, as
// BearerToken need not.
func hasParameter(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if values, err := url.ParseQuery(key); err == nil && values.Has("access_token") {
			return true
		}
	}
	return false
}
