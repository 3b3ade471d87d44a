package testutil_test

import (
	"testing"

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
