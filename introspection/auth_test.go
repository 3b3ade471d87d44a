package introspection_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"testing"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// How a client proves to be itself, as the server sees it.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		auth  introspection.Authentication
		check func(r *http.Request, form url.Values) bool
	}{
		{"basic", introspection.ClientSecretBasic("a:b c"), func(r *http.Request, form url.Values) bool {
			id, secret, ok := r.BasicAuth()
			return ok && id == "orders-api" && secret == "a%3Ab+c" && len(form) == 2
		}},
		{"post", introspection.ClientSecretPost("a:b c"), func(r *http.Request, form url.Values) bool {
			return r.Header.Get("Authorization") == "" && form.Get("client_id") == "orders-api" && form.Get("client_secret") == "a:b c"
		}},
		{"certificate", introspection.ClientCertificate(), func(r *http.Request, form url.Values) bool {
			return r.Header.Get("Authorization") == "" && form.Get("client_id") == "orders-api" && len(form) == 3
		}},
		{"function", func(_ context.Context, r *introspection.AuthRequest) error {
			r.Header.Set("Authorization", "Bearer our-own-token")
			return nil
		}, func(r *http.Request, form url.Values) bool {
			return r.Header.Get("Authorization") == "Bearer our-own-token" && len(form) == 2
		}},
	} {
		s := &server{}
		ok := false
		s.set(func(r *http.Request, form url.Values) (int, string) {
			ok = tt.check(r, form)
			return 200, good
		})
		cfg := config(s)
		cfg.Auth = tt.auth
		if _, err := newIntrospector(t, cfg).Validate(t.Context(), "token"); err != nil || !ok {
			t.Errorf("%s: Validate() error = %v, and the server was satisfied = %t", tt.name, err, ok)
		}
	}
}

// An assertion is one that another JWT library's rules would accept: rsguard's
// own, which compares everything.
func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for alg, key := range map[validator.Algorithm]crypto.Signer{"RS256": rsaKey, "ES256": ecKey, "EdDSA": edKey} {
		s := &server{}
		ids := map[string]bool{}
		s.set(func(_ *http.Request, form url.Values) (int, string) {
			v, err := validator.New(validator.Config{
				Issuers: []string{"orders-api"}, Audiences: []string{issuer}, Algorithms: []validator.Algorithm{alg},
				Keys: jwks.Set{{ID: "k1", Public: key.Public()}},
			})
			if err != nil {
				t.Error(err)
				return 500, ""
			}
			claims, err := v.Validate(t.Context(), form.Get("client_assertion"))
			if err != nil {
				t.Errorf("%s: the assertion is rejected: %v", alg, err)
				return 401, ""
			}
			if claims.Subject != "orders-api" || claims.ID == "" || ids[claims.ID] || claims.KeyID() != "k1" ||
				claims.ExpiresAt.Sub(claims.IssuedAt).Seconds() != 60 ||
				form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
				t.Errorf("%s: the assertion is %v of %v", alg, claims, form)
			}
			ids[claims.ID] = true
			return 200, good
		})
		cfg := config(s)
		cfg.Auth = introspection.PrivateKeyJWT(key, "k1")
		in := newIntrospector(t, cfg)
		for _, token := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			if _, err := in.Validate(t.Context(), token); err != nil {
				t.Errorf("%s: Validate() error = %v", alg, err)
			}
		}
	}

	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{nil, small, wide} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("PrivateKeyJWT(%T) did not panic", key)
				}
			}()
			introspection.PrivateKeyJWT(key, "")
		}()
	}
}
