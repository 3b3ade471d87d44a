package percent_test

import (
	"net/url"
	"testing"

	"github.com/rsguard/rsguard/internal/percent"
)

func TestDecode(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		s    string
		want byte
		ok   bool
	}{
		{"%41", 'A', true},
		{"%4142", 'A', true},
		{"%fF", 0xff, true},
		{"%00", 0, true},
		{"%09", '\t', true},
		{"%aF", 0xaf, true},
		{"", 0, false},
		{"%", 0, false},
		{"%4", 0, false},
		{"41", 0, false},
		{"4%41", 0, false},
		// The neighbours of the digits and of both ranges of letters.
		{"%/0", 0, false},
		{"%0:", 0, false},
		{"%@0", 0, false},
		{"%0G", 0, false},
		{"%`0", 0, false},
		{"%0g", 0, false},
	} {
		if got, ok := percent.Decode(tt.s); got != tt.want || ok != tt.ok {
			t.Errorf("Decode(%q) = %#x, %t, want %#x, %t", tt.s, got, ok, tt.want, tt.ok)
		}
	}
}

// FuzzDecode holds that Decode agrees with [url.PathUnescape].
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"%41", "%fF", "%zz", "%", "a%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := "", error(nil)
		encoded := len(s) >= 3 && s[0] == '%'
		if encoded {
			want, err = url.PathUnescape(s[:3])
		}
		got, ok := percent.Decode(s)
		if ok != (encoded && err == nil) || ok && string([]byte{got}) != want {
			t.Errorf("Decode(%q) = %#x, %t, want %q", s, got, ok, want)
		}
	})
}
