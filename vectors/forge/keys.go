package forge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"sort"
	"strings"
	"sync"
	"time"
)

// A key is one of rsa, ec or ed.
type key struct {
	kid string
	rsa *rsaKey
	ec  *ecdsa.PrivateKey
	ed  ed25519.PrivateKey
}

func rsaOf(kid string, bits int, e int64) func() *key {
	return sync.OnceValue(func() *key { return &key{kid: kid, rsa: newRSA(kid, bits, e)} })
}

func ecOf(kid string, curve elliptic.Curve) func() *key {
	return sync.OnceValue(func() *key {
		scalar := (&stream{label: kid}).bytes((curve.Params().BitSize + 7) / 8)
		scalar[0] = 0 // below the order of every curve
		k, err := ecdsa.ParseRawPrivateKey(curve, scalar)
		if err != nil {
			panic(err)
		}
		return &key{kid: kid, ec: k}
	})
}

func edOf(kid string) func() *key {
	return sync.OnceValue(func() *key {
		return &key{kid: kid, ed: ed25519.NewKeyFromSeed((&stream{label: kid}).bytes(ed25519.SeedSize))}
	})
}

// The keys. The default issuer signs with those of the set "standard". The
// others belong to other issuers or to attackers, or are unfit.
var (
	rsaKey1     = rsaOf("rsa", 2048, 65537)
	rsaKeyAlg   = rsaOf("rsa-rs256", 2048, 65537) // published with "alg":"RS256"
	rsaKey3     = rsaOf("rsa-e3", 2048, 3)
	p256Key     = ecOf("p256", elliptic.P256())
	p384Key     = ecOf("p384", elliptic.P384())
	p521Key     = ecOf("p521", elliptic.P521())
	edKey       = edOf("ed")
	otherRSA    = rsaOf("other", 2048, 65537)
	otherP256   = ecOf("other-p256", elliptic.P256())
	otherEd     = edOf("other-ed")
	rsa1024     = rsaOf("rsa-1024", 1024, 65537)
	rsa2047     = rsaOf("rsa-2047", 2047, 65537)
	rsa3072     = rsaOf("rsa-3072", 3072, 65537)
	rsa4096     = rsaOf("rsa-4096", 4096, 65537)
	rsa8192     = rsaOf("rsa-8192", 8192, 65537)
	rsa8193     = rsaOf("rsa-8193", 8193, 65537)
	rsaBigE     = rsaOf("rsa-big-e", 2048, 1<<31-1)
	rsaHugeE    = rsaOf("rsa-huge-e", 2048, 1<<33+17)
	p224Key     = ecOf("p224", elliptic.P224())
	tenantBKey  = rsaOf("tenant-b", 2048, 65537)
	standardSet = []func() *key{rsaKey1, rsaKeyAlg, rsaKey3, p256Key, p384Key, p521Key, edKey}
)

var rawURL = base64.RawURLEncoding

func b64(data []byte) string { return rawURL.EncodeToString(data) }

// A member is a name and its JSON text.
type member struct{ name, raw string }

// object writes members in their order, including duplicates.
func object(members []member) string {
	var b strings.Builder
	for i, m := range members {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.WriteString(quote(m.name) + ":" + m.raw)
	}
	if len(members) == 0 {
		b.WriteString("{")
	}
	return b.String() + "}"
}

func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// set replaces the first member of m's name, or adds it.
func set(members []member, m member) []member {
	for i := range members {
		if members[i].name == m.name {
			members[i] = m
			return members
		}
	}
	return append(members, m)
}

func drop(members []member, name string) []member {
	var left []member
	for _, m := range members {
		if m.name != name {
			left = append(left, m)
		}
	}
	return left
}

// public returns the members of k's public JWK (RFC 7518, Section 6, and RFC
// 8037, Section 2).
func (k *key) public() []member {
	m := []member{{"kid", quote(k.kid)}, {"use", `"sig"`}}
	switch {
	case k.rsa != nil:
		return append(m, member{"kty", `"RSA"`}, member{"n", quote(b64(k.rsa.n.Bytes()))}, member{"e", quote(b64(big.NewInt(k.rsa.e).Bytes()))})
	case k.ec != nil:
		x, y := k.point()
		return append(m, member{"kty", `"EC"`}, member{"crv", quote(k.ec.Curve.Params().Name)}, member{"x", quote(b64(x))}, member{"y", quote(b64(y))})
	default:
		return append(m, member{"kty", `"OKP"`}, member{"crv", `"Ed25519"`}, member{"x", quote(b64(k.ed.Public().(ed25519.PublicKey)))})
	}
}

func (k *key) point() (x, y []byte) {
	point, err := k.ec.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	half := len(point) / 2
	return point[1 : 1+half], point[1+half:]
}

// jwk returns k's public JWK with members replaced. A member with an empty text
// is left out.
func jwk(k *key, changes ...member) string {
	m := k.public()
	for _, c := range changes {
		if c.raw == "" {
			m = drop(m, c.name)
		} else {
			m = set(m, c)
		}
	}
	return object(m)
}

func jwks(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// thumbprint returns the thumbprint of RFC 7638.
func (k *key) thumbprint() string {
	parameters := drop(drop(k.public(), "kid"), "use")
	sort.Slice(parameters, func(i, j int) bool { return parameters[i].name < parameters[j].name })
	sum := sha256.Sum256([]byte(object(parameters)))
	return b64(sum[:])
}

// standard is the default issuer's key set.
func standard() string {
	var keys []string
	for _, k := range standardSet {
		if k() == rsaKeyAlg() {
			keys = append(keys, jwk(k(), member{"alg", `"RS256"`}))
			continue
		}
		keys = append(keys, jwk(k()))
	}
	return jwks(keys...)
}

func (k *rsaKey) std() *rsa.PublicKey { return &rsa.PublicKey{N: k.n, E: int(k.e)} }

// Public and Sign make an rsaKey a crypto.Signer, for certificates.
func (k *rsaKey) Public() crypto.PublicKey { return k.std() }

// Sign signs a SHA-256 digest.
func (k *rsaKey) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.private(block(k.size(), 1, 0xff, append(append([]byte(nil), digestInfo[crypto.SHA256]...), digest...))), nil
}

// certificate returns a self-signed certificate, for x5c and for HMAC
// forgeries.
func (k *rsaKey) certificate() []byte {
	template := &x509.Certificate{
		SerialNumber:       big.NewInt(1),
		Subject:            pkix.Name{CommonName: "tenant.example.com"},
		NotBefore:          time.Unix(now, 0).Add(-24 * time.Hour),
		NotAfter:           time.Unix(now, 0).Add(24 * time.Hour),
		SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(nil, template, template, k.std(), k)
	if err != nil {
		panic(err)
	}
	return der
}
