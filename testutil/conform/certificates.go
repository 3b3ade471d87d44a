package conform

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
)

// A root is the authority by which the API's certificate was verified, since a
// pool does not name its own.
type root struct {
	mu          sync.Mutex
	certificate *x509.Certificate
}

// keep keeps the root of a connection. It is the VerifyConnection of a
// [tls.Config], and accepts all that were verified.
func (r *root) keep(state tls.ConnectionState) error {
	if len(state.VerifiedChains) > 0 {
		chain := state.VerifiedChains[0]
		r.mu.Lock()
		defer r.mu.Unlock()
		r.certificate = chain[len(chain)-1]
	}
	return nil
}

// pem returns the root's certificate, or nothing if no connection was made.
func (r *root) pem() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.certificate == nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.certificate.Raw}))
}

// pemOf returns a certificate with its chain, and its key.
func pemOf(c *tls.Certificate) (chain, key string) {
	var text strings.Builder
	for _, der := range c.Certificate {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil { // it is in hardware, and not made here
		return text.String(), ""
	}
	return text.String(), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
