package middleware_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
)

func TestClientCertHeader(t *testing.T) {
	t.Parallel()

	cert, own := testutil.ClientCertificate(t), testutil.ClientCertificate(t)
	field := ":" + base64.StdEncoding.EncodeToString(cert.Leaf.Raw) + ":"
	find := middleware.ClientCertHeader(inside)
	for _, tt := range []struct {
		name   string
		from   string
		fields []string
		tls    bool
		want   *x509.Certificate
		fails  bool
	}{
		{"from a proxy", "10.0.0.1:80", []string{field}, false, cert.Leaf, false},
		{"from a proxy with a certificate of its own", "10.0.0.1:80", []string{field}, true, cert.Leaf, false},
		{"from a proxy without the field", "10.0.0.1:80", nil, true, nil, false},
		{"from a client", "203.0.113.7:80", []string{field}, false, nil, false},
		{"from a client with a certificate of its own", "203.0.113.7:80", []string{field}, true, own.Leaf, false},
		{"two fields", "10.0.0.1:80", []string{field, field}, false, nil, true},
		{"a list", "10.0.0.1:80", []string{field + ", " + field}, false, nil, true},
		{"empty", "10.0.0.1:80", []string{""}, false, nil, true},
		{"empty sequence", "10.0.0.1:80", []string{"::"}, false, nil, true},
		{"one colon", "10.0.0.1:80", []string{":"}, false, nil, true},
		{"without colons", "10.0.0.1:80", []string{strings.Trim(field, ":")}, false, nil, true},
		{"in the other alphabet", "10.0.0.1:80", []string{":-_-_:"}, false, nil, true},
		{"with a line break", "10.0.0.1:80", []string{field[:20] + "\n" + field[20:]}, false, nil, true},
		{"with something after it", "10.0.0.1:80", []string{":" + base64.StdEncoding.EncodeToString(append(cert.Leaf.Raw[:len(cert.Leaf.Raw):len(cert.Leaf.Raw)], 0)) + ":"}, false, nil, true},
		{"no certificate", "10.0.0.1:80", []string{":AAAA:"}, false, nil, true},
		{"too long", "10.0.0.1:80", []string{":" + strings.Repeat("A", 32<<10) + ":"}, false, nil, true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["Client-Cert"] = tt.from, tt.fields
		if tt.tls {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{own.Leaf, cert.Leaf}}
		}
		got, err := find(r)
		if (err != nil) != tt.fails || (got == nil) != (tt.want == nil) || got != nil && !got.Equal(tt.want) {
			t.Errorf("ClientCertHeader, %s = %v, %v, want %v, an error: %t", tt.name, got, err, tt.want, tt.fails)
		}
	}
}

// A cache must keep an answer that a certificate has opened for that
// certificate alone, whatever else the handler's answers vary by.
func TestClientCertificate_vary(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name    string
		cfg     middleware.Config
		before  []string
		nested  bool
		refused bool
		want    []string
	}{
		{"ClientCertHeader", middleware.Config{ClientCertificate: middleware.ClientCertHeader(inside)}, nil, false, false, []string{"Client-Cert"}},
		{"beside another", middleware.Config{ClientCertificate: middleware.ClientCertHeader(inside)}, []string{"Origin"}, false, false, []string{"Origin", "Client-Cert"}},
		{"twice", middleware.Config{ClientCertificate: middleware.ClientCertHeader(inside)}, nil, true, false, []string{"Client-Cert"}},
		{"refused", middleware.Config{ClientCertificate: middleware.ClientCertHeader(inside)}, nil, false, true, nil},
		{"the connection's", middleware.Config{}, nil, false, false, nil},
	} {
		auth := newAuth(t, tt.cfg)
		h := auth.Handler(new(spy))
		if tt.nested {
			h = auth.Handler(h)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if !tt.refused {
			r.Header.Set("Authorization", "Bearer anna")
		}
		w := httptest.NewRecorder()
		w.Header()["Vary"] = tt.before
		h.ServeHTTP(w, r)
		if got := w.Header()["Vary"]; !slices.Equal(got, tt.want) {
			t.Errorf("%s: Vary = %q, want %q", tt.name, got, tt.want)
		}
		if tt.refused && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control = %q, want no-store", tt.name, w.Header().Get("Cache-Control"))
		}
	}
}

// The whole way: a server that asks for certificates, clients with one, with
// another and without.
func TestClientCertificate_connection(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	auth := newAuth(t, middleware.Config{Validator: b.valid})
	server := httptest.NewUnstartedServer(auth.Handler(new(spy)))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()

	bound := b.iss.Token(testutil.Claims{"cnf": testutil.CertificateConfirmation(b.certs[0].Leaf)})
	for _, tt := range []struct {
		name          string
		certs         []tls.Certificate
		scheme, token string
		want          int
	}{
		{"the certificate", b.certs[:1], "Bearer", bound, 200},
		{"the certificate, under DPoP", b.certs[:1], "DPoP", bound, 200},
		{"another certificate", b.certs[1:], "Bearer", bound, 401},
		{"another certificate, under DPoP", b.certs[1:], "DPoP", bound, 401},
		{"no certificate", nil, "Bearer", bound, 401},
		{"no certificate, under DPoP", nil, "DPoP", bound, 401},
		{"a token for everybody", b.certs[1:], "Bearer", b.iss.Token(nil), 200},
	} {
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = tt.certs
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", tt.scheme+" "+tt.token)
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		transport.CloseIdleConnections()
		if res.StatusCode != tt.want {
			t.Errorf("%s: status = %d, %q, want %d", tt.name, res.StatusCode, res.Header["Www-Authenticate"], tt.want)
		}
	}
}
