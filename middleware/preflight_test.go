package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/rsguard/rsguard/middleware"
)

func TestConfig_AllowPreflight(t *testing.T) {
	t.Parallel()

	preflight := map[string]string{"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
	with := func(name, value string) map[string]string {
		h := map[string]string{name: value}
		for name, value := range preflight {
			if _, ok := h[name]; !ok {
				h[name] = value
			}
		}
		return h
	}
	for _, tt := range []struct {
		name   string
		allow  bool
		method string
		header map[string]string
		status int
		seen   []string
	}{
		{"a preflight", true, "OPTIONS", preflight, 200, []string{"-"}},
		{"a preflight, not allowed", false, "OPTIONS", preflight, 401, nil},
		{"by another method", true, "GET", preflight, 401, nil},
		{"by a method in lower case", true, "options", preflight, 401, nil},
		{"without Origin", true, "OPTIONS", with("Origin", ""), 401, nil},
		{"without a method to ask for", true, "OPTIONS", with("Access-Control-Request-Method", ""), 401, nil},
		{"with a good token", true, "OPTIONS", with("Authorization", "Bearer anna"), 200, []string{"anna"}},
		{"with a bad token", true, "OPTIONS", with("Authorization", "Bearer bad"), 401, nil},
		{"with a malformed one", true, "OPTIONS", with("Authorization", "Bearer a b"), 400, nil},
		{"with another scheme", true, "OPTIONS", with("Authorization", "Basic dTpw"), 401, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			auth := newAuth(t, middleware.Config{AllowPreflight: tt.allow})
			var s spy
			r := httptest.NewRequest(tt.method, "/orders", nil)
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			auth.Handler(auth.Require(pass)(&s)).ServeHTTP(w, r)
			if w.Code != tt.status || !slices.Equal(s.seen, tt.seen) {
				t.Errorf("Handler() = %d, next called for %q, want %d, %q", w.Code, s.seen, tt.status, tt.seen)
			}
		})
	}
}

// What a preflight brings along from another Authenticator must not be taken
// for its sender.
func TestConfig_AllowPreflight_claims(t *testing.T) {
	t.Parallel()

	var s spy
	r := httptest.NewRequest(http.MethodOptions, "/", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "PUT")
	claims, err := new(subjects).Validate(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	r = r.WithContext(middleware.ContextWithClaims(r.Context(), claims))
	newAuth(t, middleware.Config{AllowPreflight: true}).Handler(&s).ServeHTTP(httptest.NewRecorder(), r)
	if !slices.Equal(s.seen, []string{"-"}) {
		t.Errorf("next called for %q, want it called without claims", s.seen)
	}
}
