package redeemed_test

import (
	"context"
	"testing"

	"github.com/rsguard/rsguard/internal/redeemed"
)

// The proof "a" is redeemed in the outer of two decisions about a request, and
// "b" in the inner one, which begins before the outer one has ended.
func TestContext(t *testing.T) {
	t.Parallel()

	one, other := new(int), new(int)
	outer, endOuter := redeemed.Context(t.Context())
	redeemed.Add(outer, one, "a")
	inner, endInner := redeemed.Context(outer)
	redeemed.Add(inner, one, "b")
	endInner()
	redeemed.Add(inner, one, "c")
	endOuter()
	redeemed.Add(outer, one, "d")
	redeemed.Add(t.Context(), one, "d")
	beside, _ := redeemed.Context(outer)
	redeemed.Add(beside, one, "e")
	for _, tt := range []struct {
		name     string
		ctx      context.Context
		verifier any
		proof    string
		want     bool
	}{
		{"its own", outer, one, "a", true},
		{"of the outer decision", inner, one, "a", true},
		{"of a decision that was ended before this one", beside, one, "a", true},
		{"of an inner decision, while the outer one had not ended", outer, one, "b", true},
		{"another proof", outer, one, "x", false},
		{"another verifier", outer, other, "a", false},
		{"redeemed after the end of the inner decision", inner, one, "c", true},
		{"redeemed after the end", outer, one, "d", false},
		{"redeemed after the end, of the outer decision", inner, one, "d", false},
		{"of a decision that began after the end", outer, one, "e", false},
		{"a context without a memory", t.Context(), one, "a", false},
	} {
		if got := redeemed.Has(tt.ctx, tt.verifier, tt.proof); got != tt.want {
			t.Errorf("%s: Has(%s) = %t, want %t", tt.name, tt.proof, got, tt.want)
		}
	}
}
