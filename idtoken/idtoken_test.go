package idtoken_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	issuer   = "https://tenant.example.com/"
	clientID = "web-app"
	nonce    = "n-0S6_WzA2Mj"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A bench has an issuer, and a client of it.
type bench struct {
	*mockissuer.Issuer
	cfg idtoken.Config
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	iss, err := mockissuer.New(mockissuer.Config{URL: issuer, Algorithms: []string{"ES256"}, Now: func() time.Time { return start }})
	if err != nil {
		tb.Fatal(err)
	}
	body, err := iss.KeySet()
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := jwks.Parse(body)
	if err != nil {
		tb.Fatal(err)
	}
	return &bench{iss, idtoken.Config{
		Issuers: []string{issuer}, ClientID: clientID, Keys: keys, Algorithms: []validator.Algorithm{validator.ES256}, Now: iss.Now,
	}}
}

type claims = map[string]any

// token returns an ID token with changes. A nil value leaves a claim out.
func (b *bench) token(tb testing.TB, changes claims) string {
	tb.Helper()
	all := claims{"aud": clientID, "nonce": nonce, "iat": start, "exp": start.Add(time.Hour)}
	maps.Copy(all, changes)
	token, err := b.Sign(mockissuer.Token{Claims: all})
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func (b *bench) verifier(tb testing.TB, edits ...func(*idtoken.Config)) *idtoken.Verifier {
	tb.Helper()
	cfg := b.cfg
	for _, edit := range edits {
		edit(&cfg)
	}
	v, err := idtoken.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func leftHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func TestVerify(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.verifier(t)
	token := b.token(t, claims{
		"sid": "s1", "acr": "gold", "amr": []string{"pwd", "otp"}, "auth_time": start.Add(-time.Minute), "jti": "j1",
		"org_id": "org_a", "org_name": "a", "at_hash": leftHash("at"), "c_hash": leftHash("code"), "name": "Ada",
	})
	got, err := v.Verify(t.Context(), token, idtoken.Expected{
		Nonce: nonce, AccessToken: "at", Code: "code", FromAuthorizationEndpoint: true,
		MaxAge: time.Minute, ACR: []string{"silver", "gold"}, Organization: "A",
	})
	if err != nil {
		t.Fatalf("Verify() error = %v", err)
	}
	want := `{"Issuer":"https://tenant.example.com/","Subject":"` + mockissuer.DefaultSubject + `","Audience":["web-app"],"AuthorizedParty":"",` +
		`"ID":"j1","ExpiresAt":"2026-01-01T01:00:00Z","IssuedAt":"2026-01-01T00:00:00Z","AuthTime":"2025-12-31T23:59:00Z",` +
		`"Nonce":"n-0S6_WzA2Mj","ACR":"gold","AMR":["pwd","otp"],"SessionID":"s1","OrgID":"org_a","OrgName":"a"}`
	if text, err := json.Marshal(got); err != nil || string(text) != want {
		t.Errorf("Verify() = %s, %v\nwant %s", text, err, want)
	}
	var profile struct {
		Name string `json:"name"`
	}
	if err := got.Decode(&profile); err != nil || profile.Name != "Ada" {
		t.Errorf("Decode() = %+v, %v; want Ada", profile, err)
	}
	if got.Algorithm() != "ES256" || got.KeyID() == "" {
		t.Errorf("Algorithm(), KeyID() = %q, %q", got.Algorithm(), got.KeyID())
	}
}

// What the caller expects decides. Each rejection is beside what is accepted.
func TestExpected(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.verifier(t)
	previous := &idtoken.Claims{Issuer: issuer, Subject: mockissuer.DefaultSubject, Audience: []string{clientID}, AuthTime: start, Nonce: nonce}
	without := claims{"nonce": nil}
	type expected = idtoken.Expected
	for _, tt := range []struct {
		name   string
		claims claims
		expect expected
		want   validator.Code
	}{
		{"nonce", nil, expected{Nonce: nonce}, ""},
		{"another nonce", nil, expected{Nonce: nonce + "x"}, validator.CodeBinding},
		{"nothing expected", nil, expected{}, validator.CodeBinding},
		{"nothing expected, and no nonce", without, expected{}, validator.CodeBinding},
		{"an empty nonce", claims{"nonce": ""}, expected{}, validator.CodeBinding},
		{"nonce missing", without, expected{Nonce: nonce}, validator.CodeBinding},
		{"none sent", without, expected{InsecureNoNonce: true}, ""},
		{"none sent, and one there", nil, expected{InsecureNoNonce: true}, validator.CodeBinding},
		{"none sent, and an empty one there", claims{"nonce": ""}, expected{InsecureNoNonce: true}, validator.CodeBinding},
		{"contradiction", nil, expected{Nonce: nonce, InsecureNoNonce: true}, validator.CodeInternal},
		{"renewed", without, expected{Previous: previous}, ""},
		{"renewed with the nonce", nil, expected{Previous: previous}, ""},
		{"renewed with another nonce", claims{"nonce": "x"}, expected{Previous: previous}, validator.CodeBinding},
		{"renewed for another user", claims{"nonce": nil, "sub": "x"}, expected{Previous: previous}, validator.CodeBinding},
		{"renewed after another login", claims{"nonce": nil, "auth_time": start.Add(time.Second)}, expected{Previous: previous}, validator.CodeBinding},
		{"renewed after the same login", claims{"nonce": nil, "auth_time": start}, expected{Previous: previous}, ""},
		{"renewed with azp", claims{"nonce": nil, "azp": clientID}, expected{Previous: previous}, validator.CodeBinding},
		{"renewed, of nothing", without, expected{Previous: new(idtoken.Claims)}, validator.CodeBinding},
		{"renewed, with a nonce, of nothing", claims{"nonce": ""}, expected{Previous: new(idtoken.Claims)}, validator.CodeBinding},
		{"renewed in the browser", without, expected{Previous: previous, FromAuthorizationEndpoint: true}, validator.CodeInternal},
		{"renewed, and none sent", without, expected{Previous: previous, InsecureNoNonce: true}, validator.CodeInternal},
		{"negative age", nil, expected{Nonce: nonce, MaxAge: -1}, validator.CodeInternal},
		{"spaces around an organization", claims{"org_name": "a"}, expected{Nonce: nonce, Organization: " a"}, validator.CodeInternal},
	} {
		_, err := v.Verify(t.Context(), b.token(t, tt.claims), tt.expect)
		if got := validator.CodeOf(err); got != tt.want {
			t.Errorf("Verify(%s) code = %q, want %q (%v)", tt.name, got, tt.want, err)
		}
		if err != nil && strings.Contains(err.Error(), nonce) {
			t.Errorf("Verify(%s) error has the nonce: %v", tt.name, err)
		}
		if report := v.Explain(t.Context(), b.token(t, tt.claims), tt.expect); report.Code() != tt.want {
			t.Errorf("Explain(%s) code = %q, want %q\n%v", tt.name, report.Code(), tt.want, report)
		} else if strings.Contains(report.String(), nonce) {
			t.Errorf("Explain(%s) has the nonce:\n%v", tt.name, report)
		}
	}
}

// The claims of a session that was stored are enough to renew its tokens.
func TestClaimsReadBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.verifier(t)
	first, err := v.Verify(t.Context(), b.token(t, claims{"auth_time": start}), idtoken.Expected{Nonce: nonce})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var session idtoken.Claims
	if err := json.Unmarshal(stored, &session); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		sub  string
		want validator.Code
	}{{mockissuer.DefaultSubject, ""}, {"another", validator.CodeBinding}} {
		token := b.token(t, claims{"nonce": nil, "sub": tt.sub, "auth_time": start})
		if _, err := v.Verify(t.Context(), token, idtoken.Expected{Previous: &session}); validator.CodeOf(err) != tt.want {
			t.Errorf("Verify(sub %q) code = %q, want %q", tt.sub, validator.CodeOf(err), tt.want)
		}
	}
	if err := session.Decode(new(struct{})); validator.CodeOf(err) != validator.CodeClaim {
		t.Errorf("Decode() of claims that were read back: error = %v", err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  idtoken.Config
		want []string // in the error; none if it is good
	}{
		{"least", idtoken.Config{Issuers: []string{issuer}, ClientID: clientID}, nil},
		{"Auth0", idtoken.Auth0("tenant.eu.auth0.com", clientID), nil},
		{"empty", idtoken.Config{}, []string{"idtoken: Config.Issuers is empty", "idtoken: Config.ClientID is empty"}},
		{"space", idtoken.Config{Issuers: []string{issuer}, ClientID: "a "}, []string{"Config.ClientID"}},
		{"space in lists", idtoken.Config{Issuers: []string{issuer}, ClientID: "a", TrustedAudiences: []string{""}, AuthorizedParties: []string{" b"}},
			[]string{"Config.TrustedAudiences", "Config.AuthorizedParties"}},
		{"http", idtoken.Config{Issuers: []string{"http://a.example/"}, ClientID: "a"}, []string{"idtoken: Config.Issuers[0]", "Config.InsecureHTTP"}},
		{"trust domain", idtoken.Config{Issuers: []string{"spiffe://example.org"}, ClientID: "a", Secret: make([]byte, 32)}, []string{"Config.Issuers[0] is a SPIFFE"}},
		{"none", idtoken.Config{Issuers: []string{issuer}, ClientID: "a", Algorithms: []validator.Algorithm{"none"}}, []string{`"none" is not known`}},
		{"HS256 without a secret", idtoken.Config{Issuers: []string{issuer}, ClientID: "a", Algorithms: []validator.Algorithm{"HS256"}}, []string{"Config.Secret"}},
		{"short secret", idtoken.Config{Issuers: []string{issuer}, ClientID: "a", Secret: make([]byte, 31)}, []string{"Config.Secret has 31 bytes"}},
		{"leeway", idtoken.Config{Issuers: []string{issuer}, ClientID: "a", Leeway: 6 * time.Minute}, []string{"Config.Leeway"}},
	} {
		v, err := idtoken.New(tt.cfg)
		if (err == nil) != (len(tt.want) == 0) || (v == nil) == (err == nil) {
			t.Errorf("New(%s) = %v, %v", tt.name, v, err)
		}
		for _, text := range tt.want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("New(%s) error = %v, want %q in it", tt.name, err, text)
			}
		}
	}
}

// A Config is copied. What the caller changes later must not count.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	trusted := []string{"api"}
	v := b.verifier(t, func(cfg *idtoken.Config) { cfg.TrustedAudiences = trusted })
	trusted[0] = "evil"
	for aud, want := range map[string]validator.Code{"api": "", "evil": validator.CodeAudience} {
		token := b.token(t, claims{"aud": []string{clientID, aud}, "azp": clientID})
		if _, err := v.Verify(t.Context(), token, idtoken.Expected{Nonce: nonce}); validator.CodeOf(err) != want {
			t.Errorf("Verify(aud %s) code = %q, want %q", aud, validator.CodeOf(err), want)
		}
	}
}

type keysFunc func(ctx context.Context) ([]jwks.Key, error)

func (f keysFunc) Keys(ctx context.Context, _ string) ([]jwks.Key, error) { return f(ctx) }

// An outage, a request that has ended and a clock that fails say nothing of the
// token.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	asked := 0
	for _, tt := range []struct {
		name string
		edit func(*idtoken.Config)
		code validator.Code
	}{
		{"outage", func(c *idtoken.Config) {
			c.Keys = keysFunc(func(context.Context) ([]jwks.Key, error) { return nil, errors.New("down") })
		}, validator.CodeUnavailable},
		{"ended", func(c *idtoken.Config) {
			c.Keys = keysFunc(func(ctx context.Context) ([]jwks.Key, error) { return nil, ctx.Err() })
		}, validator.CodeUnavailable},
		{"zero time", func(c *idtoken.Config) { c.Now = func() time.Time { return time.Time{} } }, validator.CodeUnavailable},
		{"panic in Now", func(c *idtoken.Config) { c.Now = func() time.Time { panic("secret") } }, validator.CodeInternal},
		{"panic in Keys", func(c *idtoken.Config) {
			c.Keys = keysFunc(func(context.Context) ([]jwks.Key, error) { panic("secret") })
		}, validator.CodeInternal},
	} {
		v := b.verifier(t, tt.edit)
		_, err := v.Verify(ended, b.token(t, nil), idtoken.Expected{Nonce: nonce})
		if got := validator.CodeOf(err); got != tt.code || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("Verify(%s) error = %v, want code %q", tt.name, err, tt.code)
		}
	}

	// A token of another login must not cause a fetch of keys.
	counting := b.verifier(t, func(c *idtoken.Config) {
		c.Keys = keysFunc(func(context.Context) ([]jwks.Key, error) { asked++; return nil, errors.New("down") })
	})
	for _, changes := range []claims{{"nonce": "x"}, {"aud": "x"}, {"azp": "x"}, {"exp": start.Add(-time.Hour)}, {"sub": ""}, {"scope": "x"}} {
		_, err := counting.Verify(t.Context(), b.token(t, changes), idtoken.Expected{Nonce: nonce})
		if err == nil || asked > 0 {
			t.Errorf("Verify(%v) error = %v, keys asked for %d times, want 0", changes, err, asked)
		}
	}
	if _, err := counting.Verify(t.Context(), b.token(t, nil), idtoken.Expected{Nonce: nonce}); asked != 1 {
		t.Errorf("Verify() error = %v, keys asked for %d times, want 1", err, asked)
	}
}

func TestZero(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := new(idtoken.Verifier).Verify(t.Context(), b.token(t, nil), idtoken.Expected{Nonce: nonce})
	if got := validator.CodeOf(err); got != validator.CodeUnavailable {
		t.Errorf("Verifier{}.Verify() code = %q, want %q", got, validator.CodeUnavailable)
	}
	if got := new(idtoken.Verifier).Explain(t.Context(), "", idtoken.Expected{}).Code(); got != validator.CodeUnavailable {
		t.Errorf("Verifier{}.Explain() code = %q, want %q", got, validator.CodeUnavailable)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.verifier(t)
	outcomes := func(r validator.Report) string {
		var text []string
		for _, s := range r.Steps {
			text = append(text, s.Name+" "+map[validator.Outcome]string{
				validator.Passed: "+", validator.Failed: "FAILED", validator.NotReached: "-",
			}[s.Outcome])
		}
		return strings.Join(text, ", ")
	}
	for _, tt := range []struct{ name, token, want string }{
		{"good", b.token(t, nil), "form +, alg +, claims +, typ +, iss +, aud +, exp +, sub +, nonce +, kid +, signature +, nbf +, iat +, " +
			"age +, auth_time +, acr +, at_hash +, c_hash +, organization +, previous +"},
		{"nonce", b.token(t, claims{"nonce": "x"}), "form +, alg +, claims +, typ +, iss +, aud +, exp +, sub +, nonce FAILED, kid -, signature -, nbf -, iat -, " +
			"age -, auth_time -, acr -, at_hash -, c_hash -, organization -, previous -"},
		{"signature", b.token(t, nil)[:200], "form FAILED, alg -, claims -, typ -, iss -, aud -, exp -, sub -, nonce -, kid -, signature -, nbf -, iat -, " +
			"age -, auth_time -, acr -, at_hash -, c_hash -, organization -, previous -"},
		{"at_hash", b.token(t, claims{"at_hash": leftHash("x")}), "form +, alg +, claims +, typ +, iss +, aud +, exp +, sub +, nonce +, kid +, signature +, nbf +, iat +, " +
			"age +, auth_time +, acr +, at_hash FAILED, c_hash -, organization -, previous -"},
	} {
		got := outcomes(v.Explain(t.Context(), tt.token, idtoken.Expected{Nonce: nonce, AccessToken: "at"}))
		if got != tt.want {
			t.Errorf("Explain(%s) = %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
