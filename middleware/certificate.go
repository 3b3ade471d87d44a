package middleware

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// ClientCertHeader returns a function for [Config].ClientCertificate that reads
// the certificate from the field Client-Cert (RFC 9440, Section 2.2), if the
// request comes directly from one of these networks. These are the networks of
// the proxies that end TLS. They must remove the field from the requests of
// clients. For a request from elsewhere, the function returns the certificate
// of its own connection. ClientCertHeader panics if there is no network, or an
// invalid one.
//
// The address of a request is its RemoteAddr. The server sets that to the other
// end of the connection. A middleware like RealIP replaces it by the value of a
// header field, which a client may have written. Such a middleware must come
// after the Authenticator. Otherwise every client can pass for the proxy.
func ClientCertHeader(networks ...netip.Prefix) func(*http.Request) (*x509.Certificate, error) {
	trusted := newProxies("ClientCertHeader", networks)
	return func(r *http.Request) (*x509.Certificate, error) {
		if !trusted.sent(r) {
			return connectionCertificate(r)
		}
		// The connection's own certificate would be the proxy's.
		switch fields := r.Header[clientCert]; len(fields) {
		case 0:
			return nil, nil
		case 1:
			return parseClientCert(fields[0])
		}
		return nil, errClientCerts
	}
}

var (
	errClientCerts = errors.New("there are several Client-Cert fields")
	errClientCert  = errors.New("the field Client-Cert is no byte sequence of a structured field")
)

// maxClientCert is the length of the longest field Client-Cert that is read.
const maxClientCert = 16 << 10

// parseClientCert reads a DER certificate in a byte sequence (RFC 9440, Section
// 2.1).
func parseClientCert(field string) (*x509.Certificate, error) {
	text, ok := strings.CutPrefix(field, ":")
	if !ok || len(field) > maxClientCert {
		return nil, errClientCert
	}
	text, ok = strings.CutSuffix(text, ":")
	if !ok || strings.ContainsAny(text, "\r\n") {
		return nil, errClientCert
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errClientCert
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate in the field Client-Cert: %w", err)
	}
	return certificate, nil
}

// connectionCertificate returns the certificate whose key the other end of the
// connection has proven to have.
func connectionCertificate(r *http.Request) (*x509.Certificate, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	return r.TLS.PeerCertificates[0], nil
}

// certificateHash returns the hash of a certificate, in the form of a token
// that is bound to it (RFC 8705, Section 3.1), or "" if there is no
// certificate.
func certificateHash(certificate *x509.Certificate) (string, error) {
	if certificate == nil {
		return "", nil
	}
	if len(certificate.Raw) == 0 {
		return "", errors.New("the client's certificate has no encoding")
	}
	sum := sha256.Sum256(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
