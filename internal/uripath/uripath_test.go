package uripath_test

import (
	"testing"

	"github.com/rsguard/rsguard/internal/uripath"
)

func TestNormalize(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		path, want string // "" for one that can't be read
	}{
		{"", "/"},
		{"/", "/"},
		{"/a/b", "/a/b"},
		{"//a//b", "//a//b"},
		{"/a/../b", "/b"},
		{"/a/..", "/"},
		{"/..", "/"},
		{"/../../b", "/b"},
		{"/a/%2e%2E/b", "/b"},
		{"/a/.%2e/b", "/b"},
		{"/a/..%2Fb", "/a/..%2Fb"},
		{"/a/...", "/a/..."},
		{"/%6Frders", "/orders"},
		{"/a%2fb", "/a%2Fb"},
		{"/#", "/%23"},
		{`/..\b`, "/..%5Cb"},
		{"/\u00fc", "/%C3%BC"},
		{"/a b", ""},
		{"/a\x7f", ""},
		{"/%2", ""},
		{"/%zz", ""},
	} {
		got, ok := uripath.Normalize(tt.path)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Normalize(%q) = %q, %t, want %q", tt.path, got, ok, tt.want)
		}
		if again, _ := uripath.Normalize(got); ok && again != got {
			t.Errorf("Normalize(%q) = %q, and Normalize of that = %q, want the same", tt.path, got, again)
		}
	}
}
