package introspection_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

var _ middleware.Validator = (*introspection.Introspector)(nil)

// The endpoint is discovered, by metadata that must be the issuer's.
func TestIntrospector_discovery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, issuer, first, second string
		want                        string // of the error
	}{
		{name: "first", issuer: issuer, first: `{"issuer":"https://sso.example.com","introspection_endpoint":"https://sso.example.com/i"}`},
		{name: "after a byte order mark", issuer: issuer, first: "\ufeff" + `{"issuer":"https://sso.example.com","introspection_endpoint":"https://sso.example.com/i"}`},
		{name: "second", issuer: issuer, second: `{"issuer":"https://sso.example.com","introspection_endpoint":"https://sso.example.com/i"}`},
		{name: "another's", issuer: issuer, first: `{"issuer":"https://sso.example.com/","introspection_endpoint":"https://sso.example.com/i"}`,
			want: `not "https://sso.example.com"`},
		{name: "none named", issuer: issuer, first: `{"issuer":"https://sso.example.com"}`, want: "names no introspection_endpoint"},
		{name: "Auth0", issuer: "https://t.auth0.com/", first: `{"issuer":"https://t.auth0.com/"}`, want: "audience of this API"},
		{name: "http", issuer: issuer, first: `{"issuer":"https://sso.example.com","introspection_endpoint":"http://127.0.0.1/i"}`, want: "is http"},
		{name: "twice", issuer: issuer, want: "has two members",
			first: `{"issuer":"https://sso.example.com","introspection_endpoint":"https://a.example/","introspection_endpoint":"https://sso.example.com/i"}`},
		{name: "nowhere", issuer: issuer, want: "set Config.Endpoint"},
	} {
		s := &server{}
		s.set(func(r *http.Request, _ url.Values) (int, string) {
			body := map[string]string{"/.well-known/openid-configuration": tt.first, "/.well-known/oauth-authorization-server": tt.second, "/i": good}[r.URL.Path]
			if body == "" {
				return 404, ""
			}
			return 200, body
		})
		cfg := config(s)
		cfg.Issuer, cfg.Endpoint = tt.issuer, ""
		in := newIntrospector(t, cfg)
		_, err := in.Validate(t.Context(), "token")
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: Validate() error = %v", tt.name, err)
		case tt.want != "" && (validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, jwks.ErrConfig) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: Validate() error = %v, want %q with %q", tt.name, err, validator.CodeUnavailable, tt.want)
		}
		asked := s.count()
		if _, err := in.Validate(t.Context(), "another"); tt.want == "" && (err != nil || s.count() != asked+1) {
			t.Errorf("%s: the second token: %d requests, error = %v; want 1, none", tt.name, s.count()-asked, err)
		}
	}
}

// No redirect gets the token.
func TestIntrospector_redirect(t *testing.T) {
	t.Parallel()
	s := &server{answer: fails(307), header: http.Header{"Location": {"https://attacker.example/"}}}
	_, err := newIntrospector(t, config(s)).Validate(t.Context(), "token")
	if validator.CodeOf(err) != validator.CodeUnavailable || s.count() != 1 {
		t.Errorf("Validate() error = %v with %d requests, want %q with 1", err, s.count(), validator.CodeUnavailable)
	}
}

// Answers that are signed (RFC 9701).
func TestIntrospector_signed(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := func(change map[string]any) map[string]any {
		all := map[string]any{"iss": issuer, "aud": "orders-api", "iat": time.Now().Unix(), "token_introspection": json.RawMessage(good)}
		for name, value := range change {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
		return all
	}
	const typ = "token-introspection+jwt"
	for _, tt := range []struct {
		name   string
		answer string
		code   validator.Code
		want   string
	}{
		{"good", signed(t, key, typ, claims(nil)), "", ""},
		{"for the audience", signed(t, key, typ, claims(map[string]any{"aud": []string{"x", api}})), "", ""},
		{"application/", signed(t, key, "application/"+typ, claims(nil)), "", ""},
		{"not active", signed(t, key, typ, claims(map[string]any{"token_introspection": json.RawMessage(`{"active":false}`)})), validator.CodeRevoked, ""},
		{"another's key", signed(t, other, typ, claims(nil)), validator.CodeUnavailable, "signature"},
		{"for another", signed(t, key, typ, claims(map[string]any{"aud": "other-api"})), validator.CodeUnavailable, "aud is"},
		{"for nobody", signed(t, key, typ, claims(map[string]any{"aud": nil})), validator.CodeUnavailable, "aud is"},
		{"of another", signed(t, key, typ, claims(map[string]any{"iss": "https://x.example"})), validator.CodeUnavailable, "iss is"},
		{"an access token", signed(t, key, "at+jwt", claims(nil)), validator.CodeUnavailable, "typ is"},
		{"without iat", signed(t, key, typ, claims(map[string]any{"iat": nil})), validator.CodeUnavailable, "iat"},
		{"old", signed(t, key, typ, claims(map[string]any{"iat": time.Now().Add(-36 * time.Second).Unix()})), validator.CodeUnavailable, "iat"},
		{"not so old", signed(t, key, typ, claims(map[string]any{"iat": time.Now().Add(-25 * time.Second).Unix()})), "", ""},
		{"expired", signed(t, key, typ, claims(map[string]any{"exp": 1})), validator.CodeUnavailable, "exp was"},
		{"no answer in it", signed(t, key, typ, claims(map[string]any{"token_introspection": true})), validator.CodeUnavailable, "want an object"},
		{"encrypted", "a.b.c.d.e", validator.CodeUnavailable, "encrypted"},
		{"cut", cut(signed(t, key, typ, claims(nil))), validator.CodeUnavailable, "signature"},
	} {
		for _, required := range []bool{false, true} {
			s := &server{answer: says("%s", tt.answer), header: http.Header{"Content-Type": {"application/token-introspection+jwt"}}}
			accept := ""
			answer := s.answer
			s.set(func(r *http.Request, form url.Values) (int, string) {
				accept = r.Header.Get("Accept")
				return answer(r, form)
			})
			cfg := config(s)
			cfg.RequireSigned, cfg.Keys = required, jwks.Set{{ID: "k", Public: key.Public()}}
			_, err := newIntrospector(t, cfg).Validate(t.Context(), "token")
			if got := validator.CodeOf(err); got != tt.code || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, required = %t: Validate() error = %v, want %q with %q", tt.name, required, err, tt.code, tt.want)
			}
			if want := map[bool]string{false: "application/json", true: "application/token-introspection+jwt"}[required]; accept != want {
				t.Errorf("%s, required = %t: Accept was %q, want %q", tt.name, required, accept, want)
			}
		}
	}
}

// signed returns a JWT.
func signed(t *testing.T, key *rsa.PrivateKey, typ string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"k","typ":%q}`, typ)) + "." +
		base64.RawURLEncoding.EncodeToString(payload)
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// cut returns s without its last 4 characters.
func cut(s string) string { return s[:len(s)-4] }

// A token's form alone decides who decides about it.
func TestByForm(t *testing.T) {
	t.Parallel()
	jwt := func(payload string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
	}
	for _, tt := range []struct {
		token string
		want  string
	}{
		{jwt(`{"iss":"https://a.example"}`), "jwt"},
		{jwt(`{"iss":"https://b.example"}`), "other"},
		{jwt(`{"iss":"https://b.example","iss":"https://b.example"}`), "jwt"}, // for its reader to reject
		{jwt(`{}`), "jwt"},
		{jwt(`no`), "jwt"},
		{"eyJ.a.b", "jwt"},
		{"IHs.a.b", "jwt"}, // a space and {
		{"abc.def.ghi", "other"},
		{"eyJ.a", "other"},
		{"eyJ.a.b.c", "other"},
		{"eyJ.a.b.c.d", "other"},
		{"opaque", "other"},
		{"", "other"},
	} {
		choice := introspection.ByForm(named("jwt"), named("other"), "https://b.example")
		if _, err := choice.Validate(t.Context(), tt.token); err == nil || err.Error() != tt.want {
			t.Errorf("Validate(%s) is decided by %v, want %s", tt.token, err, tt.want)
		}
	}
}

// A named Validator rejects in its own name.
type named string

func (n named) Validate(context.Context, string) (*validator.Claims, error) {
	return nil, errors.New(string(n))
}

// For issuers whose opaque tokens are good for userinfo alone.
func TestIntrospector_userInfo(t *testing.T) {
	t.Parallel()
	s := &server{}
	s.set(func(r *http.Request, _ url.Values) (int, string) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer good" {
			return 401, ""
		}
		return 200, `{"sub":"auth0|1","email":"anna@example.com","updated_at":"2026-01-01"}`
	})
	cfg := introspection.Config{Issuer: issuer, Endpoint: endpoint, InsecureUserInfo: true, Client: &http.Client{Transport: s}}
	in := newIntrospector(t, cfg)
	claims, err := in.Validate(t.Context(), "good")
	if err != nil || claims.Subject != "auth0|1" || claims.Issuer != issuer || len(claims.Scopes) > 0 {
		t.Errorf("Validate() = %+v, %v", claims, err)
	}
	if _, err := in.Validate(t.Context(), "bad"); validator.CodeOf(err) != validator.CodeRevoked {
		t.Errorf("Validate() error = %v, want %q", err, validator.CodeRevoked)
	}
}

var minutes = flag.Int("minutes", 2, "how long TestIntrospector_flood is, by its own clock")

// A thousand known tokens at 100 requests a second, beside 1,000 made-up tokens
// a second.
func TestIntrospector_flood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{wait: 20 * time.Millisecond}
		s.set(func(_ *http.Request, form url.Values) (int, string) {
			if strings.HasPrefix(form.Get("token"), "known") {
				return 200, good
			}
			return 200, `{"active":false}`
		})
		in := newIntrospector(t, config(s))
		known := func(i int) error {
			_, err := in.Validate(t.Context(), fmt.Sprint("known", i%1000))
			return err
		}
		for i := range 1000 {
			if err := known(i); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		before := s.count()
		rejected, next := 0, 0
		var unavailable atomic.Int64
		results := make(chan error, 2000)
		for tenth := range *minutes * 600 { // in bursts
			for i := range 10 {
				go func() { results <- known(tenth*10 + i) }()
			}
			for range 100 {
				next++
				made := fmt.Sprint("made-up", next)
				go func() {
					_, err := in.Validate(t.Context(), made)
					switch validator.CodeOf(err) {
					case validator.CodeUnavailable:
						unavailable.Add(1)
						results <- nil
					case validator.CodeRevoked:
						results <- nil
					default:
						results <- fmt.Errorf("a made-up token: %w", err)
					}
				}()
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			for range 110 {
				if err := <-results; err != nil {
					rejected++
					t.Log(err)
				}
			}
		}
		calls := s.count() - before
		t.Logf("%d minutes: %d calls, %d known tokens rejected, %d of %d made-up tokens not asked about",
			*minutes, calls, rejected, unavailable.Load(), next)
		if rejected > 0 {
			t.Errorf("%d known tokens were rejected, want none", rejected)
		}
		if most := *minutes*60*(introspection.DefaultMaxRate+100) + 1000; calls > most {
			t.Errorf("%d calls, want at most %d", calls, most)
		}
	})
}

// Nothing shows the secret or a token.
func TestIntrospector_shows(t *testing.T) {
	t.Parallel()
	s := &server{answer: says(good)}
	in := newIntrospector(t, config(s))
	if _, err := in.Validate(t.Context(), "the-token"); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "in", in)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %x", in, in, in, in, in), log.String()} {
		for _, secret := range []string{"s3cret", "the-token", "anna"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %s", secret, text)
			}
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		change func(*introspection.Config)
		want   string
	}{
		{func(c *introspection.Config) { c.Issuer = "" }, "Config.Issuer is empty"},
		{func(c *introspection.Config) { c.Audiences = nil }, "Audiences is empty"},
		{func(c *introspection.Config) { c.Auth = nil }, "Config.ClientID or Config.Auth is not set"},
		{func(c *introspection.Config) { c.Endpoint = "http://sso.example.com/i" }, "Config.Endpoint is neither https"},
		{func(c *introspection.Config) { c.Issuer, c.Endpoint = "sso", "" }, "Config.Issuer has no host"},
		{func(c *introspection.Config) { c.Issuer = "sso" }, ""},
		{func(c *introspection.Config) { c.AudienceGuaranteedBy = "x" }, "they must be equal"},
		{func(c *introspection.Config) { c.InsecureUserInfo = true }, "InsecureUserInfo excludes"},
		{func(c *introspection.Config) { c.Leeway = 6 * time.Minute }, "Leeway is 6m0s"},
		{func(c *introspection.Config) { c.StaleFor = -1 }, "StaleFor is negative"},
		{func(c *introspection.Config) { c.Checks = []validator.Check{nil} }, "Checks has a nil Check"},
	} {
		cfg := config(&server{})
		tt.change(&cfg)
		_, err := introspection.New(cfg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New() error = %v, want %q", err, tt.want)
		}
	}
}

// Ten minutes of outage, with a thousand known tokens at 100 requests a second.
func TestIntrospector_outageOfKnown(t *testing.T) {
	t.Parallel()
	for _, staleFor := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: says(good)}
			cfg := config(s)
			cfg.StaleFor = staleFor
			in := newIntrospector(t, cfg)
			next := 0
			known := func() error {
				next++
				_, err := in.Validate(t.Context(), fmt.Sprint("known", next%1000))
				time.Sleep(10 * time.Millisecond)
				return err
			}
			for range 1000 {
				if err := known(); err != nil {
					t.Fatal(err)
				}
			}
			s.set(fails(503))
			calls, rejected, first := s.count(), 0, time.Duration(0)
			const requests = 60_000
			for began, i := time.Now(), 0; i < requests; i++ {
				if err := known(); err != nil {
					if rejected++; rejected == 1 {
						first = time.Since(began)
					}
				}
			}
			calls = s.count() - calls
			s.set(says(good))
			back := time.Now()
			for known() != nil {
				continue
			}
			took := time.Since(back)
			t.Logf("StaleFor %v: %d of %d requests rejected, the first after %v; %d calls; served again after %v",
				staleFor, rejected, requests, first, calls, took)
			if staleFor > 0 && rejected > 0 {
				t.Errorf("%d known tokens were rejected within StaleFor, want none", rejected)
			}
			if staleFor == 0 && first < 45*time.Second {
				t.Errorf("the first known token was rejected after %v, want it to be believed for MaxAge", first)
			}
			if calls > 60 || took > 31*time.Second {
				t.Errorf("%d calls in the outage, and %v until tokens are served, want 60 and 31s at most", calls, took)
			}
		})
	}
}
