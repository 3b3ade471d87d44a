package redeemed_test

import (
	"context"
	"testing"

	"github.com/rsguard/rsguard/internal/redeemed"
)

func TestContext(t *testing.T) {
	t.Parallel()

	one, other := new(int), new(int)
	ctx, end := redeemed.Context(t.Context())
	redeemed.Add(ctx, one, "a")
	for _, tt := range []struct {
		name     string
		ctx      context.Context
		verifier any
		proof    string
		want     bool
	}{
		{"the same", ctx, one, "a", true},
		{"another proof", ctx, one, "b", false},
		{"another verifier", ctx, other, "a", false},
		{"a context without a memory", t.Context(), one, "a", false},
	} {
		if got := redeemed.Has(tt.ctx, tt.verifier, tt.proof); got != tt.want {
			t.Errorf("%s: Has() = %t, want %t", tt.name, got, tt.want)
		}
	}
	next, _ := redeemed.Context(ctx)
	if redeemed.Has(next, one, "a") {
		t.Error("Has() in the context of another decision = true, want false")
	}

	end()
	redeemed.Add(ctx, one, "b")
	redeemed.Add(t.Context(), one, "b")
	for _, proof := range []string{"a", "b"} {
		if redeemed.Has(ctx, one, proof) {
			t.Errorf("Has(%s) after the end = true, want false", proof)
		}
	}
}
