package mockissuer_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

func TestNewRefusesBadConfigurations(t *testing.T) {
	t.Parallel()

	api := []mockissuer.API{{Identifier: "a"}}
	for _, tt := range []struct {
		name string
		cfg  mockissuer.Config
		want string // a part of the error; empty: none
	}{
		{"only a URL", mockissuer.Config{URL: tenant}, ""},
		{"a URL without a slash", mockissuer.Config{URL: "https://tenant.example.com"}, ""},
		{"no URL", mockissuer.Config{}, "not the URL of an issuer"},
		{"a URL with a path", mockissuer.Config{URL: "https://example.com/realm"}, "not the URL of an issuer"},
		{"a URL of another scheme", mockissuer.Config{URL: "ftp://example.com/"}, "not the URL of an issuer"},
		{"a domain twice", mockissuer.Config{URL: tenant, Domains: []string{"https://TENANT.example.com:443"}}, "two of the issuer's URLs"},
		{"a symmetric algorithm", mockissuer.Config{URL: tenant, Algorithms: []string{"HS256"}}, "HS256"},
		{"an API twice", mockissuer.Config{URL: tenant, APIs: append(api, api...)}, "there twice"},
		{"an API with HS256 and no secret", mockissuer.Config{URL: tenant, APIs: []mockissuer.API{{Identifier: "a", Algorithm: "HS256"}}}, "0 bytes"},
		{"an API with HS256 and 31 bytes", mockissuer.Config{URL: tenant, APIs: []mockissuer.API{{Identifier: "a", Algorithm: "HS256", Secret: strings.Repeat("s", 31)}}}, "31 bytes, want 32"},
		{"an API with HS256 and 32 bytes", mockissuer.Config{URL: tenant, APIs: []mockissuer.API{{Identifier: "a", Algorithm: "HS256", Secret: strings.Repeat("s", 32)}}}, ""},
		{"an API without an identifier", mockissuer.Config{URL: tenant, APIs: []mockissuer.API{{Identifier: "a"}, {}}}, "API identifier 2 is empty"},
		{"a client of an unknown organization", mockissuer.Config{URL: tenant, Clients: []mockissuer.Client{{ID: "c", Organizations: []string{"org_1"}}}}, `no organization "org_1"`},
		{"a user of an unknown organization", mockissuer.Config{URL: tenant, Users: []mockissuer.User{{ID: "u", Organizations: []string{"acme"}}}}, `no organization "acme"`},
		{"a user of an organization by its name", mockissuer.Config{
			URL: tenant, Users: []mockissuer.User{{ID: "u", Organizations: []string{"acme"}}},
			Organizations: []mockissuer.Organization{{ID: "org_1", Name: "acme"}},
		}, ""},
		{"an API of an unknown profile", mockissuer.Config{URL: tenant, APIs: []mockissuer.API{{Identifier: "a", Profile: "x"}}}, "profile"},
		{"a grant for no API", mockissuer.Config{URL: tenant, Clients: []mockissuer.Client{{ID: "c", Grants: []mockissuer.Grant{{API: "a"}}}}}, "no API"},
		{"a callback in JavaScript", mockissuer.Config{URL: tenant, Clients: []mockissuer.Client{{ID: "c", Callbacks: []string{"javascript:alert(1)"}}}}, "callback"},
		{"an organization with capitals", mockissuer.Config{URL: tenant, Organizations: []mockissuer.Organization{{ID: "org_1", Name: "Acme"}}}, "lower case"},
		{"a default audience that is no API", mockissuer.Config{URL: tenant, APIs: api, DefaultAudience: "b"}, "default audience"},
	} {
		_, err := mockissuer.New(tt.cfg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New(%s) error = %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestSignWithEveryAlgorithm(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Config{})
	for _, alg := range []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
		"Ed25519", "ESP256", "ESP384", "ESP512",
	} {
		token, err := iss.Sign(mockissuer.Token{Algorithm: alg})
		if err != nil {
			t.Errorf("Sign(%s) error = %v, want none", alg, err)
			continue
		}
		if err := verify(t, iss, token); err != nil {
			t.Errorf("Sign(%s) = a token that is not valid: %v", alg, err)
		}
		if verify(t, iss, token[:len(token)-8]+"AAAAAAAA") == nil {
			t.Errorf("verify(%s with another signature) = nil, want an error: this test cannot fail", alg)
		}
	}
}

func TestSignClaimsAndHeader(t *testing.T) {
	t.Parallel()

	now := time.Unix(1_700_000_000, 0)
	iss := open(t, mockissuer.Config{Algorithms: []string{"ES256"}, Now: func() time.Time { return now }})
	kids, err := iss.KeyIDs()
	if err != nil {
		t.Fatal(err)
	}
	header := map[string]any{"alg": "ES256", "typ": "JWT", "kid": kids[0]}
	claims := map[string]any{"iss": tenant, "sub": "auth0|user", "aud": audience, "iat": 1.7e9, "exp": 1.7e9 + 3600}
	with := func(m map[string]any, name string, value any) map[string]any {
		out := map[string]any{name: value}
		for k, v := range m {
			if k != name {
				out[k] = v
			}
		}
		if value == nil {
			delete(out, name)
		}
		return out
	}

	for _, tt := range []struct {
		name           string
		token          mockissuer.Token
		header, claims map[string]any
	}{
		{"nothing", mockissuer.Token{}, header, claims},
		{"a claim more", mockissuer.Token{Claims: map[string]any{"scope": "a b"}}, header, with(claims, "scope", "a b")},
		{"a claim else", mockissuer.Token{Claims: map[string]any{"sub": "x"}}, header, with(claims, "sub", "x")},
		{"a claim less", mockissuer.Token{Claims: map[string]any{"exp": nil}}, header, with(claims, "exp", nil)},
		{"a time", mockissuer.Token{Claims: map[string]any{"nbf": now.Add(time.Second)}}, header, with(claims, "nbf", 1.7e9+1)},
		{"a null", mockissuer.Token{Claims: map[string]any{"sub": json.RawMessage("null")}}, header, with(with(claims, "sub", ""), "sub", any(json.RawMessage(nil)))},
		{"a header else", mockissuer.Token{Header: map[string]any{"typ": "at+jwt"}}, with(header, "typ", "at+jwt"), claims},
		{"a header less", mockissuer.Token{Header: map[string]any{"kid": nil}}, with(header, "kid", nil), claims},
		{"another alg in the header", mockissuer.Token{Header: map[string]any{"alg": "RS256"}}, with(header, "alg", "RS256"), claims},
	} {
		token, err := iss.Sign(tt.token)
		if err != nil {
			t.Errorf("Sign(%s) error = %v, want none", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.header, part(t, token, 0)); diff != "" {
			t.Errorf("Sign(%s) header (-want +got):\n%s", tt.name, diff)
		}
		want := tt.claims
		if tt.name == "a null" {
			want["sub"] = nil
		}
		if diff := cmp.Diff(want, part(t, token, 1)); diff != "" {
			t.Errorf("Sign(%s) claims (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestSignErrors(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Config{Algorithms: []string{"ES256"}})
	for _, tt := range []struct {
		name  string
		token mockissuer.Token
	}{
		{"an unknown algorithm", mockissuer.Token{Algorithm: "XS256"}},
		{"HS256 without a secret", mockissuer.Token{Algorithm: "HS256"}},
		{"a key that is not there", mockissuer.Token{KeyID: "nobody"}},
		{"a claim without a form", mockissuer.Token{Claims: map[string]any{"f": func() {}}}},
	} {
		if token, err := iss.Sign(tt.token); err == nil {
			t.Errorf("Sign(%s) = %s, want an error", tt.name, token)
		}
	}
}

func TestRotateKey(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name   string
		steps  []mockissuer.Rotation
		keys   int
		old    bool // a token signed before is still good
		newKey bool // a token signed after has another kid
	}{
		{"published", []mockissuer.Rotation{mockissuer.Publish}, 2, true, false},
		{"activated", []mockissuer.Rotation{mockissuer.Publish, mockissuer.Activate}, 2, true, true},
		{"retired", []mockissuer.Rotation{mockissuer.Publish, mockissuer.Activate, mockissuer.Retire}, 1, false, true},
		{"published and taken back", []mockissuer.Rotation{mockissuer.Publish, mockissuer.Retire}, 1, true, false},
		{"by default", nil, 1, false, true},
		{"at once", []mockissuer.Rotation{mockissuer.AtOnce}, 1, false, true},
		{"under the same kid", []mockissuer.Rotation{mockissuer.SameKeyID}, 1, false, false},
	} {
		iss := open(t, mockissuer.Config{Algorithms: []string{"ES256"}})
		before, err := iss.Sign(mockissuer.Token{})
		if err != nil {
			t.Fatal(err)
		}
		kid, err := iss.RotateKey(tt.steps...)
		if err != nil {
			t.Errorf("RotateKey(%s) error = %v, want none", tt.name, err)
			continue
		}
		after, err := iss.Sign(mockissuer.Token{})
		if err != nil {
			t.Fatal(err)
		}

		if err := verify(t, iss, after); err != nil {
			t.Errorf("RotateKey(%s): a token signed afterwards: %v", tt.name, err)
		}
		if got := verify(t, iss, before) == nil; got != tt.old {
			t.Errorf("RotateKey(%s): a token signed before is good = %v, want %v", tt.name, got, tt.old)
		}
		if got := part(t, after, 0)["kid"] != part(t, before, 0)["kid"]; got != tt.newKey {
			t.Errorf("RotateKey(%s): the kid is new = %v, want %v", tt.name, got, tt.newKey)
		}
		if got := part(t, after, 0)["kid"]; got != kid {
			t.Errorf("RotateKey(%s) = %q, but tokens are signed with %q", tt.name, kid, got)
		}
		if kids, _ := iss.KeyIDs(); len(kids) != tt.keys {
			t.Errorf("RotateKey(%s): %d keys are published, want %d", tt.name, len(kids), tt.keys)
		}
	}

	if _, err := open(t, mockissuer.Config{}).RotateKey("backwards"); err == nil {
		t.Error(`RotateKey("backwards") error = nil, want one`)
	}
}

func TestKeysAreNotShared(t *testing.T) {
	t.Parallel()

	one, other := open(t, mockissuer.Config{}), open(t, mockissuer.Config{})
	kids, err := other.KeyIDs()
	if err != nil {
		t.Fatal(err)
	}
	token, err := one.Sign(mockissuer.Token{Header: map[string]any{"kid": kids[0]}})
	if err != nil {
		t.Fatal(err)
	}
	if verify(t, other, token) == nil {
		t.Error("a token of one issuer is valid with another's key of the same id")
	}
}

func TestAdvance(t *testing.T) {
	t.Parallel()

	start := time.Unix(1_700_000_000, 0)
	iss := open(t, mockissuer.Config{Now: func() time.Time { return start }})
	iss.Advance(90 * time.Minute)
	if got, want := iss.Now(), start.Add(90*time.Minute); !got.Equal(want) {
		t.Errorf("Now() after Advance = %v, want %v", got, want)
	}
}

func TestKeySetAnswer(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Config{Certificates: true})
	res, body := fetch(t, iss, mockissuer.EndpointKeySet)
	if got, want := res.Header.Get("Cache-Control"), "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400"; got != want {
		t.Errorf("key set Cache-Control = %q, want %q", got, want)
	}
	for _, member := range []string{`"x5c":["`, `"x5t":"`, `"use":"sig"`, `"alg":"RS256"`, `"kty":"RSA"`} {
		if !strings.Contains(body, member) {
			t.Errorf("key set = %s, want %s in it", body, member)
		}
	}

	etag := res.Header.Get("Etag")
	conditional := func() *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tenant+".well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", etag)
		return req
	}
	if res, body := do(t, iss, conditional()); res.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("key set with its Etag: status = %d with %d bytes, want 304 with none", res.StatusCode, len(body))
	}
	if _, err := iss.RotateKey(); err != nil {
		t.Fatal(err)
	}
	if res, _ := do(t, iss, conditional()); res.StatusCode != http.StatusOK {
		t.Errorf("key set with the Etag of an older one: status = %d, want 200", res.StatusCode)
	}
}
