package validator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	now := t0.Unix()
	good := token(nil, nil)
	for _, tt := range []struct {
		name   string
		token  string
		want   validator.Code // "" to accept
		change func(*validator.Config)
	}{
		{name: "good", token: good},

		{name: "empty", token: "", want: validator.CodeMalformed},
		{name: "opaque", token: "xyz", want: validator.CodeMalformed},
		{name: "encrypted", token: "a.b.c.d.e", want: validator.CodeMalformed},
		{name: "no signature", token: good[:strings.LastIndex(good, ".")+1], want: validator.CodeMalformed},
		{name: "line break", token: good[:9] + "\n" + good[9:], want: validator.CodeMalformed},
		{name: "padding", token: good + "=", want: validator.CodeMalformed},
		{name: "space around", token: " " + good, want: validator.CodeMalformed},
		{name: "at the size limit", token: good, change: func(c *validator.Config) { c.MaxTokenSize = len(good) }},
		{name: "over the size limit", token: good, want: validator.CodeMalformed,
			change: func(c *validator.Config) { c.MaxTokenSize = len(good) - 1 }},
		{name: "crit", token: token(object{"crit": []string{"exp"}}, nil), want: validator.CodeMalformed},
		{name: "empty crit", token: token(object{"crit": []string{}}, nil), want: validator.CodeMalformed},
		{name: "b64 false", token: token(object{"b64": false}, nil), want: validator.CodeMalformed},
		{name: "b64 true", token: token(object{"b64": true}, nil)},
		{name: "kid a number", token: token(object{"kid": 1}, nil), want: validator.CodeMalformed},
		{name: "claims not an object", token: signed(`{"alg":"EdDSA","kid":"k1"}`, `[]`), want: validator.CodeMalformed},
		{name: "duplicate claim", token: signed(`{"alg":"EdDSA","kid":"k1"}`, `{"a":1,"a":1}`), want: validator.CodeMalformed},

		{name: "alg none", token: token(object{"alg": "none"}, nil), want: validator.CodeAlgorithm},
		{name: "alg missing", token: token(object{"alg": nil}, nil), want: validator.CodeAlgorithm},
		{name: "alg a number", token: token(object{"alg": 1}, nil), want: validator.CodeAlgorithm},
		{name: "alg in other case", token: token(object{"alg": "eddsa"}, nil), want: validator.CodeAlgorithm},
		{name: "alg HS256", token: token(object{"alg": "HS256"}, nil), want: validator.CodeAlgorithm},
		{name: "alg allowed, not the key's", token: token(object{"alg": "RS256"}, nil), want: validator.CodeAlgorithm,
			change: func(c *validator.Config) { c.Algorithms = []validator.Algorithm{validator.RS256, validator.EdDSA} }},
		{name: "alg not the one that the key set names", token: good, want: validator.CodeAlgorithm,
			change: func(c *validator.Config) {
				c.Keys = jwks.Set{{ID: kid, Algorithm: "ES256", Public: key.Public()}}
			}},

		{name: "typ absent", token: token(object{"typ": nil}, nil)},
		{name: "typ at+jwt", token: token(object{"typ": "at+jwt"}, nil)},
		{name: "typ Application/AT+JWT", token: token(object{"typ": "Application/AT+JWT"}, nil)},
		{name: "typ application/", token: token(object{"typ": "application/"}, nil), want: validator.CodeType},
		{name: "typ empty", token: token(object{"typ": ""}, nil), want: validator.CodeType},
		{name: "typ dpop+jwt", token: token(object{"typ": "dpop+jwt"}, nil), want: validator.CodeType},
		{name: "typ dpop+jwt, unchecked", token: token(object{"typ": "dpop+jwt"}, nil),
			change: func(c *validator.Config) { c.InsecureSkipTypeCheck = true }},
		{name: "nonce alone", token: token(nil, object{"nonce": "n"})},
		{name: "at_hash alone", token: token(nil, object{"at_hash": "n"}), want: validator.CodeType},
		{name: "nonce and at_hash", token: token(nil, object{"nonce": "n", "at_hash": "h"}), want: validator.CodeType},
		{name: "nonce and c_hash", token: token(nil, object{"nonce": "n", "c_hash": "h"}), want: validator.CodeType},
		{name: "ID token, unchecked", token: token(nil, object{"nonce": "n", "at_hash": "h"}),
			change: func(c *validator.Config) { c.InsecureSkipTypeCheck = true }},
		{name: "events", token: token(nil, object{"events": object{}}), want: validator.CodeType},
		{name: "token_introspection", token: token(nil, object{"token_introspection": object{}}), want: validator.CodeType},
		{name: "response_type", token: token(nil, object{"response_type": "code"}), want: validator.CodeType},
		{name: "claim typ Bearer", token: token(nil, object{"typ": "Bearer"})},
		{name: "claim typ Refresh", token: token(nil, object{"typ": "Refresh"}), want: validator.CodeType},
		{name: "token_use access", token: token(nil, object{"token_use": "access"})},
		{name: "token_use id", token: token(nil, object{"token_use": "id"}), want: validator.CodeType},

		{name: "RFC 9068 whole", token: token(object{"typ": "at+jwt"}, object{"client_id": "c", "jti": "j"}), change: rfc9068},
		{name: "RFC 9068, typ JWT", token: token(nil, object{"client_id": "c", "jti": "j"}), want: validator.CodeType, change: rfc9068},
		{name: "RFC 9068, azp for client_id", token: token(object{"typ": "at+jwt"}, object{"azp": "c", "jti": "j"}),
			want: validator.CodeClaim, change: rfc9068},
		{name: "RFC 9068 without jti", token: token(object{"typ": "at+jwt"}, object{"client_id": "c"}),
			want: validator.CodeClaim, change: rfc9068},
		{name: "RFC 9068 without iat", token: token(object{"typ": "at+jwt"}, object{"client_id": "c", "jti": "j", "iat": nil}),
			want: validator.CodeClaim, change: rfc9068},

		{name: "iss missing", token: token(nil, object{"iss": nil}), want: validator.CodeIssuer},
		{name: "iss without the slash", token: token(nil, object{"iss": issuer[:len(issuer)-1]}), want: validator.CodeIssuer},
		{name: "iss an array", token: token(nil, object{"iss": []string{issuer}}), want: validator.CodeClaim},
		{name: "iss the custom domain", token: token(nil, object{"iss": "https://login.example.com/"}),
			change: func(c *validator.Config) { c.Issuers = append(c.Issuers, "https://login.example.com/") }},
		{name: "ISS", token: token(nil, object{"iss": nil, "ISS": issuer}), want: validator.CodeIssuer},

		{name: "aud missing", token: token(nil, object{"aud": nil}), want: validator.CodeAudience},
		{name: "aud another", token: token(nil, object{"aud": audience + "/"}), want: validator.CodeAudience},
		{name: "aud one of several", token: token(nil, object{"aud": []string{"x", audience}})},
		{name: "aud none of several", token: token(nil, object{"aud": []string{"x", "y"}}), want: validator.CodeAudience},
		{name: "aud empty array", token: token(nil, object{"aud": []string{}}), want: validator.CodeClaim},
		{name: "aud with a number", token: token(nil, object{"aud": []any{audience, 1}}), want: validator.CodeClaim},
		{name: "aud an object", token: token(nil, object{"aud": object{audience: true}}), want: validator.CodeClaim},

		{name: "exp missing", token: token(nil, object{"exp": nil}), want: validator.CodeClaim},
		{name: "exp a string", token: token(nil, object{"exp": "1700003600"}), want: validator.CodeClaim},
		{name: "exp in milliseconds", token: token(nil, object{"exp": now * 1000}), want: validator.CodeClaim},
		{name: "at exp and leeway", token: token(nil, object{"exp": now - 30}), want: validator.CodeExpired},
		{name: "a second before", token: token(nil, object{"exp": now - 29})},
		{name: "a fraction before", token: token(nil, object{"exp": float64(now) - 29.75})},
		{name: "at exp, no leeway", token: token(nil, object{"exp": now}), want: validator.CodeExpired, change: noLeeway},
		{name: "a second before, no leeway", token: token(nil, object{"exp": now + 1}), change: noLeeway},
		{name: "at nbf and leeway", token: token(nil, object{"nbf": now + 30})},
		{name: "a second before nbf", token: token(nil, object{"nbf": now + 31}), want: validator.CodeNotYetValid},
		{name: "at iat and leeway", token: token(nil, object{"iat": now + 30})},
		{name: "a second before iat", token: token(nil, object{"iat": now + 31}), want: validator.CodeNotYetValid},
		{name: "iat missing", token: token(nil, object{"iat": nil})},
		{name: "nbf null", token: signed(`{"alg":"EdDSA","kid":"k1"}`,
			fmt.Sprintf(`{"iss":%q,"aud":%q,"exp":%d,"nbf":null}`, issuer, audience, now+60)), want: validator.CodeClaim},

		{name: "gty of two grants", token: token(nil, object{"gty": []string{"refresh_token", "password"}})},
		{name: "gty with a number", token: token(nil, object{"gty": []any{"password", 1}})},
		{name: "bound, and not yet valid", token: token(nil, object{"cnf": object{}, "nbf": now + 31}), want: validator.CodeNotYetValid},
		{name: "sub a number", token: token(nil, object{"sub": 1}), want: validator.CodeClaim},
		{name: "org_id an array", token: token(nil, object{"org_id": []string{"org_a"}})},
		{name: "client_id and azp agree", token: token(nil, object{"client_id": "c", "azp": "c"})},
		{name: "client_id and azp differ", token: token(nil, object{"client_id": "c", "azp": "d"})},
		{name: "scp a number beside scope", token: token(nil, object{"scope": "a", "scp": 1})},
		{name: "permissions a string", token: token(nil, object{"permissions": "a b"})},

		{name: "unknown kid", token: token(object{"kid": "k2"}, nil), want: validator.CodeUnknownKey},
		{name: "no kid", token: token(object{"kid": nil}, nil)},
		{name: "no kid, five keys, ours the fourth", token: token(object{"kid": nil}, nil),
			change: func(c *validator.Config) { c.Keys = decoys(3, true) }},
		{name: "no kid, five keys, ours the fifth", token: token(object{"kid": nil}, nil), want: validator.CodeSignature,
			change: func(c *validator.Config) { c.Keys = decoys(4, true) }},
		{name: "signature changed", token: good[:len(good)-8] + "AAAAAAAA", want: validator.CodeSignature},
		{name: "signature short", token: good[:len(good)-6], want: validator.CodeSignature},
		{name: "signature very long", token: good + strings.Repeat("AAAA", 400), want: validator.CodeSignature},
		{name: "claims changed", token: swapPayload(good, token(nil, object{"sub": "root"})), want: validator.CodeSignature},

		{name: "cnf not proven", token: token(nil, object{"cnf": object{"jkt": strings.Repeat("A", 43)}}), want: validator.CodeBinding},
		{name: "cnf null", token: signed(`{"alg":"EdDSA","kid":"k1"}`,
			fmt.Sprintf(`{"iss":%q,"aud":%q,"exp":%d,"cnf":null}`, issuer, audience, now+60)), want: validator.CodeBinding},
		{name: "cnf empty", token: token(nil, object{"cnf": object{}}), want: validator.CodeBinding},
		{name: "a Check refuses", token: good, want: validator.CodeRefused, change: func(c *validator.Config) {
			c.Checks = []validator.Check{func(context.Context, *validator.Claims) error { return errors.New("no") }}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newValidator(t, tt.change)
			claims, err := v.Validate(t.Context(), tt.token)
			if got := validator.CodeOf(err); got != tt.want {
				t.Errorf("Validate() error = %v, want code %q", err, tt.want)
			}
			if (claims == nil) != (err != nil) {
				t.Errorf("Validate() = %v, %v", claims, err)
			}
			checkReport(t, v.Explain(t.Context(), tt.token), err)
		})
	}
}

// checkReport checks that a report agrees with Validate's error.
func checkReport(t *testing.T, report validator.Report, err error) {
	t.Helper()
	if report.Code() != validator.CodeOf(err) || fmt.Sprint(report.Err) != fmt.Sprint(err) {
		t.Errorf("Explain() error = %v, want Validate's %v", report.Err, err)
	}
	outcome := validator.Passed
	for _, step := range report.Steps {
		want := outcome
		if step.Outcome == validator.Failed && outcome == validator.Passed && err != nil {
			want, outcome = validator.Failed, validator.NotReached
		}
		if step.Outcome != want || step.Want == "" {
			t.Errorf("Explain() step %q = %+v, want it %s", step.Name, step, want)
		}
	}
	if (outcome == validator.Passed) != (err == nil) {
		t.Errorf("Explain() has no failed step for %v", err)
	}
}

func rfc9068(c *validator.Config)  { c.RequireRFC9068 = true }
func noLeeway(c *validator.Config) { c.Leeway = -1 }

// decoys returns n other keys and then, if ours is wanted, the right one and
// one more.
func decoys(n int, ours bool) jwks.Set {
	var set jwks.Set
	for i := range n {
		set = append(set, jwks.Key{ID: fmt.Sprint(i), Public: otherKey(byte(i))})
	}
	if ours {
		set = append(set, jwks.Key{ID: kid, Public: key.Public()})
	}
	return append(set, jwks.Key{ID: "last", Public: otherKey(99)})
}

func swapPayload(token, other string) string {
	a, b := strings.Split(token, "."), strings.Split(other, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

func TestValidate_claims(t *testing.T) {
	t.Parallel()
	got, err := newValidator(t, nil).Validate(t.Context(), token(nil, object{
		"aud": []string{audience, issuer + "userinfo"}, "jti": "id", "azp": "client", "gty": "client-credentials",
		"org_id": "org_a", "org_name": "a", "scope": "read:a  write:a", "permissions": []string{"p", "q", "r", "s"},
		"nbf": t0.Unix() - 1,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := &validator.Claims{
		Issuer: issuer, Subject: "user", ID: "id", ClientID: "client", AuthorizedParty: "client", OrgID: "org_a", OrgName: "a",
		GrantType: "client-credentials",
		Audience:  []string{audience, issuer + "userinfo"}, Scopes: []string{"read:a", "write:a"},
		Permissions: []string{"p", "q", "r", "s"},
		ExpiresAt:   t0.Add(time.Hour), NotBefore: t0.Add(-time.Second), IssuedAt: t0,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(validator.Claims{})); diff != "" {
		t.Errorf("Validate() claims (-want +got):\n%s", diff)
	}
	if !got.HasScope("write:a") || got.HasScope("write") || got.HasScope("") {
		t.Error("HasScope() is wrong")
	}
	if !got.HasPermission("s") || got.HasPermission("read:a") {
		t.Error("HasPermission() is wrong")
	}
}

func TestValidate_scopes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		claims object
		want   []string
	}{
		{"scope", object{"scope": "a b"}, []string{"a", "b"}},
		{"scp as a string", object{"scp": "a b"}, []string{"a", "b"}},
		{"scp as an array", object{"scp": []string{"a", "b"}}, []string{"a", "b"}},
		{"scope before scp", object{"scope": "a", "scp": "b"}, []string{"a"}},
		{"tab is no separator", object{"scope": "a\tb"}, []string{"a\tb"}},
		{"empty", object{"scope": ""}, nil},
	} {
		got, err := newValidator(t, nil).Validate(t.Context(), token(nil, tt.claims))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got.Scopes, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Scopes of %s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestValidate_confirmed(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("A", 43), strings.Repeat("A", 42)+"E"
	for _, tt := range []struct {
		name   string
		cnf    any
		proven validator.Confirmation
		want   validator.Code
	}{
		{"the key", object{"jkt": a}, validator.Confirmation{JKT: a}, ""},
		{"another key", object{"jkt": a}, validator.Confirmation{JKT: b}, validator.CodeBinding},
		{"a certificate in place of the key", object{"jkt": a}, validator.Confirmation{X5TS256: a}, validator.CodeBinding},
		{"the certificate", object{"x5t#S256": a}, validator.Confirmation{X5TS256: a}, ""},
		{"one of two", object{"x5t#S256": a, "jkt": b}, validator.Confirmation{X5TS256: a}, validator.CodeBinding},
		{"both", object{"x5t#S256": a, "jkt": b}, validator.Confirmation{X5TS256: a, JKT: b}, ""},
		{"an unknown kind beside", object{"jkt": a, "jwk": object{}}, validator.Confirmation{JKT: a}, validator.CodeBinding},
		{"short", object{"jkt": a[:40]}, validator.Confirmation{JKT: a[:40]}, validator.CodeBinding},
		{"no binding", nil, validator.Confirmation{JKT: a}, ""},
	} {
		ctx := validator.ContextWithConfirmation(t.Context(), tt.proven)
		claims, err := newValidator(t, nil).Validate(ctx, token(nil, object{"cnf": tt.cnf}))
		if got := validator.CodeOf(err); got != tt.want {
			t.Errorf("Validate(%s) error = %v, want code %q", tt.name, err, tt.want)
		}
		if err == nil && (claims.Confirmation != nil) != (tt.cnf != nil) {
			t.Errorf("Validate(%s) Confirmation = %v", tt.name, claims.Confirmation)
		}
	}
}

// sourceFunc is a KeySource.
type sourceFunc func(ctx context.Context, kid string) ([]jwks.Key, error)

func (f sourceFunc) Keys(ctx context.Context, kid string) ([]jwks.Key, error) { return f(ctx, kid) }

func TestValidate_keysUnavailable(t *testing.T) {
	t.Parallel()
	cause := errors.New("down")
	v := newValidator(t, func(c *validator.Config) {
		c.Keys = sourceFunc(func(ctx context.Context, _ string) ([]jwks.Key, error) {
			return nil, errors.Join(cause, ctx.Err())
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.Validate(ctx, token(nil, nil))
	if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
		t.Errorf("Validate() error = %v, want unavailable with its causes", err)
	}
}

func TestValidate_noFetchForOthersTokens(t *testing.T) {
	t.Parallel()
	asked := 0
	v := newValidator(t, func(c *validator.Config) {
		c.Keys = sourceFunc(func(context.Context, string) ([]jwks.Key, error) { asked++; return nil, nil })
	})
	for _, bad := range []string{
		token(object{"alg": "RS256"}, nil),
		token(object{"typ": "secevent+jwt"}, nil),
		token(nil, object{"iss": "https://other/"}),
		token(nil, object{"aud": "other"}),
		token(nil, object{"exp": t0.Unix() - 3600}),
		"x.y.z",
	} {
		if _, err := v.Validate(t.Context(), bad); err == nil || asked != 0 {
			t.Errorf("Validate() error = %v, keys asked for %d times, want 0", err, asked)
		}
	}
	if _, _ = v.Validate(t.Context(), token(nil, nil)); asked != 1 {
		t.Errorf("keys asked for %d times by a token for us, want 1", asked)
	}
}

// A key that no key set would let through must not be used, nor make anything
// panic.
func TestValidate_unusableKeys(t *testing.T) {
	t.Parallel()
	for name, bad := range unusableKeys() {
		v := newValidator(t, func(c *validator.Config) {
			c.Keys = jwks.Set{{ID: kid, Public: bad}}
			c.Algorithms = []validator.Algorithm{"RS256", "PS256", "ES256", "ES384", "EdDSA"}
		})
		for _, alg := range []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"} {
			_, err := v.Validate(t.Context(), token(object{"alg": alg}, nil))
			if got := validator.CodeOf(err); got != validator.CodeAlgorithm {
				t.Errorf("Validate(%s with %s) error = %v, want %s", alg, name, err, validator.CodeAlgorithm)
			}
		}
	}
}

func TestError_ofToken(t *testing.T) {
	t.Parallel()
	_, err := newValidator(t, nil).Validate(t.Context(), token(object{"kid": "k2"}, nil))
	var e *validator.Error
	if !errors.As(err, &e) || e.Issuer != issuer || e.KeyID != "k2" {
		t.Errorf("Validate() error = %#v, want issuer and kid in it", err)
	}
}

func TestValidator_Issuers(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) { c.Issuers = append(c.Issuers, otherIssuer) })
	got := v.Issuers()
	if want := []string{issuer, otherIssuer}; !slices.Equal(got, want) {
		t.Errorf("Issuers() = %q, want %q", got, want)
	}
	got[1] = "https://changed.example/"
	if _, err := v.Validate(t.Context(), token(nil, object{"iss": otherIssuer})); err != nil {
		t.Errorf("Validate() after the result of Issuers() was changed: %v", err)
	}
}
