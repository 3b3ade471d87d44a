package testutil

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"testing"
	"time"
)

// ClientCertificate returns a new certificate for a client that uses tokens
// bound to it (RFC 8705). It is signed by its own key and is valid for a day.
// Its Leaf is set.
//
//	cert := testutil.ClientCertificate(t)
//	token := iss.Token(testutil.Claims{"cnf": testutil.CertificateConfirmation(cert.Leaf)})
//	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}}
func ClientCertificate(tb testing.TB) tls.Certificate {
	tb.Helper()

	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("testutil.ClientCertificate: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "client.example"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		tb.Fatalf("testutil.ClientCertificate: %v", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatalf("testutil.ClientCertificate: %v", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private, Leaf: leaf}
}

// CertificateConfirmation returns the claim "cnf" of a token that is bound to a
// certificate (RFC 8705, Section 3.1).
func CertificateConfirmation(certificate *x509.Certificate) Claims {
	hash := sha256.Sum256(certificate.Raw)
	return Claims{"x5t#S256": base64.RawURLEncoding.EncodeToString(hash[:])}
}
