package testutil

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// An adapterRow is a request to a guarded handler, and the response that is
// expected.
type adapterRow struct {
	name          string
	cfg           middleware.Config
	keys          validator.KeySource // nil: the one that knows the keys
	checks        []validator.Check
	query         string
	authorization []string // "%s" is the token; nil for no field
	header        Claims
	claims        Claims
	forged        bool

	status    int            // 0: it is accepted
	reason    validator.Code // "": the first part of the name
	challenge string
	retry     string
	anonymous bool // accepted without claims
	checked   int  // how many checks are run
}

// adapterTime is the time of the suite's clock.
var adapterTime = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func adapterRows() []adapterRow {
	var (
		bearer   = []string{"Bearer %s"}
		realm    = middleware.Config{Realm: `the "orders"`, ResourceMetadata: "https://api.example.com/meta"}
		optional = middleware.Config{Optional: true}

		noToken  = `Bearer`
		badToken = `Bearer error="invalid_token"`
		badReq   = `Bearer error="invalid_request"`
		noScope  = `Bearer error="insufficient_scope"`

		scope  = []validator.Check{validator.Scopes("orders:read", "orders:write")}
		org    = []validator.Check{validator.Organization("org_1")}
		ok     = func(context.Context, *validator.Claims) error { return nil }
		no     = func(context.Context, *validator.Claims) error { return errors.New(secretCause) }
		broken = func(context.Context, *validator.Claims) error { panic(secretCause) }
		stepUp = func(context.Context, *validator.Claims) error {
			return &validator.Error{Code: validator.CodeAuthentication, ACRValues: []string{"urn:mfa"}, MaxAge: time.Minute}
		}
		at = func(d time.Duration) time.Time { return adapterTime.Add(d) }
	)
	return []adapterRow{
		{name: "accepted", authorization: bearer},
		{name: "accepted/lower case", authorization: []string{"bearer %s"}},
		{name: "accepted/checks", authorization: bearer, checks: []validator.Check{ok, ok, ok}, checked: 3},
		{name: "accepted/at+jwt", authorization: bearer, header: Claims{"typ": "at+jwt"}},
		{name: "accepted/no typ", authorization: bearer, header: Claims{"typ": nil}},

		{name: "token_missing", status: 401, challenge: noToken},
		{name: "token_missing/empty", authorization: []string{""}, status: 401, challenge: noToken},
		{name: "token_missing/another scheme", authorization: []string{"Basic dTpw"}, status: 401, challenge: noToken},
		{name: "token_missing/in the query", query: "?access_token=a.b.c", status: 401, challenge: noToken},
		{name: "token_missing/checks", checks: []validator.Check{ok}, status: 401, challenge: noToken},
		{name: "token_missing/realm", cfg: realm, status: 401, challenge: `Bearer realm="the \"orders\"", resource_metadata="https://api.example.com/meta"`},

		{name: "invalid_request/two fields", authorization: []string{"Bearer %s", "Bearer %s"}, status: 400, challenge: badReq},
		{name: "invalid_request/two schemes", authorization: []string{"Basic dTpw", "Bearer %s"}, status: 400, challenge: badReq},
		{name: "invalid_request/no token", authorization: []string{"Bearer"}, status: 400, challenge: badReq},
		{name: "invalid_request/a list", authorization: []string{"Bearer %s,%s"}, status: 400, challenge: badReq},
		{name: "invalid_request/two ways", query: "?access_token=a.b.c", authorization: bearer, status: 400, challenge: badReq},
		{name: "invalid_request/realm", cfg: realm, authorization: []string{"Bearer"}, status: 400, challenge: `Bearer realm="the \"orders\"", error="invalid_request", resource_metadata="https://api.example.com/meta"`},

		{name: "token_malformed/opaque", authorization: []string{"Bearer opaque"}, status: 401, challenge: badToken},
		{name: "token_malformed/encrypted", authorization: []string{"Bearer a.b.c.d.e"}, status: 401, challenge: badToken},
		{name: "token_malformed/padded", authorization: []string{"Bearer %s="}, status: 401, challenge: badToken},
		{name: "token_malformed/crit", authorization: bearer, header: Claims{"crit": []string{"exp"}}, status: 401, challenge: badToken},
		{name: "token_malformed/too large", authorization: bearer, claims: Claims{"x": strings.Repeat("x", validator.DefaultMaxTokenSize)}, status: 401, challenge: badToken},
		{name: "algorithm_not_allowed/none", authorization: bearer, header: Claims{"alg": "none"}, status: 401, challenge: badToken},
		{name: "algorithm_not_allowed/another", authorization: bearer, header: Claims{"alg": "RS256"}, status: 401, challenge: badToken},
		{name: "unknown_key", authorization: bearer, header: Claims{"kid": "another"}, status: 401, challenge: badToken},
		{name: "invalid_signature", authorization: bearer, forged: true, status: 401, challenge: badToken},
		{name: "wrong_issuer", authorization: bearer, claims: Claims{"iss": "https://issuer.example"}, status: 401, challenge: badToken},
		{name: "wrong_audience", authorization: bearer, claims: Claims{"aud": "https://api.example.com/"}, status: 401, challenge: badToken},
		{name: "wrong_audience/accepted among others", authorization: bearer, claims: Claims{"aud": []string{"https://issuer.example/userinfo", "https://api.example.com"}}},
		{name: "wrong_type", authorization: bearer, header: Claims{"typ": "dpop+jwt"}, status: 401, challenge: badToken},
		{name: "token_expired", authorization: bearer, claims: Claims{"exp": at(-30 * time.Second)}, status: 401, challenge: badToken},
		{name: "token_expired/accepted a second before", authorization: bearer, claims: Claims{"exp": at(-29 * time.Second)}},
		{name: "token_not_yet_valid", authorization: bearer, claims: Claims{"nbf": at(31 * time.Second)}, status: 401, challenge: badToken},
		{name: "token_not_yet_valid/accepted a second after", authorization: bearer, claims: Claims{"nbf": at(30 * time.Second)}},
		{name: "invalid_claim", authorization: bearer, claims: Claims{"sub": 7}, status: 401, challenge: badToken},
		{name: "invalid_claim/no exp", authorization: bearer, claims: Claims{"exp": nil}, status: 401, challenge: badToken},
		{name: "invalid_claim/realm", cfg: realm, authorization: bearer, claims: Claims{"sub": 7}, status: 401, challenge: `Bearer realm="the \"orders\"", error="invalid_token", resource_metadata="https://api.example.com/meta"`},
		{name: "wrong_organization", authorization: bearer, checks: org, claims: Claims{"org_id": "org_2"}, checked: 1, status: 401, challenge: badToken},
		{name: "wrong_organization/accepted", authorization: bearer, checks: org, claims: Claims{"org_id": "org_1"}, checked: 1},
		{name: "binding_mismatch", authorization: bearer, claims: Claims{"cnf": Claims{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, status: 401, challenge: badToken},
		{name: "binding_mismatch/unknown kind", authorization: bearer, claims: Claims{"cnf": Claims{"kid": "1"}}, status: 401, challenge: badToken},

		{name: "insufficient_user_authentication", authorization: bearer, checks: []validator.Check{stepUp}, checked: 1, status: 401, challenge: `Bearer error="insufficient_user_authentication", acr_values="urn:mfa", max_age="60"`},
		{name: "insufficient_scope", authorization: bearer, checks: scope, claims: Claims{"scope": "orders:read"}, checked: 1, status: 403, challenge: noScope + `, scope="orders:read orders:write"`},
		{name: "insufficient_scope/accepted", authorization: bearer, checks: scope, claims: Claims{"scope": "orders:write orders:read x"}, checked: 1},
		{name: "insufficient_scope/realm", cfg: realm, authorization: bearer, checks: scope, checked: 1, status: 403, challenge: `Bearer realm="the \"orders\"", error="insufficient_scope", scope="orders:read orders:write", resource_metadata="https://api.example.com/meta"`},
		{name: "refused", authorization: bearer, checks: []validator.Check{no}, checked: 1, status: 403},
		{name: "refused/by the first of two", authorization: bearer, checks: []validator.Check{no, ok}, checked: 1, status: 403},
		{name: "refused/by the last of three", authorization: bearer, checks: []validator.Check{ok, ok, no}, checked: 3, status: 403},

		{name: "unavailable", authorization: bearer, keys: outage{}, status: 503, retry: "5"},
		{name: "unavailable/with a time", authorization: bearer, keys: outage{&waitError{7 * time.Second}}, status: 503, retry: "7"},
		{name: "unavailable/optional", cfg: optional, authorization: bearer, keys: outage{}, status: 503, retry: "5"},
		{name: "a check that panics", authorization: bearer, checks: []validator.Check{broken, ok}, checked: 1, status: 500, reason: validator.CodeInternal},
		{
			name: "a Token function that panics", authorization: bearer, status: 500, reason: validator.CodeInternal,
			cfg: middleware.Config{Optional: true, Token: func(*http.Request) (string, error) { panic(secretCause) }},
		},
		{
			name: "a Token function that finds one elsewhere", authorization: bearer, status: 401, challenge: badToken, reason: validator.CodeMalformed,
			cfg: middleware.Config{Token: func(r *http.Request) (string, error) { return r.Header.Get("X-Test"), nil }},
		},

		{name: "optional/no token", cfg: optional, anonymous: true},
		{name: "optional/another scheme", cfg: optional, authorization: []string{"Basic dTpw"}, anonymous: true},
		{name: "optional/a good token", cfg: optional, authorization: bearer},
		{name: "optional/a bad token", cfg: optional, authorization: bearer, forged: true, status: 401, challenge: badToken, reason: validator.CodeSignature},
		{name: "optional/bad credentials", cfg: optional, authorization: []string{"Bearer"}, status: 400, challenge: badReq, reason: validator.CodeRequest},
		{name: "optional/no token for a check", cfg: optional, checks: []validator.Check{ok}, status: 401, challenge: noToken, reason: validator.CodeMissing},
		{name: "optional/a good token for a check", cfg: optional, checks: []validator.Check{ok}, checked: 1, authorization: bearer},
	}
}

// code returns the code that the row is named for, if it is rejected with one.
func (row adapterRow) code() string {
	switch code, _, _ := strings.Cut(row.name, "/"); {
	case row.status == 0:
		return ""
	case row.reason != "":
		return string(row.reason)
	default:
		return code
	}
}

const adapterSubject = "auth0|anna"

func (row adapterRow) test(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()

	token, err := tokens.token(row.header, row.claims, row.forged)
	if err != nil {
		t.Errorf("token: %v", err)
		return
	}
	cfg := row.cfg
	if cfg.Validator, err = tokens.validator(row.keys); err != nil {
		t.Errorf("validator.New() error = %v", err)
		return
	}
	run := newAdapterRun(t, m, cfg, row.checks)
	if run == nil {
		return
	}

	target := "/orders/7" + row.query
	res := run.send(http.MethodGet, target, row.authorization, token)
	switch {
	case row.status != 0:
		run.refused(res, row.status, list(row.challenge), row.retry)
	case row.anonymous:
		run.accepted(res, http.MethodGet, target, "-")
	default:
		run.accepted(res, http.MethodGet, target, adapterSubject)
	}
	run.secrets(res, token)
	run.checks(row.checked)
	run.coded(row.code())
	run.observed(row.event(m))
}

// adapterTokens makes tokens, and Validators that accept them.
type adapterTokens struct{ key, forger *signingKey }

func newAdapterTokens() (*adapterTokens, error) {
	key, err := newSigningKey("k1")
	if err != nil {
		return nil, err
	}
	forger, err := newSigningKey("k1")
	return &adapterTokens{key, forger}, err
}

func (a *adapterTokens) token(header, claims Claims, forged bool) (string, error) {
	all := Claims{"sub": adapterSubject, "secret": secretClaim}
	maps.Copy(all, claims)
	key := a.key
	if forged {
		key = a.forger
	}
	return key.token(header, all.withDefaults(adapterTime))
}

func (a *adapterTokens) validator(keys validator.KeySource) (*validator.Validator, error) {
	if keys == nil {
		keys = a.key.set()
	}
	return validator.New(validator.Config{
		Issuers:    []string{"https://issuer.example/"},
		Audiences:  []string{"https://api.example.com"},
		Keys:       keys,
		Algorithms: []validator.Algorithm{validator.EdDSA},
		Now:        func() time.Time { return adapterTime },
	})
}

// An outage is a KeySource of an issuer that can't be reached.
type outage struct{ err error }

func (o outage) Keys(context.Context, string) ([]jwks.Key, error) {
	return nil, errors.Join(jwks.ErrUnavailable, o.err)
}

type waitError struct{ d time.Duration }

func (e *waitError) Error() string             { return secretCause }
func (e *waitError) RetryAfter() time.Duration { return e.d }
