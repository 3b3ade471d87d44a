package scopetoken_test

import (
	"testing"

	"github.com/rsguard/rsguard/internal/scopetoken"
)

func TestValid(t *testing.T) {
	t.Parallel()
	for c := range rune(0x180) {
		// %x21 / %x23-5B / %x5D-7E
		want := c == 0x21 || c >= 0x23 && c <= 0x5b || c >= 0x5d && c <= 0x7e
		for _, s := range []string{string(c), "a" + string(c), string(c) + "a"} {
			if got := scopetoken.Valid(s); got != want {
				t.Errorf("Valid(%q) = %t, want %t", s, got, want)
			}
		}
	}
	for _, s := range []string{"", "\xff", "a\x80"} {
		if scopetoken.Valid(s) {
			t.Errorf("Valid(%q) = true, want false", s)
		}
	}
}
