package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jwtsign"
	"github.com/rsguard/rsguard/introspection"
)

// credentials are those of the service at the introspection endpoint.
type credentials struct {
	auth        introspection.Authentication
	methods     []string         // what metadata calls the way in which auth works
	certificate *tls.Certificate // of the connection, or nil
}

// read reads the files that s names.
func (s *introspectionSettings) read() (credentials, error) {
	switch {
	case s.CertificateFile != "":
		certificate, err := readCertificate(s.CertificateFile, s.KeyFile)
		return credentials{introspection.ClientCertificate(), []string{"tls_client_auth", "self_signed_tls_client_auth"}, certificate}, err
	case s.KeyFile != "":
		key, err := readKey(s.KeyFile)
		if err != nil {
			return credentials{}, err
		}
		return credentials{introspection.PrivateKeyJWT(key, s.KeyID), []string{"private_key_jwt"}, nil}, nil
	}
	text, err := readFile("-client-secret-file", s.SecretFile)
	secret := strings.TrimRight(string(text), "\r\n")
	switch {
	case err != nil:
		return credentials{}, err
	case secret == "":
		return credentials{}, fmt.Errorf("-client-secret-file %s is empty", s.SecretFile)
	case s.Post:
		return credentials{introspection.ClientSecretPost(secret), []string{"client_secret_post"}, nil}, nil
	}
	return credentials{introspection.ClientSecretBasic(secret), []string{"client_secret_basic"}, nil}, nil
}

// readKey reads a private key by which assertions can be signed. Its errors have
// nothing of the file.
func readKey(path string) (crypto.Signer, error) {
	text, err := readFile("-client-key-file", path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, fmt.Errorf("-client-key-file %s is encrypted: decrypt it into a file that only this user can read", path)
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("-client-key-file %s has a private key that can't be read", path)
		}
		signer, err := signerOf(key)
		if err != nil {
			return nil, fmt.Errorf("-client-key-file %s: %w: use an RSA key of 2048 bits or more, an ECDSA key on P-256 or an Ed25519 key", path, err)
		}
		return signer, nil
	}
	return nil, fmt.Errorf("-client-key-file %s has no private key in PEM", path)
}

func signerOf(key any) (crypto.Signer, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		signer, _ := key.(crypto.Signer)
		_, err := jwtsign.Algorithm(signer)
		return signer, err
	}
	return nil, fmt.Errorf("a key of type %T", key)
}

// readCertificate reads the certificate of a client and its key.
func readCertificate(path, keyPath string) (*tls.Certificate, error) {
	certificate, err := readFile("-client-certificate-file", path)
	if err != nil {
		return nil, err
	}
	key, err := readFile("-client-key-file", keyPath)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("-client-certificate-file %s with -client-key-file %s: %w", path, keyPath, err)
	}
	return &pair, nil
}

// certificate looks at the certificate that the server is to accept.
func (d *examiner) certificate(c *tls.Certificate) {
	if c == nil {
		return
	}
	found := fmt.Sprintf("%.128q, which ends on %s", c.Leaf.Subject, c.Leaf.NotAfter.UTC().Format(time.DateOnly))
	switch now := d.now(); {
	case now.After(c.Leaf.NotAfter) || now.Before(c.Leaf.NotBefore):
		d.report.add(change, "certificate", fmt.Sprintf("%s: this is not the time for which it was issued", found), "renew it, or correct the clock of this machine")
	case c.Leaf.NotAfter.Sub(now) < endsSoon:
		d.report.add(consider, "certificate", found, "renew it: after that the server knows this client no more")
	case len(c.Leaf.ExtKeyUsage) > 0 && !slices.Contains(c.Leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) && !slices.Contains(c.Leaf.ExtKeyUsage, x509.ExtKeyUsageAny):
		d.report.add(consider, "certificate", found+": it is not for clients by its extended key usage, so many servers reject it", "have it issued for TLS client authentication")
	default:
		d.report.add(good, "certificate", found, "")
	}
}

// clientMetadata is what an issuer's metadata says of the clients of its
// introspection endpoint (RFC 8414, Section 2).
type clientMetadata struct {
	Methods []string `json:"introspection_endpoint_auth_methods_supported"`
}

// clientMetadata reads the document that was fetched for the first issuer.
func (d *examiner) clientMetadata() (m clientMetadata) {
	_ = json.Unmarshal(d.metadata, &m) // what can't be read is left out
	return m
}

// adviceCredentials says what to do after the server has rejected those of c.
func (d *examiner) adviceCredentials(c credentials) string {
	advice := "correct -client-id and the secret"
	switch c.methods[0] {
	case "private_key_jwt":
		advice = "register the public half of -client-key-file for -client-id at the issuer, with the kid of -client-key-id, " +
			"and have the clocks agree: an assertion ends after a minute"
	case "tls_client_auth":
		advice = "register the certificate, or its subject, for -client-id at the issuer, and set -introspection to the address at which the server asks for certificates"
	}
	advice += ", or allow the client to introspect tokens at the issuer"
	offered := d.clientMetadata().Methods
	switch {
	case len(offered) > 0 && !slices.ContainsFunc(c.methods, func(m string) bool { return slices.Contains(offered, m) }):
		const most = 8
		return fmt.Sprintf("authenticate otherwise: the server takes %.256q, and not %s. If that is wrong, %s",
			strings.Join(offered[:min(len(offered), most)], ", "), c.methods[0], advice)
	case len(offered) == 0 && c.methods[0] == "client_secret_basic":
		return advice + ". Some servers want the secret in the form: -client-secret-post"
	}
	return advice
}

// handshakeEnded reports whether the server has ended the TLS handshake, as it
// does if it wants another client certificate, or any.
func (e *exchange) handshakeEnded() bool {
	var op *net.OpError
	return e.res == nil && errors.As(e.err, &op) && op.Op == "remote error"
}
