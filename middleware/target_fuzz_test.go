package middleware_test

import (
	"bufio"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
)

// The URL that a proof has to name has the origin that was given, and below its
// path the one that net/http hands to handlers, but for its dot segments: no
// request target makes a proof for one path good for another.
func FuzzTargetOf(f *testing.F) {
	for _, seed := range []string{
		"x:/orders", "x:orders", "x:?/orders", "/orders?a=/b#c", "/a%2Fb/../c", "//a//b", "/#/a", "http://a/b?c", "https://a?/b", "https://a", "HTTP://a:1/%23?#", "*", "a:443", "/a;b?c?d", "/\u00fc|\\", "/../../b", "/v1/%2e%2E/../b", "/..", "//..//../b/.", "https://a/../b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if strings.ContainsAny(target, " \r\n") {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: host\r\n\r\n")))
		if err != nil {
			return
		}
		got, err := middleware.TargetOf("https://api.example.com/v1", r)
		if err != nil {
			return // the request is rejected
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatalf("TargetOf(%q) = %q, which is not a URL: %v", target, got, err)
		}
		if u.Scheme != "https" || u.Host != "api.example.com" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			t.Errorf("TargetOf(%q) = %q, want the origin and a path", target, got)
		}
		below, ok := strings.CutPrefix(u.EscapedPath(), "/v1")
		if segments := strings.Split(below, "/"); !ok || segments[0] != "" ||
			slices.Contains(segments, "..") || slices.Contains(segments, ".") {
			t.Errorf("TargetOf(%q) = %q, want a path below /v1, without dot segments", target, got)
		}
		if own := strings.TrimPrefix(u.Path, "/v1"); target != "*" && !strings.Contains(r.URL.Path, "/.") &&
			own != r.URL.Path && strings.Trim(own+r.URL.Path, "/") != "" {
			t.Errorf("TargetOf(%q) = %q, of the path %q, want that of handlers, %q", target, got, own, r.URL.Path)
		}
	})
}
