package jwks_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

var sizes = []int{1, 100, 10_000}

// largeSet writes n keys that differ by their kid alone, which is all that a
// lookup looks at. 10,000 of the smallest kind just fit into the largest body.
func largeSet(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"%d"}`, i)
	}
	return set(keys...)
}

// A lookup of a known kid, by as many goroutines as there are processors.
func BenchmarkCache_Keys(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			c := newIssuer(largeSet(n)).cache(b)
			if err := c.Refresh(b.Context()); err != nil {
				b.Fatal(err)
			}
			kid := fmt.Sprint(n / 2)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if keys, err := c.Keys(context.Background(), kid); len(keys) != 1 || err != nil {
						b.Errorf("Keys(%q) = %v, %v, want one key", kid, keys, err)
					}
				}
			})
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			data := []byte(largeSet(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jwks.Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// In no state does a lookup of a known kid allocate, the ones that wait for the
// issuer aside.
func TestCache_allocations(t *testing.T) { // not parallel: testing.AllocsPerRun counts for all goroutines
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(largeSet(100))
		c := iss.cache(t)
		measure := func(want jwks.State) {
			t.Helper()
			if got := c.Status().State; got != want {
				t.Errorf("Status() = %s, want %s", got, want)
			}
			for _, kid := range []string{"50", ""} {
				if got := testing.AllocsPerRun(100, func() { c.Keys(t.Context(), kid) }); got != 0 {
					t.Errorf("Keys(%q) while %s: %v allocations, want none", kid, want, got)
				}
			}
		}
		mustFind(t, c, "50")
		measure(jwks.Fresh)
		iss.set(func() { iss.down = true })
		pass(9 * time.Minute)
		mustFind(t, c, "50")
		synctest.Wait()
		measure(jwks.Revalidate)
		for range 12 {
			c.Refresh(t.Context()) // to be in for a longer backoff
		}
		pass(40 * time.Second)
		mustFind(t, c, "50")
		synctest.Wait()
		pass(40 * time.Second)
		mustFind(t, c, "50")
		synctest.Wait()
		measure(jwks.Expired)
	})
}
