package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func TestGuard_Do_challenges(t *testing.T) {
	t.Parallel()

	plain := middleware.Config{}
	named := middleware.Config{Realm: "orders", ResourceMetadata: "https://api.example.com/meta"}
	const metadata = `resource_metadata="https://api.example.com/meta"`
	code := func(c validator.Code) error { return &validator.Error{Code: c} }

	for _, tt := range []struct {
		name      string
		cfg       middleware.Config
		err       error
		status    int
		challenge string // "" for none
		retry     string // "" for none
	}{
		{"no credentials", plain, code(validator.CodeMissing), 401, `Bearer`, ""},
		{"bad credentials", plain, code(validator.CodeRequest), 400, `Bearer error="invalid_request"`, ""},
		{"malformed", plain, code(validator.CodeMalformed), 401, `Bearer error="invalid_token"`, ""},
		{"algorithm", plain, code(validator.CodeAlgorithm), 401, `Bearer error="invalid_token"`, ""},
		{"unknown key", plain, code(validator.CodeUnknownKey), 401, `Bearer error="invalid_token"`, ""},
		{"signature", plain, code(validator.CodeSignature), 401, `Bearer error="invalid_token"`, ""},
		{"issuer", plain, code(validator.CodeIssuer), 401, `Bearer error="invalid_token"`, ""},
		{"audience", plain, code(validator.CodeAudience), 401, `Bearer error="invalid_token"`, ""},
		{"type", plain, code(validator.CodeType), 401, `Bearer error="invalid_token"`, ""},
		{"expired", plain, code(validator.CodeExpired), 401, `Bearer error="invalid_token"`, ""},
		{"not yet valid", plain, code(validator.CodeNotYetValid), 401, `Bearer error="invalid_token"`, ""},
		{"claim", plain, code(validator.CodeClaim), 401, `Bearer error="invalid_token"`, ""},
		{"organization", plain, code(validator.CodeOrganization), 401, `Bearer error="invalid_token"`, ""},
		{"binding", plain, code(validator.CodeBinding), 401, `Bearer error="invalid_token"`, ""},
		{"proof", plain, code(validator.CodeProof), 401, `DPoP error="invalid_dpop_proof"`, ""},
		{"replay", plain, code(validator.CodeReplayed), 401, `DPoP error="invalid_dpop_proof"`, ""},
		{"nonce", plain, code(validator.CodeNonce), 401, `DPoP error="use_dpop_nonce"`, ""},
		{"step-up", plain, code(validator.CodeAuthentication), 401, `Bearer error="insufficient_user_authentication"`, ""},
		{"scope", plain, code(validator.CodeScope), 403, `Bearer error="insufficient_scope"`, ""},
		{"role", plain, code(validator.CodeRole), 403, ``, ""},
		{"refused", plain, code(validator.CodeRefused), 403, ``, ""},
		{"internal", plain, code(validator.CodeInternal), 500, ``, ""},
		{"unavailable", plain, code(validator.CodeUnavailable), 503, ``, "5"},

		{"a code of one's own", plain, code("out_of_hours"), 403, ``, ""},
		{"no code", plain, code(""), 403, ``, ""},
		{"another error", plain, errors.New("x"), 403, ``, ""},
		{"an error around", plain, fmt.Errorf("x: %w", code(validator.CodeExpired)), 401, `Bearer error="invalid_token"`, ""},
		{"errors joined", plain, errors.Join(errors.New("x"), code(validator.CodeScope)), 403, `Bearer error="insufficient_scope"`, ""},

		{"named, no credentials", named, code(validator.CodeMissing), 401, `Bearer realm="orders", ` + metadata, ""},
		{"named, malformed", named, code(validator.CodeMalformed), 401, `Bearer realm="orders", error="invalid_token", ` + metadata, ""},
		{"named, refused", named, code(validator.CodeRefused), 403, ``, ""},
		{
			"named, scopes", named, &validator.Error{Code: validator.CodeScope, Scopes: []string{"orders:write", "orders:read"}}, 403,
			`Bearer realm="orders", error="insufficient_scope", scope="orders:write orders:read", ` + metadata, "",
		},
		{
			"named, step-up", named,
			&validator.Error{Code: validator.CodeAuthentication, ACRValues: []string{"urn:mfa", "b"}, MaxAge: 90 * time.Second}, 401,
			`Bearer realm="orders", error="insufficient_user_authentication", acr_values="urn:mfa b", max_age="90", ` + metadata, "",
		},
		{"metadata alone", middleware.Config{ResourceMetadata: named.ResourceMetadata}, code(validator.CodeMissing), 401, `Bearer ` + metadata, ""},
		{"a realm with an equals sign", middleware.Config{Realm: "a=b"}, code(validator.CodeRequest), 400, `Bearer realm="a=b", error="invalid_request"`, ""},
		{"a realm to escape", middleware.Config{Realm: `a"b\", error="x`}, code(validator.CodeMissing), 401, `Bearer realm="a\"b\\\", error=\"x"`, ""},

		{"a second's fraction", plain, &validator.Error{Code: validator.CodeAuthentication, MaxAge: 1900 * time.Millisecond}, 401, `Bearer error="insufficient_user_authentication", max_age="1"`, ""},
		{"an age of nothing", plain, &validator.Error{Code: validator.CodeAuthentication, MaxAge: -time.Second}, 401, `Bearer error="insufficient_user_authentication"`, ""},
		{"scopes of another refusal", plain, &validator.Error{Code: validator.CodeExpired, Scopes: []string{"a"}, ACRValues: []string{"b"}, MaxAge: time.Minute}, 401, `Bearer error="invalid_token"`, ""},
		{
			"scopes that are none", plain,
			&validator.Error{Code: validator.CodeScope, Scopes: []string{"a\r\nSet-Cookie: x", `b", error="y`, "c d", "é", "", `e\`, "f\x00", "good!#[]~"}}, 403,
			`Bearer error="insufficient_scope", scope="good!#[]~"`, "",
		},
		{"no scope is left", plain, &validator.Error{Code: validator.CodeScope, Scopes: []string{"a b"}}, 403, `Bearer error="insufficient_scope"`, ""},
		{"an acr value that is none", plain, &validator.Error{Code: validator.CodeAuthentication, ACRValues: []string{"a\nb", "c"}}, 401, `Bearer error="insufficient_user_authentication", acr_values="c"`, ""},

		{"a time to wait", plain, unavailable(30 * time.Second), 503, ``, "30"},
		{"a fraction to wait", plain, unavailable(1001 * time.Millisecond), 503, ``, "2"},
		{"nothing to wait", plain, unavailable(0), 503, ``, "1"},
		{"less than nothing to wait", plain, unavailable(-time.Minute), 503, ``, "1"},
		{"for ever", plain, unavailable(math.MaxInt64), 503, ``, "9223372037"},
		{"a time to wait elsewhere", plain, &validator.Error{Code: validator.CodeExpired, Err: waitError(time.Second)}, 401, `Bearer error="invalid_token"`, ""},
		{"cancelled", plain, &validator.Error{Code: validator.CodeUnavailable, Err: context.Canceled}, 503, ``, "5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			// What is there already is of the answer that is not given.
			got := http.Header{
				"Cache-Control":    {"public, max-age=60"},
				"Www-Authenticate": {"Basic", `Bearer error="old"`},
				"Retry-After":      {"1000"},
				"X-Request-Id":     {"7"},
			}
			status := reject(t, tt.cfg, got, tt.err)

			want := http.Header{"Cache-Control": {"no-store"}, "X-Request-Id": {"7"}}
			if tt.challenge != "" {
				want.Set("WWW-Authenticate", tt.challenge)
			}
			if tt.retry != "" {
				want.Set("Retry-After", tt.retry)
			}
			if diff := cmp.Diff(want, got); status != tt.status || diff != "" {
				t.Errorf("Do(a request with the error %v) = %d, want %d; header (-want +got):\n%s", tt.err, status, tt.status, diff)
			}
		})
	}
}

// reject sets in h what the response to a request that fails with err needs.
func reject(t testing.TB, cfg middleware.Config, h http.Header, err error) (status int) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer anna")
	if validator.CodeOf(err) == validator.CodeMissing {
		cfg.Token = func(*http.Request) (string, error) { return "", err }
	}
	_, refusal := newAuth(t, cfg).Guard(refuse(err)).Do(h, r)
	if refusal == nil {
		t.Fatalf("Do() with the error %v = no refusal, want one", err)
	}
	return refusal.Status
}

func unavailable(d time.Duration) error {
	return &validator.Error{Code: validator.CodeUnavailable, Err: fmt.Errorf("x: %w", waitError(d))}
}

type waitError time.Duration

func (waitError) Error() string               { return "wait" }
func (e waitError) RetryAfter() time.Duration { return time.Duration(e) }
