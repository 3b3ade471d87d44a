package worst

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
)

// long is the length of a long header field. net/http reads headers of up to 1
// MiB, which costs more than our search in them.
const long = 64 << 10

// most is the length of what is searched for a token.
const most = 32<<10 - 1

// unit is the length of a form that may cost the bounds once.
const unit = 16 << 10

// A request must be rejected.
type request struct {
	name   string
	cfg    middleware.Config
	header http.Header
	target string // "" means /orders
	host   string // "" means api.example.com
	form   string // "" means no body
}

// headers are requests whose headers are long.
func (s *service) headers() ([]Input, error) {
	proofs, err := dpop.New(dpop.Config{Now: clock})
	if err != nil {
		return nil, err
	}
	certificate, err := manyNames()
	if err != nil {
		return nil, err
	}
	bearer := middleware.Config{}
	bound := middleware.Config{DPoP: proofs}
	proxy := netip.MustParsePrefix("192.0.2.0/24")
	authorization := func(value string) http.Header { return http.Header{"Authorization": {value}} }
	underDPoP := func(more http.Header) http.Header {
		more["Authorization"] = []string{"DPoP t"}
		more["Dpop"] = []string{"p"}
		return more
	}
	repeat := func(s string) string { return strings.Repeat(s, long/len(s)) }
	repeatMost := func(s string) string { return strings.Repeat(s, most/len(s)) }

	requests := []request{
		{"Authorization of letters", bearer, authorization(repeat("a")), "", "", ""},
		{"Authorization of signs", bearer, authorization(repeat("~")), "", "", ""},
		{"Authorization of other letters", bearer, authorization(repeat("é")), "", "", ""},
		{"Authorization of spaces", bearer, authorization("Bearer " + repeat(" ")), "", "", ""},
		{"a long token", bearer, authorization("Bearer " + repeat("a")), "", "", ""},
		{"a long token that ends badly", bearer, authorization("Bearer " + repeat("a") + "!"), "", "", ""},
		{"a long token of equals signs", bearer, authorization("Bearer " + repeat("=")), "", "", ""},
		{"a long token of dots", bearer, authorization("Bearer " + repeat(".")), "", "", ""},
		{"a long token without a scheme", bearer, authorization("ey" + repeat("a") + ".a.a"), "", "", ""},
		{"a long token under another scheme", bearer, authorization("JWT ey" + repeat("a") + ".a.a"), "", "", ""},
		{"a long token under DPoP", bound, underDPoP(http.Header{}), "", "", ""},
		{"many Authorization fields", bearer, http.Header{"Authorization": strings.Split(repeat("a,"), ",")}, "", "", ""},
		{"a query of many parameters", bearer, authorization("Bearer t"), "/orders?" + repeatMost("a&"), "", ""},
		{"a query of no parameters", bearer, authorization("Bearer t"), "/orders?" + repeatMost("&"), "", ""},
		{"a query of escapes", bearer, authorization("Bearer t"), "/orders?" + repeatMost("%41&"), "", ""},
		{"a query that is nearly a token", bearer, authorization("Bearer t"), "/orders?" + repeatMost("access_toke%6d&"), "", ""},
		{"a query of names that are nearly the token's", bearer, authorization("Bearer t"), "/orders?" + repeatMost("access_tokem&"), "", ""},
		{"a query too long", bearer, authorization("Bearer t"), "/orders?" + repeat("a&"), "", ""},
		{"a query of plus signs", bearer, authorization("Bearer t"), "/orders?" + repeatMost("+"), "", ""},

		{"many DPoP fields", bound, http.Header{"Authorization": {"DPoP t"}, "Dpop": strings.Split(repeat("a,"), ",")}, "", "", ""},
		{"a long proof", bound, http.Header{"Authorization": {"DPoP t"}, "Dpop": {repeat("a")}}, "", "", ""},
		{"a path of dots", bound, underDPoP(http.Header{}), "/" + repeat("./"), "", ""},
		{"a path of dots, of 8 KiB", bound, underDPoP(http.Header{}), "/" + repeat("./")[:8190], "", ""},
		{"a path of double dots, of 8 KiB", bound, underDPoP(http.Header{}), "/" + repeat("a/../")[:8190], "", ""},
		{"a path of escapes, of 8 KiB", bound, underDPoP(http.Header{}), "/" + repeat("%6f")[:8190], "", ""},
		{"a path of letters, of 8 KiB", bound, underDPoP(http.Header{}), "/" + repeat("é")[:8190], "", ""},
		{"a path of slashes, of 8 KiB", bound, underDPoP(http.Header{}), "/" + repeat("/.")[:8190], "", ""},
		{"a long host", bound, underDPoP(http.Header{}), "", repeat("a"), ""},
	}

	cookie := middleware.Config{Token: middleware.CookieToken("__Host-token")}
	for _, value := range []string{";", "; ", "=;", "a=b;", "__Host-token=a;", `__Host-token="a";`, "__Host-token;", " "} {
		requests = append(requests, request{"cookies " + value, cookie, http.Header{"Cookie": {repeatMost(value)}}, "", "", ""})
	}
	requests = append(requests, request{"cookies too long", cookie, http.Header{"Cookie": {repeat(";")}}, "", "", ""})
	requests = append(requests, request{"many Cookie fields", cookie, http.Header{"Cookie": strings.Split(repeatMost("a,"), ",")}, "", "", ""})
	protocols := middleware.Config{Token: middleware.WebSocketToken("access_token.")}
	for _, value := range []string{",", ", ", "a,", "access_token.a,"} {
		requests = append(requests, request{"protocols " + value, protocols, http.Header{"Sec-Websocket-Protocol": {repeatMost(value)}}, "", "", ""})
	}
	form := middleware.Config{Token: middleware.FormToken}
	requests = append(requests, request{"a long type of content", form, http.Header{"Content-Type": {repeat("a;")}}, "", "", ""},
		request{"a type of content with many parameters", form, http.Header{"Content-Type": {"a/b" + repeat(";a=b")}}, "", "", ""})

	for _, value := range []string{"a", "a&", "&", "%41", "%41&", "access_token=a&", "access_toke%6d&", "access_token=%41%41%41", "+"} {
		for _, size := range []int{16 << 10, 1 << 20} {
			requests = append(requests, request{
				name: fmt.Sprintf("a form of %d KiB, %s", size>>10, value), cfg: form, header: http.Header{},
				form: strings.Repeat(value, size/len(value)),
			})
		}
	}

	forwarded, xForwarded := bound, bound
	forwarded.Origin, xForwarded.Origin = middleware.ForwardedOrigin(proxy), middleware.XForwardedOrigin(proxy)
	for _, value := range []string{",", "a=b;", "a=b,", "for=192.0.2.1,", "a=\"b\";"} {
		requests = append(requests, request{"Forwarded " + value, forwarded, underDPoP(http.Header{"Forwarded": {repeat(value)}}), "", "", ""},
			request{"Forwarded of 8 KiB, " + value, forwarded, underDPoP(http.Header{"Forwarded": {repeat(value)[:8190]}}), "", "", ""})
	}
	var parameters strings.Builder
	for i := 0; parameters.Len() < 8180; i++ {
		fmt.Fprintf(&parameters, "a%d=b;", i)
	}
	requests = append(requests, request{"Forwarded with many parameters", forwarded, underDPoP(http.Header{"Forwarded": {parameters.String()[:8180]}}), "", "", ""},
		request{"many Forwarded fields", forwarded, underDPoP(http.Header{"Forwarded": strings.Split(repeat("a,"), ",")}), "", "", ""})
	for _, value := range []string{",", "192.0.2.1,", "[2001:db8::1]:80,", "192.0.2.1:80,"} {
		requests = append(requests, request{"X-Forwarded-For " + value, xForwarded, underDPoP(http.Header{
			"X-Forwarded-For": {repeat(value)}, "X-Forwarded-Proto": {repeat("https,")}, "X-Forwarded-Host": {repeat("a,")},
		}), "", "", ""})
	}
	requests = append(requests, request{"many X-Forwarded-For fields", xForwarded, underDPoP(http.Header{
		"X-Forwarded-For": strings.Split(repeat("192.0.2.1;"), ";"), "X-Forwarded-Proto": {"https"},
	}), "", "", ""})

	certified := middleware.Config{ClientCertificate: middleware.ClientCertHeader(proxy)}
	for name, value := range map[string]string{
		"with many names": certificate, "of letters": ":" + repeat("A")[:32000] + ":", "too long": ":" + repeat("A") + ":",
		"of line breaks": ":" + repeat("\n")[:32000] + ":",
	} {
		requests = append(requests, request{"a certificate " + name, certified, http.Header{"Client-Cert": {value}, "Authorization": {"Bearer t"}}, "", "", ""})
	}

	var inputs []Input
	for _, r := range requests {
		input, err := s.input(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		inputs = append(inputs, input)
	}
	return inputs, nil
}

// input sends r to a handler with a usual logger.
func (s *service) input(r request) (Input, error) {
	cfg := r.cfg
	cfg.Validator = s.strict
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	auth, err := middleware.New(cfg)
	if err != nil {
		return Input{}, err
	}
	accepted := false
	handler := auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { accepted = true }))
	target, host := r.target, r.host
	if target == "" {
		target = "/orders"
	}
	if host == "" {
		host = "api.example.com"
	}
	path, query, _ := strings.Cut(target, "?")
	req := &http.Request{
		Method: http.MethodGet, RequestURI: target, URL: &url.URL{Path: path, RawQuery: query},
		Header: r.header, Host: host, RemoteAddr: "192.0.2.1:1234", Body: http.NoBody,
	}
	if r.form != "" {
		req.Method = http.MethodPost
		req.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	}
	w := &answer{header: http.Header{}}
	times := max(1, float64(len(r.form))/unit)
	if req.Header["Client-Cert"] != nil {
		// The proxy has made a handshake, in which the sender has proven to
		// have its key.
		times = 3
	}
	return Input{Name: "request: " + r.name, Times: times, Reject: func() error {
		clear(w.header)
		if r.form != "" {
			req.Body = io.NopCloser(strings.NewReader(r.form))
		}
		handler.ServeHTTP(w, req)
		if accepted {
			return errAccepted
		}
		return nil
	}}, nil
}

// An answer is discarded.
type answer struct{ header http.Header }

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(int)             {}

// manyNames returns the field Client-Cert of a certificate with as many names
// as are read.
func manyNames() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	for i := range 1750 {
		template.DNSNames = append(template.DNSNames, fmt.Sprintf("a%03x", i))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", err
	}
	return ":" + base64.StdEncoding.EncodeToString(der) + ":", nil
}
