package issuers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func TestKubernetesInCluster(t *testing.T) {
	iss, keySet := signer(t)
	const cluster = "https://kubernetes.default.svc.cluster.local"
	shape, _ := mockissuer.ShapeOf("Kubernetes")
	shape.Issuer, shape.Algorithm = cluster, "ES256"
	token := func(claims map[string]any) string {
		return sign(t, iss, shape.Other(mockissuer.OtherToken{Claims: claims}, iss.Now()))
	}
	own := token(map[string]any{"aud": []any{cluster}, "sub": "system:serviceaccount:shop:orders"})
	later := token(map[string]any{"aud": []any{cluster}, "jti": "2"})

	var sent atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Store(r.Header.Get("Authorization"))
		if r.URL.Path != "/openid/v1/jwks" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(keySet))
	}))
	defer server.Close()

	dir := t.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token", []byte(own+"\n"))
	write("ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))

	cfg, err := issuers.Kubernetes(issuers.Pod{Dir: dir, Server: server.URL}, "orders-api", "shop:web")
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	write("token", []byte(later)) // before the keys are fetched
	if _, err := v.Validate(t.Context(), token(nil)); err != nil {
		t.Errorf("Validate(token of shop:web) = %v, want it accepted", err)
	}
	if got, want := sent.Load(), "Bearer "+later; got != want {
		t.Error("the keys were not asked for with the pod's token of that time")
	}
	for _, tt := range []struct {
		claim string
		value any
		want  validator.Code
	}{
		{"sub", "system:serviceaccount:shop:cron", validator.CodeRefused},
		{"aud", []any{cluster}, validator.CodeAudience},
		{"iss", "https://kubernetes.default.svc.cluster.example", validator.CodeIssuer},
	} {
		if _, err := v.Validate(t.Context(), token(map[string]any{tt.claim: tt.value})); validator.CodeOf(err) != tt.want {
			t.Errorf("Validate(%s = %v) code = %q, want %q", tt.claim, tt.value, validator.CodeOf(err), tt.want)
		}
	}

	// A CA that is not the cluster's proves nothing.
	write("ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: otherCertificate(t)}))
	cfg, err = issuers.Kubernetes(issuers.Pod{Dir: dir, Server: server.URL}, "orders-api", "shop:web")
	if err != nil {
		t.Fatal(err)
	}
	if v, err = validator.New(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Validate(t.Context(), token(nil)); validator.CodeOf(err) != validator.CodeUnavailable {
		t.Errorf("Validate with another CA code = %q, want %q", validator.CodeOf(err), validator.CodeUnavailable)
	}
}

// otherCertificate returns a certificate that signed nothing of the server's.
func otherCertificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
