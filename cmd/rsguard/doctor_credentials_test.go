package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

func pemFile(t *testing.T, kind string, der []byte, before ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	text := strings.Join(before, "") + string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newECKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A client that authenticates by an assertion, with every kind and form of key.
func TestDoctor_privateKeyJWT(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey := newECKey(t, elliptic.P256())
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" // as openssl writes it
	issuerOf := func(public crypto.PublicKey) *testutil.Issuer {
		cfg := mockissuer.Demo()
		cfg.Clients = append(cfg.Clients, mockissuer.Client{ID: "signer", PublicKey: public})
		return testutil.NewIssuer(t, cfg)
	}
	for name, tt := range map[string]struct {
		public crypto.PublicKey
		file   string
	}{
		"RSA":              {rsaKey.Public(), pemFile(t, "PRIVATE KEY", pkcs8(t, rsaKey))},
		"RSA, PKCS #1":     {rsaKey.Public(), pemFile(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))},
		"P-256":            {ecKey.Public(), pemFile(t, "PRIVATE KEY", pkcs8(t, ecKey))},
		"P-256, openssl's": {ecKey.Public(), pemFile(t, "EC PRIVATE KEY", sec1, parameters)},
		"Ed25519":          {edKey.Public(), pemFile(t, "PRIVATE KEY", pkcs8(t, edKey))},
	} {
		iss := issuerOf(tt.public)
		args := []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "signer", "-client-key-file", tt.file}
		finds(t, name, 0, []string{"good", "answer", "is not active"}, "", args...)
		finds(t, name+", with a kid", 0, []string{"good", "answer", "is not active"}, "", append(args, "-client-key-id", "k1")...)
	}

	iss := issuerOf(rsaKey.Public())
	args := []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "signer", "-client-key-file"}
	finds(t, "another key", 1, []string{"change", "credentials", "401"}, "register the public half", append(args, pemFile(t, "PRIVATE KEY", pkcs8(t, ecKey)))...)

	for name, tt := range map[string]struct{ file, says string }{
		"no PEM":           {secretFile(t, "key"), "no private key in PEM"},
		"a certificate":    {pemFile(t, "CERTIFICATE", []byte("x")), "no private key in PEM"},
		"an encrypted key": {pemFile(t, "ENCRYPTED PRIVATE KEY", []byte("x")), "is encrypted"},
		"a damaged key":    {pemFile(t, "PRIVATE KEY", pkcs8(t, ecKey)[1:]), "can't be read"},
		"another curve":    {pemFile(t, "PRIVATE KEY", pkcs8(t, newECKey(t, elliptic.P384()))), "another curve"},
		"no file":          {"nowhere.pem", "nowhere.pem"},
	} {
		code, out, errOut := command(t, "", append([]string{"doctor"}, append(args, tt.file)...)...)
		if code != 1 || !strings.Contains(errOut, tt.says) || out != "" {
			t.Errorf("rsguard doctor, %s = %d, %q, %q, want 1 and %q", name, code, out, errOut, tt.says)
		}
	}
}

// An mtlsIssuer is a mock issuer behind a server that asks for certificates.
func mtlsIssuer(t *testing.T, wants tls.ClientAuthType, thumbprint string, aliased func(issuer string) string) (url, ca string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{ClientAuth: wants, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	cfg := mockissuer.Demo()
	cfg.URL = server.URL + "/"
	cfg.Clients = append(cfg.Clients, mockissuer.Client{ID: "holder", Certificate: thumbprint})
	iss := testutil.NewIssuer(t, cfg)
	mux.Handle("/", iss.Issuer)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		own := httptest.NewRecorder()
		iss.Issuer.ServeHTTP(own, r)
		var document map[string]any
		if err := json.Unmarshal(own.Body.Bytes(), &document); err != nil {
			t.Error(err)
		}
		if aliased != nil {
			document["mtls_endpoint_aliases"] = map[string]any{"introspection_endpoint": aliased(cfg.URL)}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	})
	return cfg.URL, pemFile(t, "CERTIFICATE", server.Certificate().Raw)
}

// clientCertificate returns the files of a client's certificate and its key, and
// its thumbprint.
func clientCertificate(t *testing.T, ends time.Duration, usage ...x509.ExtKeyUsage) (certificate, key, thumbprint string) {
	t.Helper()
	private := newECKey(t, elliptic.P256())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders-api"}, ExtKeyUsage: usage,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(ends),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return pemFile(t, "CERTIFICATE", der), pemFile(t, "PRIVATE KEY", pkcs8(t, private)), base64.RawURLEncoding.EncodeToString(sum[:])
}

// A client that authenticates by the certificate of its connection.
func TestDoctor_clientCertificate(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	certificate, key, thumbprint := clientCertificate(t, year, x509.ExtKeyUsageClientAuth)
	url, ca := mtlsIssuer(t, tls.RequestClientCert, thumbprint, nil)
	base := []string{"-issuer", url, "-audience", "a", "-ca", ca, "-client-id", "holder"}
	with := func(certificate, key string) []string {
		return append(base[:len(base):len(base)], "-client-certificate-file", certificate, "-client-key-file", key)
	}
	finds(t, "the client's certificate", 0, []string{"good", "answer", "is not active"}, "", with(certificate, key)...)
	finds(t, "what it is", 0, []string{"good", "certificate", "CN=orders-api", "ends on"}, "", with(certificate, key)...)
	finds(t, "its endpoint by flag", 0, []string{"good", "answer", "is not active"}, "", append(with(certificate, key), "-introspection", url+"oauth2/introspect")...)
	finds(t, "another way", 1, []string{"change", "credentials", "401"}, "correct -client-id and the secret", append(base, "-client-secret-file", secretFile(t, "x"))...)

	foreign, foreignKey, _ := clientCertificate(t, year)
	finds(t, "another's certificate", 1, []string{"change", "credentials", "401"}, "register the certificate", with(foreign, foreignKey)...)
	ended, endedKey, endedPrint := clientCertificate(t, -time.Hour)
	url, ca = mtlsIssuer(t, tls.RequestClientCert, endedPrint, nil)
	base = []string{"-issuer", url, "-audience", "a", "-ca", ca, "-client-id", "holder"}
	finds(t, "one that has ended", 1, []string{"change", "certificate", "not the time"}, "renew it", with(ended, endedKey)...)
	soon, soonKey, soonPrint := clientCertificate(t, endsSoon-time.Hour)
	url, ca = mtlsIssuer(t, tls.RequestClientCert, soonPrint, nil)
	base = []string{"-issuer", url, "-audience", "a", "-ca", ca, "-client-id", "holder"}
	finds(t, "one that ends soon", 0, []string{"consider", "certificate"}, "renew it", with(soon, soonKey)...)
	server, serverKey, serverPrint := clientCertificate(t, year, x509.ExtKeyUsageServerAuth)
	url, ca = mtlsIssuer(t, tls.RequestClientCert, serverPrint, nil)
	base = []string{"-issuer", url, "-audience", "a", "-ca", ca, "-client-id", "holder"}
	finds(t, "a server's", 0, []string{"consider", "certificate", "not for clients"}, "client authentication", with(server, serverKey)...)

	// A server that ends a handshake without a certificate, for keys too.
	url, ca = mtlsIssuer(t, tls.RequireAnyClientCert, thumbprint, nil)
	finds(t, "keys behind client certificates", 1, []string{"change", "metadata", "remote error"}, "without a certificate", "-issuer", url, "-audience", "a", "-ca", ca)
	plain := testutil.NewIssuer(t)
	base = []string{"-issuer", plain.URL, "-audience", "a", "-ca", ca, "-client-id", "holder", "-introspection", url + "oauth2/introspect"}
	finds(t, "no certificate where one is wanted", 1, []string{"change", "credentials", "remote error"}, "-client-certificate-file", append(base, "-client-secret-file", secretFile(t, "x"))...)

	code, out, errOut := command(t, "", append([]string{"doctor"}, with(certificate, foreignKey)...)...)
	if code != 1 || !strings.Contains(errOut, "does not match") || out != "" {
		t.Errorf("rsguard doctor, a certificate with another key = %d, %q, %q, want 1 and what is wrong", code, out, errOut)
	}
}

// The endpoint for clients with a certificate may be another (RFC 8705, Section
// 5), which is the one that is asked.
func TestDoctor_alias(t *testing.T) {
	t.Parallel()
	certificate, key, thumbprint := clientCertificate(t, 365*24*time.Hour)
	alias := "mtls/introspect"
	url, ca := mtlsIssuer(t, tls.RequestClientCert, thumbprint, func(issuer string) string { return issuer + alias })
	args := []string{"-issuer", url, "-audience", "a", "-ca", ca, "-client-id", "holder", "-client-certificate-file", certificate, "-client-key-file", key}
	finds(t, "an alias without an endpoint", 1, []string{"change", "answer", url + alias, "404"}, "", args...)
	finds(t, "another endpoint by flag", 0, []string{"good", "answer"}, "", append(args, "-introspection", url+"oauth2/introspect")...)
	url, ca = mtlsIssuer(t, tls.RequestClientCert, thumbprint, func(issuer string) string { return issuer + "oauth2/introspect" })
	args[1], args[5] = url, ca
	finds(t, "an alias", 0, []string{"good", "answer"}, "", args...)
}

// An issuer that says which ways it takes is believed.
func TestDoctor_adviceCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ metadata, method, want, not string }{
		{"", "client_secret_basic", "-client-secret-post", "otherwise"},
		{`{"introspection_endpoint_auth_methods_supported":["client_secret_basic"]}`, "client_secret_basic", "correct -client-id", "-client-secret-post"},
		{`{"introspection_endpoint_auth_methods_supported":["private_key_jwt"]}`, "client_secret_basic", "the server takes \"private_key_jwt\", and not client_secret_basic", "-client-secret-post"},
		{`{"introspection_endpoint_auth_methods_supported":["private_key_jwt"]}`, "private_key_jwt", "the clocks agree", "otherwise"},
		{`{"introspection_endpoint_auth_methods_supported":7}`, "client_secret_post", "correct -client-id", "otherwise"},
	} {
		d := &examiner{metadata: []byte(tt.metadata)}
		got := d.adviceCredentials(credentials{methods: []string{tt.method}})
		if !strings.Contains(got, tt.want) || strings.Contains(got, tt.not) {
			t.Errorf("adviceCredentials(%s, %s) = %q, want %q in it, and not %q", tt.metadata, tt.method, got, tt.want, tt.not)
		}
	}
}
