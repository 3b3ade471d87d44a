package bounded_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/internal/bounded"
)

func TestNames(t *testing.T) {
	t.Parallel()

	n := bounded.Names{Most: 2}
	for _, tt := range []struct{ name, want string }{
		{"", ""}, {"a", "a"}, {"b", "b"}, {"c", "other"}, {"a", "a"}, {"", ""}, {"b", "b"},
	} {
		if got := n.Of(tt.name); got != tt.want {
			t.Errorf("Of(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
	broken := bounded.Names{Most: 1}
	for range 2 {
		if got := broken.Of("a\xff"); got != "a\uFFFD" {
			t.Errorf("Of(a, and a byte that is no UTF-8) = %q, want a replacement", got)
		}
	}
	if got := new(bounded.Names).Of("a"); got != bounded.Other {
		t.Errorf("without room: Of(a) = %q, want other", got)
	}
}

func TestNames_concurrent(t *testing.T) {
	t.Parallel()

	n := bounded.Names{Most: 10}
	var mu sync.Mutex
	got := make(map[string]bool)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 100 {
				name := n.Of(fmt.Sprint(i, j))
				mu.Lock()
				got[name] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(got) != 11 {
		t.Errorf("%d names, want 10 and other", len(got))
	}
}
