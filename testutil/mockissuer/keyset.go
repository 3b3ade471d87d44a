package mockissuer

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // G505: x5t is a SHA-1 thumbprint by definition
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"time"
)

// A jwk is a public key in the form of RFC 7517.
type jwk struct {
	Kty string   `json:"kty"`
	Use string   `json:"use"`
	Alg string   `json:"alg"`
	Kid string   `json:"kid"`
	N   string   `json:"n,omitempty"`
	E   string   `json:"e,omitempty"`
	Crv string   `json:"crv,omitempty"`
	X   string   `json:"x,omitempty"`
	Y   string   `json:"y,omitempty"`
	X5t string   `json:"x5t,omitempty"`
	X5c []string `json:"x5c,omitempty"`
}

func (k *key) jwk() (jwk, error) {
	out := jwk{Use: "sig", Alg: k.alg, Kid: k.id}
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		out.Kty = "RSA"
		out.N = encode(public.N.Bytes())
		out.E = encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, x, y
		if err != nil {
			return jwk{}, err
		}
		size := (len(point) - 1) / 2
		out.Kty, out.Crv = "EC", public.Curve.Params().Name
		out.X, out.Y = encode(point[1:1+size]), encode(point[1+size:])
	case ed25519.PublicKey:
		out.Kty, out.Crv, out.X = "OKP", "Ed25519", encode(public)
	default:
		return jwk{}, fmt.Errorf("mockissuer: a %T has no JWK", public)
	}
	return out, nil
}

// certify adds a self-signed certificate to an RSA key's JWK, as Auth0 does.
func (k *key) certify(out *jwk, host string, now time.Time) error {
	if out.Kty != "RSA" {
		return nil
	}
	if k.x5c == nil {
		template := x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()),
			Subject:      pkix.Name{CommonName: host},
			NotBefore:    now,
			NotAfter:     now.AddDate(13, 0, 0),
		}
		der, err := x509.CreateCertificate(rand.Reader, &template, &template, k.private.Public(), k.private)
		if err != nil {
			return err
		}
		k.x5c = der
	}
	sum := sha1.Sum(k.x5c) //nolint:gosec // G401: see the import
	out.X5c = []string{base64.StdEncoding.EncodeToString(k.x5c)}
	out.X5t = encode([]byte(hex.EncodeToString(sum[:])))
	return nil
}

// KeySet returns the issuer's key set as it is published (RFC 7517, Section 5).
func (iss *Issuer) KeySet() ([]byte, error) {
	now := iss.Now()
	iss.mu.Lock()
	defer iss.mu.Unlock()

	if err := iss.ensureKeys(); err != nil {
		return nil, err
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, k := range iss.keys {
		public, err := k.jwk()
		if err != nil {
			return nil, err
		}
		if iss.cfg.Certificates {
			if err := k.certify(&public, iss.URL, now); err != nil {
				return nil, err
			}
		}
		set.Keys = append(set.Keys, public)
	}
	return json.Marshal(set)
}

// serveKeySet sends the header fields that Auth0 sends. The keys are fresh for
// 15 seconds, and may be used for a day in an outage.
func (iss *Issuer) serveKeySet(w http.ResponseWriter, r *http.Request) {
	set, err := iss.KeySet()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	serveDocument(w, r, set)
}

// serveDocument sends a public JSON document, or 304 if the client has it.
func serveDocument(w http.ResponseWriter, r *http.Request, body []byte) {
	sum := sha256.Sum256(body)
	etag := `"` + encode(sum[:16]) + `"`

	w.Header().Set("Etag", etag)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body)
}
