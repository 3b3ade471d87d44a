package keyindex_test

import (
	"slices"
	"testing"

	"github.com/rsguard/rsguard/internal/keyindex"
)

type key struct{ id, name string }

func TestIndex(t *testing.T) {
	keys := []key{{"a", "1"}, {"b", "2"}, {"", "3"}, {"a", "4"}}
	x := keyindex.New(keys, func(k *key) string { return k.id })
	keys[0].name = "changed by the caller"

	for _, tt := range []struct {
		kid  string
		want []key
		ok   bool
	}{
		{"a", []key{{"a", "1"}, {"a", "4"}}, true},
		{"b", []key{{"b", "2"}}, true},
		{"", []key{{"a", "1"}, {"b", "2"}, {"", "3"}, {"a", "4"}}, true},
		{"A", nil, false},
	} {
		got, ok := x.Find(tt.kid)
		if !slices.Equal(got, tt.want) || ok != tt.ok {
			t.Errorf("Find(%q) = %v, %v, want %v, %v", tt.kid, got, ok, tt.want, tt.ok)
		}
		// What a caller appends is its own.
		_ = append(got, key{"c", "appended"})
		if again, _ := x.Find(tt.kid); !slices.Equal(again, tt.want) {
			t.Errorf("Find(%q) after append = %v, want %v", tt.kid, again, tt.want)
		}
	}
	if got := x.All(); len(got) != len(keys) {
		t.Errorf("All() = %v, want %d keys", got, len(keys))
	}
}
