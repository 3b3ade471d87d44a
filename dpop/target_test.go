package dpop_test

import (
	neturl "net/url"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/dpop"
)

func TestTarget(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct{ url, want string }{
		{"https://api.example.com/orders", "https://api.example.com/orders"},
		{"https://api.example.com", "https://api.example.com/"},
		{"https://api.example.com?a=b", "https://api.example.com/"},
		{"https://api.example.com#f", "https://api.example.com/"},
		{"https://api.example.com/a?b=/c", "https://api.example.com/a"},
		{"https://api.example.com/a#b?c", "https://api.example.com/a"},

		{"HTTPS://API.Example.COM/Orders", "https://api.example.com/Orders"},
		{"hTTp://localhost", "http://localhost/"},
		{"https://api.example.com:443/", "https://api.example.com/"},
		{"https://api.example.com:0443/", "https://api.example.com/"},
		{"https://api.example.com:/", "https://api.example.com/"},
		{"https://api.example.com:80/", "https://api.example.com:80/"},
		{"http://api.example.com:80/", "http://api.example.com/"},
		{"http://api.example.com:443/", "http://api.example.com:443/"},
		{"http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a"},
		{"http://[::1]:8080/a", "http://[::1]:8080/a"},
		{"https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"},
		{"https://api.example.com./a", "https://api.example.com./a"},
		{"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"},

		{"https://a.example/%6Frders", "https://a.example/orders"},
		{"https://a.example/%2d%2E%5f%7E", "https://a.example/-._~"},
		{"https://a.example/a%2fb", "https://a.example/a%2Fb"},
		{"https://a.example/a%2Fb", "https://a.example/a%2Fb"},
		{"https://a.example/%C3%BC", "https://a.example/%C3%BC"},
		{"https://a.example/%c3%bc", "https://a.example/%C3%BC"},
		{"https://a.example/\u00fc", "https://a.example/%C3%BC"},
		{"https://a.example/a|b", "https://a.example/a%7Cb"},
		{`https://a.example/a\b`, "https://a.example/a%5Cb"},
		{"https://a.example/%2525", "https://a.example/%2525"},
		{"https://a.example/a%3Fb", "https://a.example/a%3Fb"},
		{"https://a.example/a;b=c,d:@!$&'()*+", "https://a.example/a;b=c,d:@!$&'()*+"},
		{"https://a.example/%21", "https://a.example/%21"},
		{"https://a.example//a//b", "https://a.example//a//b"},

		{"https://a.example/a/./b", "https://a.example/a/b"},
		{"https://a.example/a/../b", "https://a.example/b"},
		{"https://a.example/a/b/../..", "https://a.example/"},
		{"https://a.example/..", "https://a.example/"},
		{"https://a.example/../../a", "https://a.example/a"},
		{"https://a.example/a/.", "https://a.example/a/"},
		{"https://a.example/a/..", "https://a.example/"},
		{"https://a.example/a//../b", "https://a.example/a/b"},
		{"https://a.example/a/%2e%2E/b", "https://a.example/b"},
		{"https://a.example/a/...", "https://a.example/a/..."},
		{"https://a.example/a/..b/.c", "https://a.example/a/..b/.c"},
		{"https://a.example/a/..%2Fb", "https://a.example/a/..%2Fb"},

		{"", ""},
		{"/orders", ""},
		{"api.example.com/orders", ""},
		{"//api.example.com/orders", ""},
		{"https:/api.example.com/orders", ""},
		{"https:api.example.com", ""},
		{"ftp://api.example.com/", ""},
		{"ws://api.example.com/", ""},
		{" https://api.example.com/", ""},
		{"https://", ""},
		{"https:///orders", ""},
		{"https://?a", ""},
		{"https://:443/", ""},
		{"https://user@api.example.com/", ""},
		{"https://user:password@api.example.com/", ""},
		{"https://api.example.com@evil.example/", ""},
		{`https://api.example.com\@evil.example/`, ""},
		{"https://api example.com/", ""},
		{"https://api.example.com:port/", ""},
		{"https://api.example.com:65536/", ""},
		{"https://api.example.com:-1/", ""},
		{"https://api.example.com:+443/", ""},
		{"https://api.example.com:443:443/", ""},
		{"https://%61pi.example.com/", ""},
		{"https://b\u00fccher.example/", ""},
		{"https://\u212aelvin.example/", ""},
		{"https://[::1/", ""},
		{"https://[::1]a/", ""},
		{"https://[fe80::1%25eth0]/", ""},
		{"https://[127.0.0.1]/", ""},
		{"https://::1/", ""},
		{"https://a.example/a b", ""},
		{"https://a.example/a\x00b", ""},
		{"https://a.example/a\r\nb", ""},
		{"https://a.example/a\x7fb", ""},
		{"https://a.example/%", ""},
		{"https://a.example/%2", ""},
		{"https://a.example/%zz", ""},
		{"https://a.example/%2g", ""},
		{"https://a.example/" + strings.Repeat("a", 8<<10), ""},
	} {
		got, err := dpop.Target(tt.url)
		if (err == nil) != (tt.want != "") || err == nil && got != tt.want {
			t.Errorf("Target(%q) = %q, %v, want %q", tt.url, got, err, tt.want)
		}
	}
}

// What Target makes of a URL, it makes of that again; and the URL that net/url
// reads from it has the same host and the same path, without dots. So two that
// are equal are one for the server too.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"https://api.example.com:443/a/../%6f%2f?x#y", "http://[::1]:80", "HTTPS://A/%C3%BC/./", "https://a.example/|\\", "http://a:0080//..//b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		normal, err := dpop.Target(s)
		if err != nil || len(s) > 1<<10 { // encoding makes a long one too long
			return
		}
		if again, err := dpop.Target(normal); again != normal || err != nil {
			t.Errorf("Target(%q) = %q, and Target of that = %q, %v", s, normal, again, err)
		}
		u, err := neturl.Parse(normal)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("Target(%q) = %q, which net/url reads as %#v, %v", s, normal, u, err)
		}
		for _, segment := range strings.Split(u.EscapedPath(), "/") {
			if segment == "." || segment == ".." {
				t.Errorf("Target(%q) = %q, want no dots", s, normal)
			}
		}
		from, _, _ := strings.Cut(s, "#")
		was, err := neturl.Parse(from)
		if err != nil {
			return // what only we read is refused elsewhere
		}
		if !strings.EqualFold(was.Hostname(), u.Hostname()) {
			t.Errorf("Target(%q) = %q, of another host than net/url finds, %q", s, normal, was.Host)
		}
		if p := was.JoinPath().Path; was.Path != "" && !strings.Contains(was.Path, "/.") && !strings.Contains(was.Path, "//") && p != u.Path {
			t.Errorf("Target(%q) = %q, of another path than net/url finds, %q", s, normal, p)
		}
	})
}

// What is accepted is a compact JWS for this very request, can be redeemed, and
// is not accepted with anything around it.
func FuzzVerify(f *testing.F) {
	key := esKey()
	good := key.proof(f, nil, nil)
	f.Add(good)
	f.Add(edKey.proof(f, nil, nil))
	f.Add(rsaKey().proof(f, nil, nil))
	f.Add(strings.Replace(good, ".", "=.", 1))
	f.Add(key.proof(f, object{"jwk": key.with(object{"d": "AA"})}, object{"htu": "HTTPS://API.example.com/%6frders"}))
	f.Fuzz(func(t *testing.T, s string) {
		v := newVerifier(t, nil)
		proof, err := v.Verify(request(s))
		if err != nil {
			return
		}
		id, m, target, err := dpop.Read(s)
		if err != nil || id == "" || m != method {
			t.Errorf("Verify(%q) = nil, and yet it reads as %q, %q, %q, %v", s, id, m, target, err)
		}
		want, _ := dpop.Target(url)
		if got, err := dpop.Target(target); got != want || err != nil {
			t.Errorf("Verify(%q) = nil for %s, and its htu is %q", s, url, target)
		}
		if strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.Count(s, ".") != 2 {
			t.Errorf("Verify(%q) = nil, want an error for what is no compact JWS", s)
		}
		if len(proof.Thumbprint) != 43 {
			t.Errorf("Verify(%q) thumbprint = %q", s, proof.Thumbprint)
		}
		if err := v.Redeem(t.Context(), proof, bound(proof.Thumbprint)); err != nil {
			t.Errorf("Redeem(%q) = %v", s, err)
		}
		for _, other := range []string{s + "=", s + " ", s[:len(s)-1], "DPoP " + s, strings.Replace(s, ".", "..", 1)} {
			if _, err := v.Verify(request(other)); err == nil {
				t.Errorf("Verify(%q) = nil as for %q, want an error", other, s)
			}
		}
	})
}
