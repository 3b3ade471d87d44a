package validator_test

import (
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
