package validator_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/validator"
)

func TestConfirmation_Proven(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("A", 43), strings.Repeat("B", 43)
	ctx := validator.ContextWithConfirmation(t.Context(), validator.Confirmation{JKT: a})
	both := validator.ContextWithConfirmation(ctx, validator.Confirmation{X5TS256: b})
	for _, tt := range []struct {
		name  string
		asked validator.Confirmation
		want  validator.Code
	}{
		{"nothing", validator.Confirmation{}, validator.CodeBinding},
		{"the key", validator.Confirmation{JKT: a}, ""},
		{"another key", validator.Confirmation{JKT: b}, validator.CodeBinding},
		{"the certificate", validator.Confirmation{X5TS256: b}, ""},
		{"both", validator.Confirmation{JKT: a, X5TS256: b}, ""},
		{"both exchanged", validator.Confirmation{JKT: b, X5TS256: a}, validator.CodeBinding},
	} {
		if got := validator.CodeOf(tt.asked.Proven(both)); got != tt.want {
			t.Errorf("Proven(%s) code = %q, want %q", tt.name, got, tt.want)
		}
	}
	if err := (&validator.Confirmation{X5TS256: b}).Proven(ctx); validator.CodeOf(err) != validator.CodeBinding {
		t.Errorf("Proven() of a certificate = %v where a key is proven alone", err)
	}
}

func TestContextWithProof(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("A", 43), strings.Repeat("B", 43)
	calls := 0
	returning := func(err error) func() error {
		return func() error { calls++; return err }
	}
	bad := &validator.Error{Code: validator.CodeProof, Err: errors.New("bad")}
	good := validator.ContextWithProof(t.Context(), a, returning(nil))
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		asked validator.Confirmation
		want  validator.Code
		calls int
	}{
		{"a good proof", good, validator.Confirmation{JKT: a}, "", 1},
		{"a good proof, of another key", good, validator.Confirmation{JKT: b}, validator.CodeBinding, 0},
		{"a good proof, where a certificate is asked for", good, validator.Confirmation{X5TS256: a}, validator.CodeBinding, 0},
		{"a good proof, and no certificate", good, validator.Confirmation{JKT: a, X5TS256: b}, validator.CodeBinding, 0},
		{"a good proof, and a certificate", validator.ContextWithConfirmation(good, validator.Confirmation{X5TS256: b}),
			validator.Confirmation{JKT: a, X5TS256: b}, "", 1},
		{"a bad proof", validator.ContextWithProof(t.Context(), a, returning(bad)), validator.Confirmation{JKT: a}, validator.CodeProof, 1},
		{"a bad proof, for another reason", validator.ContextWithProof(t.Context(), a, returning(errors.New("bad"))),
			validator.Confirmation{JKT: a}, validator.CodeBinding, 1},
		{"a bad proof in place of a good one", validator.ContextWithProof(good, a, returning(bad)), validator.Confirmation{JKT: a}, validator.CodeProof, 1},
		{"a bad proof where only a certificate is asked for",
			validator.ContextWithConfirmation(validator.ContextWithProof(t.Context(), a, returning(bad)), validator.Confirmation{X5TS256: b}),
			validator.Confirmation{X5TS256: b}, "", 0},
		{"a proof that has been verified in place of a bad one",
			validator.ContextWithConfirmation(validator.ContextWithProof(t.Context(), a, returning(bad)), validator.Confirmation{JKT: a}),
			validator.Confirmation{JKT: a}, "", 0},
	} {
		calls = 0
		err := tt.asked.Proven(tt.ctx)
		if got := validator.CodeOf(err); got != tt.want || calls != tt.calls {
			t.Errorf("Proven(%s) = %v after %d calls of verify, want code %q after %d", tt.name, err, calls, tt.want, tt.calls)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("ContextWithProof(nil) didn't panic")
		}
	}()
	validator.ContextWithProof(t.Context(), a, nil)
}
