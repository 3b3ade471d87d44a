package validator_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// counted returns a Validator that remembers size tokens, and tells of a token
// whether its signature was checked: the key that a remembered one needs has
// other bytes by then.
func counted(t *testing.T, size int) (accepts func(token string) bool, remembers func(token string) bool) {
	t.Helper()
	public := append(ed25519.PublicKey(nil), key.Public().(ed25519.PublicKey)...)
	v := newValidator(t, func(c *validator.Config) {
		c.CacheSize = size
		c.Keys = sourceFunc(func(context.Context, string) ([]jwks.Key, error) {
			return []jwks.Key{{ID: kid, Public: public}}, nil
		})
	})
	accepts = func(token string) bool {
		_, err := v.Validate(t.Context(), token)
		return err == nil
	}
	return accepts, func(token string) bool {
		public[0] ^= 1
		defer func() { public[0] ^= 1 }()
		return accepts(token)
	}
}

func TestRemembered_size(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 3, 4, 5, 64, 1000} {
		accepts, remembers := counted(t, size)
		var tokens []string
		for i := range 3 * size {
			tokens = append(tokens, token(nil, object{"sub": fmt.Sprint(i)}))
			if !accepts(tokens[i]) || !remembers(tokens[i]) {
				t.Fatalf("token %d is not remembered at once, of %d", i, size)
			}
		}
		n := 0
		for _, token := range tokens {
			if remembers(token) {
				n++
			}
		}
		if n > size || n < size/2 {
			t.Errorf("%d tokens are remembered after %d, want %d at most, and most of these", n, len(tokens), size)
		}
	}
}

// A flood of tokens that come once must not displace those in use. Which tokens
// share a set is random: in one table of two hundred, four of those in use have
// one set for themselves and the flood. So the better two of three tables
// count.
func TestRemembered_flood(t *testing.T) {
	t.Parallel()
	if racing.Enabled {
		t.Skip("one goroutine, and a minute of signing")
	}
	var lost []int
	for range 3 {
		lost = append(lost, lostInFlood(t))
	}
	slices.Sort(lost)
	if lost[1] > 8 {
		t.Errorf("of 800 uses, %d found their token displaced, in three tables", lost)
	}
}

func lostInFlood(t *testing.T) (lost int) {
	accepts, remembers := counted(t, 400)
	var inUse []string
	for i := range 20 {
		inUse = append(inUse, token(nil, object{"sub": fmt.Sprint("in use ", i)}))
		accepts(inUse[i])
		accepts(inUse[i])
	}
	for i := range 4000 { // ten times what it can hold, and each in use every 100
		if !accepts(token(nil, object{"sub": fmt.Sprint(i)})) {
			t.Fatal("refused")
		}
		if i%5 == 0 {
			token := inUse[i/5%len(inUse)]
			if !remembers(token) {
				lost++
			}
			accepts(token)
		}
	}
	return lost
}
