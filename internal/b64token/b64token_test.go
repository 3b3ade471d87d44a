package b64token_test

import (
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/b64token"
)

func TestValid(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"a": true, "a=": true, "a==": true, "-._~+/": true, "aZ09": true,
		"": false, "=": false, "a=b": false, "=a": false, "a b": false, "a\n": false, "é": false, "a,": false, "a%20": false,
	} {
		if got := b64token.Valid(s); got != want {
			t.Errorf("Valid(%q) = %t, want %t", s, got, want)
		}
	}
	const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	for c := range 256 {
		if got, want := b64token.Valid(string([]byte{byte(c)})), c > 0 && strings.IndexByte(all, byte(c)) >= 0; got != want {
			t.Errorf("Valid(%q) = %t, want %t", string([]byte{byte(c)}), got, want)
		}
	}
}
