package e2e_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A service authenticates to oidc-provider by its certificate, one of a CA or
// one that it has signed itself. The token is bound to the certificate, and the
// API accepts it over connections with that alone (RFC 8705).
func TestClientauthCertificate(t *testing.T) {
	t.Parallel()
	needClient(t, "oidc-provider", "oidc-provider")

	authority := newCertificate(t, "authority", nil)
	server, byCA, other := newCertificate(t, "127.0.0.1", authority), newCertificate(t, "orders", authority), newCertificate(t, "stock", authority)
	byItself, forged := newCertificate(t, "orders", nil), newCertificate(t, "orders", nil)
	var s struct{ Issuer string }
	certificates, err := json.Marshal(map[string]string{
		"key": pemOf(t, server.PrivateKey), "cert": pemOf(t, server.Leaf), "ca": pemOf(t, authority.Leaf), "selfSigned": pemOf(t, byItself.Leaf),
	})
	if err != nil {
		t.Fatal(err)
	}
	startNode(t, "oidc-provider", "mtls.mjs", []string{"CERTIFICATES=" + string(certificates)}, &s)

	roots := x509.NewCertPool()
	roots.AddCert(authority.Leaf)
	with := func(certificate *tls.Certificate) *http.Client {
		cfg := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		if certificate != nil {
			// Whatever authorities the server names, as clientauth does it.
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
		}
		return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}
	}
	const audience = "https://stock.example.com"
	keys, err := jwks.NewCache(jwks.Config{Issuer: s.Issuer, Client: with(nil)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New(validator.Config{Issuers: []string{s.Issuer}, Audiences: []string{audience}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := middleware.New(middleware.Config{Validator: v, RequireBinding: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewUnstartedServer(guard.Require(validator.Scopes("orders:read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	api.TLS = &tls.Config{Certificates: []tls.Certificate{*server}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	api.StartTLS()
	t.Cleanup(api.Close)
	u, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name, client string
		certificate  *tls.Certificate
		want         clientauth.Code
	}{
		{"of the CA", "by-ca", byCA, ""},
		{"signed by itself", "by-itself", byItself, ""},
		{"of the CA, with another name", "by-ca", other, clientauth.CodeRejected},
		{"with the name, of no CA", "by-ca", byItself, clientauth.CodeRejected},
		{"signed by itself, with another key", "by-itself", forged, clientauth.CodeRejected},
	} {
		client, err := clientauth.New(clientauth.Config{
			Issuer: s.Issuer, ClientID: tt.client, Auth: clientauth.ClientCertificate(), Certificate: tt.certificate,
			Client: with(tt.certificate), Validator: v, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := client.Source(clientauth.Request{Resource: audience, Scopes: []string{"orders:read"}})
		if err != nil {
			t.Fatal(err)
		}
		token, err := tokens.TokenContext(t.Context())
		if tt.want != "" {
			if e, ok := err.(*clientauth.Error); !ok || e.Code != tt.want || e.OAuthError != "invalid_client" {
				t.Errorf("%s: TokenContext() error = %v, want %s, invalid_client", tt.name, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: TokenContext() error = %v", tt.name, err)
			continue
		}
		if _, err := v.Validate(t.Context(), token.AccessToken); validator.CodeOf(err) != validator.CodeBinding {
			t.Errorf("%s: Validate(without the certificate) error = %v, want %q", tt.name, err, validator.CodeBinding)
		}
		for _, by := range []struct {
			certificate *tls.Certificate
			want        int
		}{{tt.certificate, http.StatusOK}, {other, http.StatusUnauthorized}} {
			transport, err := clientauth.NewTransport(tokens, clientauth.TransportConfig{Hosts: []string{u.Host}, Base: with(by.certificate).Transport})
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+"/orders", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := (&http.Client{Transport: transport}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != by.want {
				t.Errorf("%s: the API's answer over a connection with %s = %d %s, want %d", tt.name, by.certificate.Leaf.Subject,
					res.StatusCode, res.Header.Get("WWW-Authenticate"), by.want)
			}
		}
	}
}

// newCertificate returns a certificate of an authority, or one that signs
// itself.
func newCertificate(t *testing.T, name string, authority *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: authority == nil, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, crypto.PrivateKey(key)
	if authority != nil {
		parent, signer = authority.Leaf, authority.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func pemOf(t *testing.T, v any) string {
	t.Helper()
	if certificate, ok := v.(*x509.Certificate); ok {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	}
	der, err := x509.MarshalPKCS8PrivateKey(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
