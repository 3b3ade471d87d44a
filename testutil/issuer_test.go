package testutil_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const audience = "https://orders.example.com"

func newValidator(t *testing.T, cfg validator.Config) *validator.Validator {
	t.Helper()
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestIssuerTokens(t *testing.T) {
	t.Parallel()

	now := time.Now()
	for name, cfg := range map[string]mockissuer.Config{
		"on loopback": {},
		"in memory":   {URL: "https://tenant.example.com/"},
		"ES256":       {Algorithms: []string{"ES256"}},
	} {
		iss := testutil.NewIssuer(t, cfg)
		v := newValidator(t, iss.Config(audience))
		for _, tt := range []struct {
			name   string
			claims testutil.Claims
			want   validator.Code
		}{
			{"good", nil, ""},
			{"with a scope", testutil.Claims{"scope": "orders:read"}, ""},
			{"expired", testutil.Claims{"exp": now.Add(-time.Hour)}, validator.CodeExpired},
			{"expired, as an int", testutil.Claims{"exp": now.Unix() - 3600}, validator.CodeExpired},
			{"without an expiry", testutil.Claims{"exp": nil}, validator.CodeClaim},
			{"for another API", testutil.Claims{"aud": "x"}, validator.CodeAudience},
			{"of another issuer", testutil.Claims{"iss": "https://x.example.com/"}, validator.CodeIssuer},
		} {
			if _, err := v.Validate(t.Context(), iss.Token(tt.claims)); validator.CodeOf(err) != tt.want {
				t.Errorf("%s: Validate(%s) = %v, want code %q", name, tt.name, err, tt.want)
			}
		}
	}
}

func TestIssuerOutageAndRotation(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		iss := testutil.NewIssuer(t, mockissuer.Config{URL: "https://tenant.example.com/", Algorithms: []string{"ES256"}})
		v := newValidator(t, iss.Config(audience))

		iss.SetDown(true)
		old := iss.Token(nil)
		if _, err := v.Validate(t.Context(), old); validator.CodeOf(err) != validator.CodeUnavailable {
			t.Errorf("Validate while the issuer is down = %v, want code %q", err, validator.CodeUnavailable)
		}
		iss.SetDown(false)
		iss.Advance(time.Minute)
		if _, err := v.Validate(t.Context(), old); err != nil {
			t.Errorf("Validate with the issuer up again = %v, want no error", err)
		}
		iss.SetDown(true)
		if _, err := v.Validate(t.Context(), iss.Token(nil)); err != nil {
			t.Errorf("Validate with known keys while the issuer is down = %v, want no error", err)
		}
		iss.SetDown(false)

		kid := iss.RotateKey()
		fetches := iss.KeyFetches()
		if _, err := v.Validate(t.Context(), iss.Token(nil)); err != nil {
			t.Errorf("Validate after RotateKey() = %v, want no error", err)
		}
		if got := iss.KeyFetches() - fetches; got != 1 {
			t.Errorf("KeyFetches() grew by %d for the new key %s, want 1", got, kid)
		}
		if _, err := v.Validate(t.Context(), old); err != nil {
			t.Errorf("Validate of a token of the key before = %v, want no error before another fetch agrees", err)
		}
		iss.Advance(jwks.DefaultMinTTL)
		if _, err := v.Validate(t.Context(), old); validator.CodeOf(err) != validator.CodeUnknownKey {
			t.Errorf("Validate of a token of the key before = %v, want code %q", err, validator.CodeUnknownKey)
		}
	})
}

// What the comments of RotateKey and SetDown say of Advance.
func TestIssuer_whichAdvance(t *testing.T) {
	t.Parallel()

	newIssuer := func(t *testing.T) (*testutil.Issuer, func(token string, want validator.Code)) {
		t.Helper()
		iss := testutil.NewIssuer(t, mockissuer.Config{URL: "https://tenant.example.com/", Algorithms: []string{"ES256"}})
		v := newValidator(t, iss.Config(audience))
		return iss, func(token string, want validator.Code) {
			t.Helper()
			if _, err := v.Validate(t.Context(), token); validator.CodeOf(err) != want {
				t.Errorf("Validate() = %v, want code %q", err, want)
			}
		}
	}

	t.Run("RotateKey", func(t *testing.T) {
		t.Parallel()
		iss, validate := newIssuer(t)
		first := iss.Token(nil)
		validate(first, "")
		iss.RotateKey()
		second := iss.Token(nil)
		validate(first, "") // no fetch yet
		validate(second, "")
		validate(first, "") // no second fetch yet
		iss.Advance(jwks.DefaultMinTTL)
		validate(first, validator.CodeUnknownKey)
		validate(first, validator.CodeUnknownKey) // a fetch for it

		iss.RotateKey()
		third := iss.Token(nil)
		iss.Advance(jwks.DefaultUnknownKeyInterval - time.Second)
		validate(third, validator.CodeUnknownKey)
		validate(second, "")
		iss.Advance(jwks.DefaultUnknownKeyInterval + time.Second)
		validate(third, "")
		validate(second, "")
		iss.Advance(jwks.DefaultMinTTL)
		validate(second, validator.CodeUnknownKey)

		iss.RotateKey()
		validate(third, "")
		iss.Advance(jwks.DefaultMinTTL)
		validate(third, validator.CodeUnknownKey)
	})

	t.Run("SetDown", func(t *testing.T) {
		t.Parallel()
		iss, validate := newIssuer(t)
		token := iss.Token(testutil.Claims{"exp": iss.Now().Add(48 * time.Hour)})
		iss.SetDown(true)
		validate(token, validator.CodeUnavailable)
		iss.SetDown(false)
		iss.Advance(time.Minute)
		validate(token, "")

		iss.SetDown(true)
		iss.Advance(jwks.DefaultMinTTL + jwks.DefaultMaxStale - time.Second)
		validate(token, "")
		iss.Advance(time.Second)
		validate(token, validator.CodeUnavailable)
		iss.RotateKey()
		validate(iss.Token(nil), validator.CodeUnavailable)
		iss.SetDown(false)
		iss.Advance(time.Minute)
		validate(iss.Token(nil), "")
	})
}

func TestIssuerDomains(t *testing.T) {
	t.Parallel()

	const custom = "https://login.example.com/"
	iss := testutil.NewIssuer(t, mockissuer.Config{URL: "https://tenant.example.com/", Domains: []string{custom}})
	v := newValidator(t, iss.Config(audience))
	if _, err := v.Validate(t.Context(), iss.Token(testutil.Claims{"iss": custom})); err != nil {
		t.Errorf("Validate of a custom domain's token = %v, want no error", err)
	}
}

func TestIssuerAdvance(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v := newValidator(t, iss.Config(audience))
	token := iss.Token(nil)
	for _, tt := range []struct {
		advance time.Duration
		want    validator.Code
	}{
		{time.Hour, ""}, // within the leeway
		{validator.DefaultLeeway + time.Second, validator.CodeExpired},
		{-time.Minute, ""},
	} {
		iss.Advance(tt.advance)
		if _, err := v.Validate(t.Context(), token); validator.CodeOf(err) != tt.want {
			t.Errorf("Validate after Advance(%v) = %v, want code %q", tt.advance, err, tt.want)
		}
	}
}

// fatal is a test that records how it ended.
type fatal struct {
	testing.TB
	said string
}

var errFatal = errors.New("fatal")

func (f *fatal) Helper() {}
func (f *fatal) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(errFatal)
}

func TestIssuerFailsTheTest(t *testing.T) {
	t.Parallel()

	for name, call := range map[string]func(tb testing.TB){
		"two configurations":   func(tb testing.TB) { testutil.NewIssuer(tb, mockissuer.Config{}, mockissuer.Config{}) },
		"a bad configuration":  func(tb testing.TB) { testutil.NewIssuer(tb, mockissuer.Config{URL: "x"}) },
		"an unknown algorithm": func(tb testing.TB) { testutil.NewIssuer(tb).Sign(mockissuer.Token{Algorithm: "x"}) },
		"an unwritable claim":  func(tb testing.TB) { testutil.NewIssuer(tb).Token(testutil.Claims{"x": func() {}}) },
		"an unknown rotation":  func(tb testing.TB) { testutil.NewIssuer(tb).RotateKey("x") },
		"an unknown shape":     func(tb testing.TB) { testutil.NewIssuer(tb).As("Nokia", testutil.NewIssuer(tb).Config("a")) },
		"a stand-in for none":  func(tb testing.TB) { testutil.NewIssuer(tb).As("Keycloak", validator.Config{Issuers: []string{"a"}}) },
		"a shape's ID token": func(tb testing.TB) {
			iss := testutil.NewIssuer(tb)
			iss.As("Firebase", iss.Config("a")).IDToken(nil)
		},
		"a shape's refresh token": func(tb testing.TB) {
			iss := testutil.NewIssuer(tb)
			iss.As("Auth0", iss.Config("a")).RefreshToken(nil)
		},
	} {
		tb := &fatal{TB: t}
		func() {
			defer func() {
				if p := recover(); p != errFatal {
					t.Errorf("%s: recovered %v, want a call of Fatalf", name, p)
				}
			}()
			call(tb)
		}()
		if tb.said == "" {
			t.Errorf("%s did not fail the test", name)
		}
		if name == "an unknown shape" && !strings.Contains(tb.said, " Keycloak,") {
			t.Errorf("%s: the test says %q, want the names of all shapes", name, tb.said)
		}
	}
}

func TestOpaqueToken(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	iss.Config("https://orders.example.com")
	token := iss.OpaqueToken(testutil.Claims{"scope": "orders:read"})
	ask := func() string {
		form := url.Values{"token": {token}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"}}
		res, err := http.PostForm(strings.TrimSuffix(iss.URL, "/")+string(mockissuer.EndpointIntrospection), form)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if body := ask(); !strings.Contains(body, `"active":true,"aud":"https://orders.example.com"`) || !strings.Contains(body, `"scope":"orders:read"`) {
		t.Errorf("introspection of OpaqueToken(scope) = %s, want it active, for the audience of Config", body)
	}
	iss.Revoke(token)
	if got, want := strings.TrimSpace(ask()), `{"active":false}`; got != want {
		t.Errorf("introspection after Revoke = %s, want %s", got, want)
	}
	if got, want := iss.Introspections(), 2; got != want {
		t.Errorf("Introspections() = %d, want %d", got, want)
	}
}
