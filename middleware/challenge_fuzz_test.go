package middleware_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Whatever a configuration and a check come up with, a challenge is one scheme
// with parameters that all parsers read alike: each once, the realm as it was
// given, and of scopes none that wasn't.
func FuzzChallenge(f *testing.F) {
	f.Add("orders", "orders:read", "orders:write", 60)
	f.Add(`a "b\`, `c", error="x`, "d\r\nSet-Cookie: e", -1)
	f.Add("\x7f", "é", "", 0)

	whole := regexp.MustCompile(`^Bearer( [a-z_]+="([ !#-\[\]-~]|\\["\\])*"(,|$))*$`)
	param := regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
	unescape := regexp.MustCompile(`\\(.)`)

	f.Fuzz(func(t *testing.T, realm, a, b string, seconds int) {
		cfg := middleware.Config{Validator: new(subjects), Realm: realm}
		if _, err := middleware.New(cfg); err != nil {
			return
		}
		for _, e := range []*validator.Error{
			{Code: validator.CodeScope, Scopes: []string{a, b}},
			{Code: validator.CodeAuthentication, ACRValues: []string{a, b}, MaxAge: time.Duration(seconds) * time.Second},
		} {
			h := http.Header{}
			reject(t, cfg, h, e)
			got := h.Get("WWW-Authenticate")
			if len(h.Values("WWW-Authenticate")) != 1 || !whole.MatchString(got) || strings.HasSuffix(got, ",") {
				t.Fatalf("Challenge(%q, %q, %q) = %q, want one well-formed challenge", realm, a, b, got)
			}
			params := map[string]string{}
			for _, m := range param.FindAllStringSubmatch(got, -1) {
				if _, twice := params[m[1]]; twice {
					t.Errorf("Challenge(%q, %q, %q) = %q, has %s twice", realm, a, b, got, m[1])
				}
				params[m[1]] = unescape.ReplaceAllString(m[2], "$1")
			}
			if params["realm"] != realm || params["error"] != string(e.Code) {
				t.Errorf("Challenge(%q, %q, %q) = %q, realm is %q, error %q", realm, a, b, got, params["realm"], params["error"])
			}
			for _, scope := range strings.Fields(params["scope"] + " " + params["acr_values"]) {
				if scope != a && scope != b {
					t.Errorf("Challenge(%q, %q, %q) = %q, has the value %q, that nobody gave", realm, a, b, got, scope)
				}
			}
		}
	})
}
