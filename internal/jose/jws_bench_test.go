package jose_test

import (
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/jose"
)

func BenchmarkToken(b *testing.B) {
	header := base64url([]byte(`{"alg":"RS256","typ":"JWT","kid":"k1_0123456789abcdef"}`))
	token := header + "." + base64url([]byte(claims)) + "." + strings.Repeat("AQAB", 85) + "AA"
	b.Run("Parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var t jose.Token
			if err := t.Parse(token, 16<<10); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Payload", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var t jose.Token
			if err := t.Parse(token, 16<<10); err != nil {
				b.Fatal(err)
			}
			if _, err := t.Payload(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
