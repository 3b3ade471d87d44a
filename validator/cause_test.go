package validator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// membersToken has as many members, over all depths.
func membersToken(n int) string {
	more := object{}
	for i := range n - 6 {
		more[fmt.Sprintf("%x", i)] = 0
	}
	return token(nil, object{"more": more})
}

// A Mux and the Validator that it finds have one verdict on a token's size.
func TestMux_tokenSizes(t *testing.T) {
	t.Parallel()
	small := newValidator(t, nil)
	large := newValidator(t, func(c *validator.Config) { c.Issuers, c.MaxTokenSize = []string{otherIssuer}, 32<<10 })
	fixed, err := validator.NewMux(small, large)
	if err != nil {
		t.Fatal(err)
	}
	lookup := func(size int) *validator.Mux {
		m := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
			return map[string]*validator.Validator{issuer: small, otherIssuer: large}[iss], nil
		})
		m.MaxTokenSize = size
		return m
	}
	padded := func(iss string) string {
		return token(nil, object{"iss": iss, "pad": strings.Repeat("x", 14_000)})
	}
	const less = ": raise that, or have the issuer put less into its tokens"
	for _, tt := range []struct {
		name string
		mux  interface {
			Validate(context.Context, string) (*validator.Claims, error)
		}
		token string
		want  string // after the code; accepted if empty
	}{
		{"a fixed tenant with room", fixed, padded(otherIssuer), ""},
		{"a fixed tenant without", fixed, padded(issuer), "the token is too large: SIZE bytes, over the 16384 of Config.MaxTokenSize" + less},
		{"the tenant alone", small, padded(issuer), "the token is too large: SIZE bytes, over the 16384 of Config.MaxTokenSize" + less},
		{"a tenant that is looked up", lookup(0), padded(otherIssuer), "the token is too large: SIZE bytes, over the 16384 of Mux.MaxTokenSize" + less},
		{"a tenant that is looked up, and a larger Mux", lookup(32 << 10), padded(otherIssuer), ""},
		{"a Mux beyond all bounds", lookup(1 << 30), token(nil, object{"pad": strings.Repeat("x", 1<<20)}),
			"the token is too large: SIZE bytes, over the 1048576 of Mux.MaxTokenSize" + less},
		{"members of the tenant alone", small, membersToken(1025),
			"the token's claims have too many members: over 1024, the most for the 16384 bytes of Config.MaxTokenSize" + less},
		{"members, and a larger Mux", fixed, membersToken(1025),
			"the token's claims have too many members: over 1024, the most for the 16384 bytes of Config.MaxTokenSize" + less},
		{"members of a larger Mux, one less", fixed, membersToken(1024), ""},
		{"members of a Mux", lookup(0), membersToken(1025),
			"the token's claims have too many members: over 1024, the most for the 16384 bytes of Mux.MaxTokenSize" + less},
	} {
		_, err := tt.mux.Validate(t.Context(), tt.token)
		if tt.want == "" {
			if err != nil {
				t.Errorf("Validate(%s) = %v, want no error", tt.name, err)
			}
			continue
		}
		want := "token_malformed: " + strings.ReplaceAll(tt.want, "SIZE", fmt.Sprint(len(tt.token)))
		if err == nil || err.Error() != want {
			t.Errorf("Validate(%s) = %v\nwant %s", tt.name, err, want)
		}
	}
}

// Claims that are read once more are read whole, however many there are.
func TestClaims_manyMembers(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) {
		c.MaxTokenSize = 64 << 10
		c.Checks = []validator.Check{validator.ACR("high")}
	})
	more := object{}
	for i := range 3000 {
		more[fmt.Sprint("a", i)] = 0
	}
	claims, err := v.Validate(t.Context(), token(nil, object{"acr": "high", "more": more, "last": "x"}))
	if err != nil {
		t.Fatalf("Validate(3,000 members) = %v, want the claim acr found", err)
	}
	var own struct {
		Last string         `json:"last"`
		More map[string]int `json:"more"`
	}
	if err := claims.Decode(&own); err != nil || own.Last != "x" || len(own.More) != 3000 {
		t.Errorf("Decode() = %v with %d members, want 3,000", err, len(own.More))
	}
}

func withSignature(token, signature string) string {
	return token[:strings.LastIndexByte(token, '.')+1] + signature
}

// Most rejections of a flood are never read, so making a text waits until
// it is read.
func TestValidate_rejectionsMakeNoText(t *testing.T) {
	keys := jwks.Set{{ID: kid, Public: key.Public()}, {ID: "k2", Public: key.Public(), Algorithm: "ES256"}}
	long := strings.Repeat("\x01", 300)
	for _, tt := range []struct{ name, token string }{
		{"too large", strings.Repeat("x", 20_000)},
		{"opaque", "opaque"},
		{"encrypted", "a.b.c.d.e"},
		{"a member twice", signed(`{"alg":"EdDSA","kid":"k1"}`, `{"iss":"a","iss":"b"}`)},
		{"too many members", membersToken(1025)},
		{"alg", token(object{"alg": long}, nil)},
		{"typ", token(object{"typ": long}, nil)},
		{"a claim's type", token(nil, object{"sub": 1})},
		{"a time", token(nil, object{"exp": 1e15})},
		{"iss", token(nil, object{"iss": long})},
		{"aud", token(nil, object{"aud": []string{long, long, long}})},
		{"an ID token", token(nil, object{"at_hash": "x"})},
		{"exp", token(nil, object{"exp": 1})},
		{"kid", token(object{"kid": long}, nil)},
		{"the key's alg", token(object{"kid": "k2"}, nil)},
		{"the signature's length", withSignature(token(nil, nil), "AAAA")},
		{"the signature", withSignature(token(nil, nil), strings.Repeat("A", 86))},
		{"no kid", withSignature(token(object{"kid": nil}, nil), strings.Repeat("A", 86))},
	} {
		v := newValidator(t, func(c *validator.Config) { c.Keys = keys })
		var err error
		made := testing.AllocsPerRun(20, func() { _, err = v.Validate(t.Context(), tt.token) })
		if err == nil {
			t.Errorf("Validate(%s) = nil, want an error", tt.name)
			continue
		}
		t.Logf("%s: %v allocations, and %v more for %v", tt.name, made, testing.AllocsPerRun(20, func() { _ = err.Error() }), err)
		// The examination, the decoded token, the Error twice, its cause with
		// the values in it, and issuer and kid, cut.
		if made > 8 {
			t.Errorf("Validate(%s) made %v allocations, want 8 at most", tt.name, made)
		}
	}
}

// Every cause is the caller's to look into.
func TestError_causes(t *testing.T) {
	t.Parallel()
	v := newValidator(t, func(c *validator.Config) {
		c.Keys = sourceFunc(func(context.Context, string) ([]jwks.Key, error) { return nil, nil })
	})
	_, err := v.Validate(t.Context(), token(nil, nil))
	if want := `unknown_key: kid is "k1": Config.Keys has no such key`; err == nil || err.Error() != want {
		t.Errorf("Validate() with a source of one's own = %v, want %s", err, want)
	}

	why := errors.New("the vault is shut")
	v = newValidator(t, func(c *validator.Config) { c.Keys = vault{why} })
	_, err = v.Validate(t.Context(), token(nil, nil))
	if want := `unknown_key: kid is "k1": the vault is shut`; !errors.Is(err, why) || err.Error() != want {
		t.Errorf("Validate() with a source that says why = %v, want %s", err, want)
	}
}

// A vault has no keys, and says why.
type vault struct{ why error }

func (vault) Keys(context.Context, string) ([]jwks.Key, error) { return nil, nil }
func (v vault) Unknown(string) error                           { return v.why }
