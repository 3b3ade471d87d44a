package useragent

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	ours := func(version string, replace *debug.Module) *debug.BuildInfo {
		return &debug.BuildInfo{
			Main: debug.Module{Path: "example.com/api", Version: "v3.0.0"},
			Deps: []*debug.Module{{Path: "example.com/x", Version: "v2.0.0"}, {Path: module, Version: version, Replace: replace}},
		}
	}
	for _, tt := range []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{"a release", ours("v1.2.3", nil), "rsguard/1.2.3"},
		{"a commit", ours("v0.0.0-20260101000000-abcdefabcdef", nil), "rsguard/0.0.0-20260101000000-abcdefabcdef"},
		{"a fork", ours("v1.2.3", &debug.Module{Path: "example.com/fork", Version: "v1.2.4"}), "rsguard/1.2.4"},
		{"a folder", ours("v1.2.3", &debug.Module{Path: "../rsguard"}), "rsguard"},
		{"the module itself", &debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, "rsguard"},
		{"another module", &debug.BuildInfo{Main: debug.Module{Path: "example.com/api", Version: "v1.0.0"}}, "rsguard"},
		{"no build information", nil, "rsguard"},
	} {
		if got := of(tt.info); got != tt.want {
			t.Errorf("of(%s) = %q, want %q", tt.name, got, tt.want)
		}
	}
}
