package middleware_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
)

var (
	inside = netip.MustParsePrefix("10.0.0.0/8")
	mapped = netip.MustParsePrefix("::ffff:192.0.2.0/120")
	ipv6   = netip.MustParsePrefix("2001:db8::/32")
)

func fields(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func TestXForwardedOrigin(t *testing.T) {
	t.Parallel()

	const (
		proxy   = "10.0.0.1:1234"
		client  = "203.0.113.7:1234"
		ours    = "http://api.internal"
		public  = "https://api.example.com"
		proto   = "X-Forwarded-Proto: https"
		host    = "X-Forwarded-Host: api.example.com"
		senders = "X-Forwarded-For: "
	)
	origin := middleware.XForwardedOrigin(inside, mapped, ipv6)
	for _, tt := range []struct {
		name, from string
		header     http.Header
		want       string // "" for an error
	}{
		{"from a proxy", proxy, fields(proto, host), public},
		{"from a proxy that keeps Host", proxy, fields(proto), "https://api.internal"},
		{"from a proxy by IPv6", "[2001:db8::1]:80", fields(proto, host), public},
		{"from a proxy by IPv6 with a zone", "[2001:db8::1%eth0]:80", fields(proto, host), public},
		{"from a proxy by IPv4 in IPv6", "[::ffff:10.0.0.1]:80", fields(proto, host), public},
		{"from a proxy of a mapped network", "192.0.2.1:80", fields(proto, host), public},
		{"from the client", client, fields(proto, host), ours},
		{"from beside the network", "11.0.0.1:80", fields(proto, host), ours},
		{"from nowhere", "", fields(proto, host), ours},
		{"from a socket", "@", fields(proto, host), ours},
		{"from a name", "localhost:80", fields(proto, host), ours},
		{"without a scheme", proxy, fields(host), ""},
		{"with an empty scheme", proxy, fields("X-Forwarded-Proto: ", host), ""},
		{"with another scheme", proxy, fields("X-Forwarded-Proto: wss", host), ""},
		{"with a scheme in capitals", proxy, fields("X-Forwarded-Proto: HTTPS", host), "HTTPS://api.example.com"},
		{"with an empty host", proxy, fields(proto, "X-Forwarded-Host: "), ""},
		{"with a host that ends early", proxy, fields(proto, "X-Forwarded-Host: api.example.com/x?"), ""},
		{"with a host and a port", proxy, fields(proto, "X-Forwarded-Host: api.example.com:8443"), "https://api.example.com:8443"},

		{"appended to what the client wrote", proxy, fields("X-Forwarded-Proto: http, https", "X-Forwarded-Host: evil.example, api.example.com"), public},
		{"appended in another line", proxy, fields("X-Forwarded-Proto: http", proto, "X-Forwarded-Host: evil.example", host), public},
		{"the client's chain", proxy, fields(senders+"10.9.9.9, 203.0.113.7", "X-Forwarded-Proto: http, https", "X-Forwarded-Host: evil.example, api.example.com"), public},
		{"two proxies that append", proxy, fields(senders+"203.0.113.7, 10.0.0.2", "X-Forwarded-Proto: https,http", "X-Forwarded-Host: api.example.com,middle.internal"), public},
		{"two proxies that append to the client's", proxy,
			fields(senders+"10.9.9.9, 203.0.113.7, 10.0.0.2", "X-Forwarded-Proto: http,https,http", "X-Forwarded-Host: evil.example,api.example.com,middle.internal"), public},
		{"two proxies that replace", proxy, fields(senders+"203.0.113.7, 10.0.0.2", proto, host), public},
		{"three proxies", proxy, fields(senders+"203.0.113.7, [2001:db8::2]:80, 10.0.0.2:80", "X-Forwarded-Proto: https,http,http", host), public},
		{"a chain that is ours alone", proxy, fields(senders+"10.0.0.3,10.0.0.2", "X-Forwarded-Proto: https,http", host), public},
		{"64 senders", proxy, fields(senders+strings.Repeat("203.0.113.7,", 63)+"203.0.113.7", proto, host), public},
		{"65 senders", proxy, fields(senders+strings.Repeat("203.0.113.7,", 64)+"203.0.113.7", proto, host), ""},
		{"65 lines of senders", proxy, fields(append(slices.Repeat([]string{senders + "203.0.113.7"}, 65), proto, host)...), ""},
		{"65 schemes", proxy, fields("X-Forwarded-Proto: "+strings.Repeat("https,", 64)+"https", host), ""},
		{"65 hosts", proxy, fields(proto, "X-Forwarded-Host: "+strings.Repeat("api.example.com,", 64)+"api.example.com"), ""},
		{"a host of 512 bytes", proxy, fields(proto, "X-Forwarded-Host: "+strings.Repeat("a", 512)), "https://" + strings.Repeat("a", 512)},
		{"a host of 513 bytes", proxy, fields(proto, "X-Forwarded-Host: "+strings.Repeat("a", 513)), ""},
		{"a sender that is none", proxy, fields(senders+"10.0.0.2, unknown", "X-Forwarded-Proto: http,https", host), public},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://api.internal/orders", nil)
		r.RemoteAddr, r.Header = tt.from, tt.header
		got, err := origin(r)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("XForwardedOrigin, %s = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestForwardedOrigin(t *testing.T) {
	t.Parallel()

	const public = "https://api.example.com"
	origin := middleware.ForwardedOrigin(inside, ipv6)
	for _, tt := range []struct {
		name   string
		from   string
		header http.Header
		want   string // "" for an error
	}{
		{"one element", "10.0.0.1:80", fields(`Forwarded: for=203.0.113.7;proto=https;host=api.example.com`), public},
		{"quoted", "10.0.0.1:80", fields(`Forwarded: For="203.0.113.7:99"; Proto="https" ;HOST="api.example.com"`), public},
		{"quoted with a backslash", "10.0.0.1:80", fields(`Forwarded: proto=https;host="api\.example.com"`), public},
		{"another parameter", "10.0.0.1:80", fields(`Forwarded: by=_x;secret="a,b;c=\"";proto=https;host=api.example.com`), public},
		{"without a host", "10.0.0.1:80", fields(`Forwarded: proto=https`), "https://api.internal"},
		{"empty parameters and elements", "10.0.0.1:80", fields(`Forwarded: ,;proto=https;;host=api.example.com;,`), public},
		{"from the client", "203.0.113.7:80", fields(`Forwarded: proto=https;host=evil.example`), "http://api.internal"},
		{"appended to what the client wrote", "10.0.0.1:80", fields(`Forwarded: for=10.0.0.9;proto=http;host=evil.example, for=203.0.113.7;proto=https;host=api.example.com`), public},
		{"in two lines", "10.0.0.1:80", fields(`Forwarded: proto=http;host=evil.example`, `Forwarded: for=203.0.113.7;proto=https;host=api.example.com`), public},
		{"two proxies", "10.0.0.1:80", fields(`Forwarded: for=10.9.9.9;proto=http;host=evil.example, for=203.0.113.7;proto=https;host=api.example.com, for=10.0.0.2;proto=http;host=middle.internal`), public},
		{"two proxies by IPv6", "10.0.0.1:80", fields(`Forwarded: for="[2001:db9::1]";proto=https;host=api.example.com, for="[2001:db8::1]:80";proto=http`), public},
		{"a sender that hides", "10.0.0.1:80", fields(`Forwarded: for=10.0.0.2;proto=http;host=evil.example, for=_hidden;proto=https;host=api.example.com`), public},
		{"one replaces, one appends nothing", "10.0.0.1:80", fields(`Forwarded: for=10.0.0.2;proto=https;host=api.example.com`), public},
		{"none", "10.0.0.1:80", nil, ""},
		{"without a scheme", "10.0.0.1:80", fields(`Forwarded: for=203.0.113.7;host=api.example.com`), ""},
		{"a scheme twice", "10.0.0.1:80", fields(`Forwarded: proto=https;proto=http`), ""},
		{"a scheme twice by case", "10.0.0.1:80", fields(`Forwarded: proto=https;Proto=http`), ""},
		{"a host that ends early", "10.0.0.1:80", fields(`Forwarded: proto=https;host="evil.example/?"`), ""},
		{"a quote that doesn't end", "10.0.0.1:80", fields(`Forwarded: proto=https;host="api.example.com`), ""},
		{"a quote that ends too early", "10.0.0.1:80", fields(`Forwarded: proto=https;host="api".example.com`), ""},
		{"no value", "10.0.0.1:80", fields(`Forwarded: proto=https;host=`), ""},
		{"no equals sign", "10.0.0.1:80", fields(`Forwarded: proto`), ""},
		{"a space before the equals sign", "10.0.0.1:80", fields(`Forwarded: proto =https`), ""},
		{"a control character", "10.0.0.1:80", fields("Forwarded: proto=https;host=\"a\x00\""), ""},
		{"64 elements", "10.0.0.1:80", fields(`Forwarded: ` + strings.Repeat("for=203.0.113.7,", 63) + `proto=https;host=api.example.com`), public},
		{"65 elements", "10.0.0.1:80", fields(`Forwarded: ` + strings.Repeat("for=203.0.113.7,", 64) + `proto=https;host=api.example.com`), ""},
		{"eight parameters", "10.0.0.1:80", fields(`Forwarded: a=1;b=1;c=1;d=1;e=1;f=1;proto=https;host=api.example.com`), public},
		{"nine parameters", "10.0.0.1:80", fields(`Forwarded: a=1;b=1;c=1;d=1;e=1;f=1;g=1;proto=https;host=api.example.com`), ""},
		{"too long in many lines", "10.0.0.1:80", fields(append(slices.Repeat([]string{"Forwarded: " + strings.Repeat(" ", 1<<10)}, 8), `Forwarded: proto=https;host=api.example.com`)...), ""},
		{"too long", "10.0.0.1:80", fields(`Forwarded: proto=https;host=api.example.com;x="` + strings.Repeat("x", 8<<10) + `"`), ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://api.internal/orders", nil)
		r.RemoteAddr, r.Header = tt.from, tt.header
		got, err := origin(r)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("ForwardedOrigin, %s = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

// What a client writes before a proxy's element changes nothing, or makes the
// field one that is refused.
func FuzzForwardedOrigin(f *testing.F) {
	for _, seed := range []string{"", "for=10.0.0.2;proto=http", `for="`, `"`, `a="\`, ";,;", "for=10.0.0.2", "proto=http;host=evil.example,for=10.0.0.2"} {
		f.Add(seed)
	}
	origin := middleware.ForwardedOrigin(inside)
	f.Fuzz(func(t *testing.T, s string) {
		r := httptest.NewRequest(http.MethodGet, "http://api.internal/orders", nil)
		r.RemoteAddr = "10.0.0.1:80"
		r.Header["Forwarded"] = []string{s + ", for=203.0.113.7;proto=https;host=api.example.com"}
		if got, err := origin(r); err == nil && got != "https://api.example.com" {
			t.Errorf("ForwardedOrigin with %q before the proxy's element = %q", s, got)
		}
	})
}

func TestFixedOrigin(t *testing.T) {
	t.Parallel()

	for _, origin := range []string{"https://api.example.com", "https://api.example.com/", "https://www.example.com/api", "http://localhost:8080"} {
		if got, err := middleware.FixedOrigin(origin)(nil); got != origin || err != nil {
			t.Errorf("FixedOrigin(%q) = %q, %v", origin, got, err)
		}
	}
	for _, f := range []struct {
		name string
		call func()
	}{
		{"FixedOrigin of nothing", func() { middleware.FixedOrigin("") }},
		{"FixedOrigin of what is no URL", func() { middleware.FixedOrigin("https://%zz/") }},
		{"FixedOrigin of a host", func() { middleware.FixedOrigin("api.example.com") }},
		{"FixedOrigin with a query", func() { middleware.FixedOrigin("https://api.example.com/?a") }},
		{"FixedOrigin with a fragment", func() { middleware.FixedOrigin("https://api.example.com/#") }},
		{"FixedOrigin with a user", func() { middleware.FixedOrigin("https://a@api.example.com/") }},
		{"FixedOrigin beyond ASCII", func() { middleware.FixedOrigin("https://b\u00fccher.example/") }},
		{"FixedOrigin with a space", func() { middleware.FixedOrigin("https://api.example.com/a b") }},
		{"FixedOrigin with a zone", func() { middleware.FixedOrigin("https://[fe80::1%25eth0]/") }},
		{"FixedOrigin with an impossible port", func() { middleware.FixedOrigin("https://api.example.com:65536/") }},
		{"FixedOrigin with another scheme", func() { middleware.FixedOrigin("ftp://api.example.com/") }},
		{"XForwardedOrigin of nothing", func() { middleware.XForwardedOrigin() }},
		{"ForwardedOrigin of the zero network", func() { middleware.ForwardedOrigin(netip.Prefix{}) }},
		{"ClientCertHeader of nothing", func() { middleware.ClientCertHeader() }},
	} {
		if !panics(f.call) {
			t.Errorf("%s: no panic, want one", f.name)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// The URL that a proof must name is the one that was sent, whatever a handler
// has made of r.URL.
func TestDPoP_target(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	status := func(cfg middleware.Config, target, htu string) int {
		cfg.Validator, cfg.DPoP = b.valid, b.verifier(dpop.Config{})
		auth := newAuth(t, cfg)
		seen := new(spy)
		// Not a ServeMux, which would redirect some of these by itself.
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.StripPrefix("/v1", auth.Handler(seen)).ServeHTTP(w, r)
		}))
		defer server.Close()
		host := server.Listener.Addr().String()
		target, htu = strings.ReplaceAll(target, "HOST", host), strings.ReplaceAll(htu, "HOST", host)

		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: DPoP %s\r\nDPoP: %s\r\n\r\n",
			target, host, token, b.key.Proof(http.MethodGet, htu, token, testutil.Claims{"htu": htu}))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for _, tt := range []struct {
		name        string
		cfg         middleware.Config
		target, htu string
		want        int
	}{
		{"its own", middleware.Config{}, "/v1/orders", "http://HOST/v1/orders", 200},
		{"the path that is left", middleware.Config{}, "/v1/orders", "http://HOST/orders", 401},
		{"with a query", middleware.Config{}, "/v1/orders?a=/b", "http://HOST/v1/orders", 200},
		{"with a query in the proof", middleware.Config{}, "/v1/orders?a=b", "http://HOST/v1/orders?c", 200},
		{"by https", middleware.Config{}, "/v1/orders", "https://HOST/v1/orders", 401},
		{"for another host", middleware.Config{}, "/v1/orders", "http://localhost/v1/orders", 401},
		{"in another spelling", middleware.Config{}, "/v1/%6frders/./1", "http://HOST/v1/orders/1", 200},
		{"with an encoded slash", middleware.Config{}, "/v1/orders%2f1", "http://HOST/v1/orders/1", 401},
		{"with an encoded slash in both", middleware.Config{}, "/v1/orders%2f1", "http://HOST/v1/orders%2F1", 200},
		{"what looks like a fragment", middleware.Config{}, "/v1/orders/#/1", "http://HOST/v1/orders/", 401},
		{"two slashes", middleware.Config{}, "/v1//HOST/orders", "http://HOST/v1//HOST/orders", 200},
		{"the absolute form", middleware.Config{}, "http://HOST/v1/orders?x", "http://HOST/v1/orders", 200},
		{"the absolute form of another host", middleware.Config{}, "http://evil.example/v1/orders", "http://HOST/v1/orders", 401},
		{"the absolute form of another host, as the proof says", middleware.Config{Origin: middleware.FixedOrigin("https://api.example.com")}, "http://evil.example/v1/orders", "http://evil.example/v1/orders", 401},
		{"a fixed origin", middleware.Config{Origin: middleware.FixedOrigin("https://api.example.com")}, "/v1/orders", "https://api.example.com/v1/orders", 200},
		{"a fixed origin with a path", middleware.Config{Origin: middleware.FixedOrigin("https://www.example.com/api/")}, "/v1/orders", "https://www.example.com/api/v1/orders", 200},
		{"the server's own name where the origin is fixed", middleware.Config{Origin: middleware.FixedOrigin("https://api.example.com")}, "/v1/orders", "http://HOST/v1/orders", 401},
	} {
		if got := status(tt.cfg, tt.target, tt.htu); got != tt.want {
			t.Errorf("GET %s with a proof for %s, %s: status = %d, want %d", tt.target, tt.htu, tt.name, got, tt.want)
		}
	}
}

// A function of the user's may return an origin without a host. The path must
// not become one.
func TestDPoP_originWithoutHost(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	const evil = "https://evil.example/orders"
	for _, origin := range []string{"", "https:", "https:/", "https://", "https:///", "https://?", "//", "evil.example"} {
		r := b.request("DPoP", token)
		r.RequestURI = "//evil.example/orders"
		r.Header.Set("DPoP", b.key.Proof(http.MethodGet, evil, token))
		auth := newAuth(t, middleware.Config{
			Validator: b.valid, DPoP: b.verifier(dpop.Config{}),
			Origin: func(*http.Request) (string, error) { return origin, nil },
		})
		w := httptest.NewRecorder()
		auth.Handler(new(spy)).ServeHTTP(w, r)
		if w.Code != 400 {
			t.Errorf("Origin() = %q, a request for //evil.example/orders with a proof for %s: status = %d, want 400", origin, evil, w.Code)
		}
	}
}

// Requests that no server has read, and the form of OPTIONS that is for the
// server as a whole.
func TestDPoP_targetForms(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	for _, tt := range []struct {
		method, requestURI, htu string
		want                    int
	}{
		{"GET", "", "https://api.example.com/orders", 200},
		{"GET", "", "https://api.example.com/", 401},
		{"OPTIONS", "*", "https://api.example.com", 200},
		{"OPTIONS", "*", "https://api.example.com/*", 401},
		{"CONNECT", "evil.example:443", "https://api.example.comevil.example:443", 401},
		{"CONNECT", ".evil.example:443", "https://api.example.com.evil.example:443", 400},
		{"GET", "x:/orders", "https://api.example.com/orders", 200},
		{"GET", "x:/orders", "https://api.example.com/", 401},
		{"GET", "x:orders", "https://api.example.com/orders", 401},
		{"GET", "https://evil.example", "https://api.example.com/", 200},
		{"GET", "https://evil.example?/orders", "https://api.example.com/orders", 401},
	} {
		r := b.request("DPoP", token)
		r.Method, r.RequestURI = tt.method, tt.requestURI
		r.Header.Set("DPoP", b.key.Proof(tt.method, tt.htu, token))
		auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{})})
		if w := answer(auth.Handler(new(spy)), r); w.Code != tt.want {
			t.Errorf("%s %q with a proof for %s: status = %d, want %d", tt.method, tt.requestURI, tt.htu, w.Code, tt.want)
		}
	}
}

func TestDPoP_http2(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{}), RequireBinding: true})
	server := httptest.NewUnstartedServer(auth.Handler(new(spy)))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	for _, tt := range []struct {
		target, htu string
		want        int
	}{
		{"/orders?page=2", "/orders", 200},
		{"/orders", "/Orders", 401},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+tt.target, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "DPoP "+token)
		req.Header.Set("DPoP", b.key.Proof(http.MethodGet, server.URL+tt.htu, token))
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.ProtoMajor != 2 || res.StatusCode != tt.want {
			t.Errorf("GET %s by %s with a proof for %s: status = %d, want HTTP/2 and %d", tt.target, res.Proto, tt.htu, res.StatusCode, tt.want)
		}
	}
}
