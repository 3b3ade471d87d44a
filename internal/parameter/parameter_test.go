package parameter_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/parameter"
)

// FuzzValues holds that Values and Has find what url.ParseQuery finds.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{
		"", "name=a", "name", "name=", "nam=a&name=b", "name=a&name=b&name=c", "%6eame=%61", "n%61me=+", "name=a;b", "name=%", "name%3d=a",
		"na+me=a", "name+=a", "&&name=a&", "=name", "%=a", "NAME=a", "named=a", "name=a=b", "name=%zz", strings.Repeat("a&", 99) + "name=x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, form string) {
		all, err := url.ParseQuery(form)
		want := all["name"]
		if got := parameter.Has(form, "name"); got != (len(want) > 0) && (err == nil || !got) {
			t.Errorf("Has(%q) = %t, want %t", form, got, len(want) > 0)
		}
		got, ok := parameter.Values(form, "name", 2)
		if ok != (err == nil) {
			t.Fatalf("Values(%q) reports %t, and ParseQuery returns %v", form, ok, err)
		}
		if ok && !slices.Equal(got, want[:min(len(want), 2)]) {
			t.Errorf("Values(%q) = %q, want the first two of %q", form, got, want)
		}
	})
}
