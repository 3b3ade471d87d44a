package jwks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

func TestNewCache(t *testing.T) {
	t.Parallel()
	weak := new(big.Int).SetBit(big.NewInt(1), 1023, 1)
	for _, tt := range []struct {
		name string
		cfg  jwks.Config
		want []string // all in one error; nothing if there is to be none
	}{
		{"issuer", jwks.Config{Issuer: "https://issuer.example/"}, nil},
		{"URL", jwks.Config{URL: "https://issuer.example/keys?p=policy"}, nil},
		{"both", jwks.Config{Issuer: "https://issuer.example", URL: "https://keys.example:8443"}, nil},
		{"http, IPv4 loopback", jwks.Config{URL: "http://127.1.2.3:80/"}, nil},
		{"http, IPv6 loopback", jwks.Config{URL: "http://[::1]/"}, nil},
		{"http, localhost", jwks.Config{Issuer: "http://localhost:8080"}, nil},
		{"upper case", jwks.Config{Issuer: "HTTPS://Issuer.example/"}, nil},
		{"all negative that may be", jwks.Config{URL: "https://a", UnknownKeyInterval: -1, MaxStale: math.MinInt64}, nil},
		{"all at most", jwks.Config{URL: "https://a", TTL: math.MaxInt64, MinTTL: math.MaxInt64, MaxTTL: math.MaxInt64,
			UnknownKeyInterval: math.MaxInt64, MaxStale: math.MaxInt64, Timeout: math.MaxInt64}, nil},
		{"MinTTL is MaxTTL", jwks.Config{URL: "https://a", MinTTL: time.Minute, MaxTTL: time.Minute}, nil},
		{"no seed", jwks.Config{URL: "https://a", Seed: jwks.Set{}}, nil},

		{"an issuer that is no URL, and a URL", jwks.Config{Issuer: "accounts.google.com", URL: "https://keys.example/"}, nil},
		{"metadata elsewhere", jwks.Config{Issuer: "https://issuer.example", MetadataURL: "https://inside.example/.well-known/openid-configuration?p=policy"}, nil},
		{"metadata elsewhere, of an issuer that is no URL", jwks.Config{Issuer: "acme", MetadataURL: "https://inside.example/"}, nil},
		{"http", jwks.Config{Issuer: "http://keycloak:8080/realms/shop", InsecureHTTP: true}, nil},
		{"http, of the key set", jwks.Config{URL: "http://keycloak:8080/certs", InsecureHTTP: true}, nil},
		{"http, of the metadata", jwks.Config{Issuer: "https://issuer.example", MetadataURL: "http://keycloak:8080/", InsecureHTTP: true}, nil},

		{"ftp", jwks.Config{URL: "ftp://keycloak/certs", InsecureHTTP: true}, []string{"URL is neither"}},
		{"http, and a password", jwks.Config{URL: "http://a:SECRET@keycloak/", InsecureHTTP: true}, []string{"URL has credentials"}},
		{"http of the metadata, unsaid", jwks.Config{Issuer: "https://issuer.example", MetadataURL: "http://keycloak:8080/"},
			[]string{`MetadataURL is neither https nor http on a loopback host, but http on "keycloak": Config.InsecureHTTP accepts http`}},
		{"metadata and URL", jwks.Config{Issuer: "https://issuer.example", MetadataURL: "https://a", URL: "https://b"}, []string{"MetadataURL and Config.URL exclude each other"}},
		{"metadata of nobody", jwks.Config{MetadataURL: "https://a"}, []string{"MetadataURL needs Config.Issuer"}},
		{"password in an issuer that is only a name", jwks.Config{Issuer: "https://a:SECRET@issuer.example/", URL: "https://a"}, []string{"Issuer has credentials"}},
		{"an issuer with a line break", jwks.Config{Issuer: "a\nb", URL: "https://a"}, []string{"Issuer has characters that can't be printed"}},
		{"nothing", jwks.Config{}, []string{"Issuer and Config.URL are both empty"}},
		{"http", jwks.Config{Issuer: "http://issuer.example/"}, []string{"Issuer is neither https nor http on a loopback host"}},
		{"http, almost loopback", jwks.Config{URL: "http://127.0.0.1.example/"}, []string{"URL is neither"}},
		{"http, localhost in front", jwks.Config{URL: "http://localhost.example/"}, []string{"URL is neither"}},
		{"http, loopback as user", jwks.Config{URL: "http://127.0.0.1@issuer.example/"}, []string{"URL has credentials"}},
		{"http, 0.0.0.0", jwks.Config{URL: "http://0.0.0.0/"}, []string{"URL is neither"}},
		{"no scheme", jwks.Config{Issuer: "issuer.example"}, []string{"Issuer has no host: keys are discovered by it; if Config.URL is set, any text can be an issuer"}},
		{"no host", jwks.Config{URL: "https:///keys"}, []string{"URL has no host"}},
		{"port alone", jwks.Config{URL: "https://:443/keys"}, []string{"URL has no host"}},
		{"opaque", jwks.Config{URL: "https:issuer.example"}, []string{"URL has no host"}},
		{"file", jwks.Config{URL: "file://localhost/etc/keys"}, []string{"URL is neither"}},
		{"space in front", jwks.Config{URL: " https://issuer.example"}, []string{"URL has characters that no URL has"}},
		{"line break", jwks.Config{URL: "https://issuer.example/\n"}, []string{"URL has characters that no URL has"}},
		{"password", jwks.Config{URL: "https://a:SECRET@issuer.example/"}, []string{"URL has credentials"}},
		{"password, no URL", jwks.Config{URL: "https://a:SECRET@issuer.example:port/"}, []string{"URL is not a URL"}},
		{"fragment", jwks.Config{URL: "https://issuer.example/keys#1"}, []string{"URL has a fragment"}},
		{"empty fragment", jwks.Config{Issuer: "https://issuer.example/#"}, []string{"Issuer has a fragment"}},
		{"issuer with a query", jwks.Config{Issuer: "https://issuer.example/?a=b"}, []string{"has a query"}},
		{"issuer with an empty query", jwks.Config{Issuer: "https://issuer.example/?"}, []string{"has a query"}},
		{"all wrong", jwks.Config{Issuer: "\x00", URL: "y", TTL: -1, MinTTL: -2, MaxTTL: -3, Timeout: -5, Seed: jwks.Set{{ID: "1"}}},
			[]string{"Issuer has characters", "URL has no host", "TTL is negative: -1ns", "MinTTL is negative", "MaxTTL is negative", "MinTTL, -2ns, is over", "Timeout is negative", "Seed: key 0"}},
		{"MinTTL over the default MaxTTL", jwks.Config{URL: "https://a", MinTTL: 2 * time.Hour}, []string{"MinTTL, 2h0m0s, is over MaxTTL, 1h0m0s"}},
		{"a seed's time without a seed", jwks.Config{URL: "https://a", SeedTime: time.Unix(1, 0)}, []string{"SeedTime needs Config.Seed"}},
		{"a fallback", jwks.Config{URL: "https://a", Fallback: jwks.Set{{ID: "1", Public: generator}}, FallbackUntil: time.Unix(1, 0)}, nil},
		{"a fallback without an end", jwks.Config{URL: "https://a", Fallback: jwks.Set{{ID: "1", Public: generator}}}, []string{"Fallback and Config.FallbackUntil need each other"}},
		{"an end without a fallback", jwks.Config{URL: "https://a", FallbackUntil: time.Unix(1, 0)}, []string{"Fallback and Config.FallbackUntil need each other"}},
		{"a weak fallback", jwks.Config{URL: "https://a", Fallback: jwks.Set{{ID: "1", Public: &rsa.PublicKey{N: weak, E: 3}}}, FallbackUntil: time.Unix(1, 0)}, []string{`Fallback: key 0 (kid "1"): an RSA key of 1024 bits`}},
		{"User-Agent", jwks.Config{URL: "https://a", UserAgent: "orders/1.0 (+https://example.com)"}, nil},
		{"User-Agent with a line break", jwks.Config{URL: "https://a", UserAgent: "a\nb"}, []string{"UserAgent is not printable ASCII of at most 256 bytes"}},
		{"long User-Agent", jwks.Config{URL: "https://a", UserAgent: strings.Repeat("a", 257)}, []string{"UserAgent is not"}},
		{"weak seed", jwks.Config{URL: "https://a", Seed: jwks.Set{{ID: "1", Public: &rsa.PublicKey{N: weak, E: 3}}}}, []string{`Seed: key 0 (kid "1"): an RSA key of 1024 bits`}},
		{"private seed", jwks.Config{URL: "https://a", Seed: jwks.Set{{Public: &rsa.PrivateKey{}}}}, []string{"a key of type *rsa.PrivateKey"}},
		{"seed for another algorithm", jwks.Config{URL: "https://a", Seed: jwks.Set{{Algorithm: "RS256", Public: generator}}}, []string{`not a key for "RS256"`}},
	} {
		c, err := jwks.NewCache(tt.cfg)
		if (c == nil) == (err == nil) || (err == nil) != (len(tt.want) == 0) {
			t.Errorf("NewCache(%s) = %v, %v, want %q", tt.name, c, err, tt.want)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("NewCache(%s) error = %v, want %q in it", tt.name, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("NewCache(%s) error = %v, want no password in it", tt.name, err)
		}
	}
}

// generator is the base point of P-256: on the curve, and as good as any for
// what is not about signatures.
var generator = &ecdsa.PublicKey{Curve: elliptic.P256(), X: elliptic.P256().Params().Gx, Y: elliptic.P256().Params().Gy}
