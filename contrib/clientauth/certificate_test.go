package clientauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The certificate is shown to a server that names other authorities, as it does
// if the certificate has signed itself and the server knows it by its key.
func TestConfig_Certificate(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 && r.TLS.PeerCertificates[0].Subject.CommonName == "orders" {
			shown++
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":60}`))
	}))
	authorities := x509.NewCertPool()
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, ClientCAs: authorities, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	authorities.AddCert(server.Certificate())

	c, err := New(Config{
		TokenURL: server.URL, ClientID: "orders", Auth: ClientCertificate(), Logger: slog.New(slog.DiscardHandler),
		Certificate: &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c.http.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots // instead of the system's
	s, err := c.Source(Request{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Token(); err != nil || shown != 1 {
		t.Errorf("Token() error = %v, and the certificate was shown %d times, want once", err, shown)
	}
}
