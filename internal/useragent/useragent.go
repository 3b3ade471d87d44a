// Package useragent names the library in requests.
package useragent

import (
	"runtime/debug"
	"strings"
	"sync"
)

const module = "github.com/rsguard/rsguard"

// Default returns the library's name and, if the program was built with a
// released version of it, that version (RFC 9110, Section 10.1.5).
var Default = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return of(info)
})

func of(info *debug.BuildInfo) string {
	const name = "rsguard"
	if info == nil {
		return name
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != module {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if version, ok := strings.CutPrefix(m.Version, "v"); ok {
			return name + "/" + version
		}
	}
	return name
}
