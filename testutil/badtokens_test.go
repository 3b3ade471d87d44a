package testutil_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func TestBadTokens(t *testing.T) {
	t.Parallel()

	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		iss := testutil.NewIssuer(t, mockissuer.Config{Algorithms: []string{alg}})
		v := newValidator(t, iss.Config(audience))
		if _, err := v.Validate(t.Context(), iss.Token(nil)); err != nil {
			t.Errorf("%s: Validate(the token they differ from) = %v, want no error", alg, err)
		}

		bad := iss.BadTokens(t)
		if len(bad) < 100 {
			t.Errorf("%s: len(BadTokens()) = %d, want 100 at least", alg, len(bad))
		}
		names, tokens := map[string]bool{}, map[string]string{}
		for _, b := range bad {
			if names[b.Name] || b.Reason == "" {
				t.Errorf("%s: the name %q is there twice, or has no reason", alg, b.Name)
			}
			if other, ok := tokens[b.Token]; ok {
				t.Errorf("%s: %q and %q are the same token", alg, b.Name, other)
			}
			names[b.Name], tokens[b.Token] = true, b.Name
			if _, err := v.Validate(t.Context(), b.Token); string(validator.CodeOf(err)) != b.Code {
				t.Errorf("%s: Validate(%s) = %v, want code %q", alg, b.Name, err, b.Code)
			}
		}
	}
}

// TestBadTokensOverHTTP sends the catalogue as a client does: what HTTP trims
// off a field's value must not be all that is bad about a token.
func TestBadTokensOverHTTP(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	auth, err := middleware.New(middleware.Config{
		Validator: newValidator(t, iss.Config(audience)), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	t.Cleanup(server.Close)
	get := func(token string) (status int, sent bool) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := server.Client().Do(r)
		if err != nil {
			return 0, false
		}
		_ = res.Body.Close()
		return res.StatusCode, true
	}

	if status, _ := get(iss.Token(nil)); status != http.StatusOK {
		t.Fatalf("GET with a good token = %d, want 200", status)
	}
	sent := 0
	for _, b := range iss.BadTokens(t) {
		status, ok := get(b.Token)
		if !ok {
			continue
		}
		sent++
		if status != http.StatusUnauthorized && status != http.StatusBadRequest {
			t.Errorf("GET with the bad token %q = %d, want 401 or 400", b.Name, status)
		}
	}
	if sent < 100 {
		t.Errorf("%d bad tokens were sent, want 100 at least", sent)
	}
}

// A catalogue for an API that requires more of a token has that in every token,
// so that none is rejected for its lack.
func TestBadTokensLike(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	cfg := iss.Config(audience)
	cfg.RequireRFC9068 = true
	cfg.Checks = []validator.Check{validator.Scopes("orders:read")}
	v := newValidator(t, cfg)
	good := mockissuer.Token{
		Header: map[string]any{"typ": "at+jwt"},
		Claims: map[string]any{"aud": audience, "scope": "orders:read", "client_id": "c", "jti": "j"},
	}
	if _, err := v.Validate(t.Context(), iss.Sign(good)); err != nil {
		t.Fatalf("Validate(the token they differ from) = %v, want no error", err)
	}
	plain := iss.BadTokens(t)
	bad, err := iss.BadTokensLike(audience, good)
	if err != nil || len(bad) < len(plain)-1 { // one is not there for some keys
		t.Fatalf("BadTokensLike() = %d tokens, %v, want about %d", len(bad), err, len(plain))
	}
	for _, b := range bad {
		switch code := string(validator.CodeOf(func() error { _, err := v.Validate(t.Context(), b.Token); return err }())); {
		case code == "" || code == string(validator.CodeScope):
			t.Errorf("Validate(%s) code = %q, want %q", b.Name, code, b.Code)
		case code != b.Code && code != string(validator.CodeType) && b.Name != "client_id is a number":
			t.Errorf("Validate(%s) code = %q, want %q or that of its type", b.Name, code, b.Code)
		}
	}
}
