package middleware_test

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
)

// The URL that a proof has to name has the origin that was given, and the path that net/http hands to handlers: no request
// target makes a proof for one path good for another.
func FuzzTargetOf(f *testing.F) {
	for _, seed := range []string{
		"x:/orders", "x:orders", "x:?/orders", "/orders?a=/b#c", "/a%2Fb/../c", "//a//b", "/#/a", "http://a/b?c", "https://a?/b", "https://a", "HTTP://a:1/%23?#", "*", "a:443", "/a;b?c?d", "/\u00fc|\\",
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
		got, err := middleware.TargetOf("https://api.example.com", r)
		if err != nil {
			return // the request is refused
		}
		u, err := url.Parse(got)
		if err != nil {
			return // the Verifier refuses it
		}
		if u.Scheme != "https" || u.Host != "api.example.com" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			t.Errorf("TargetOf(%q) = %q, want the origin and a path", target, got)
		}
		if target != "*" && u.Path != r.URL.Path && strings.Trim(u.Path+r.URL.Path, "/") != "" {
			t.Errorf("TargetOf(%q) = %q, of the path %q, want that of handlers, %q", target, got, u.Path, r.URL.Path)
		}
	})
}
