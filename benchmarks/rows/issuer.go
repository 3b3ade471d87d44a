package rows

import (
	"crypto"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"time"
)

const (
	// KeyID is the "kid" of the issuer's tokens.
	KeyID     = "c9Xb2nQ7wLr5Tz1k"
	nextKeyID = "m4Vd8sHy3Gp6Ja0e" // published as well, as before a rotation
)

// An Issuer is an authorization server on a loopback address. It publishes
// metadata and two keys.
type Issuer struct {
	URL       string // the "iss" of its tokens, with Auth0's slash at the end
	KeySetURL string
	Algorithm string
	KeySet    []byte // the JWK set that KeySetURL serves
	Public    crypto.PublicKey
	Token     string            // good for a day
	Bad       map[string]string // tokens to reject, by what is wrong with them

	key    crypto.Signer
	server *httptest.Server
}

// NewIssuer starts an issuer that signs with the algorithm. It serves until
// Close.
func NewIssuer(alg string) (*Issuer, error) {
	key, err := generateKey(alg)
	if err != nil {
		return nil, err
	}
	next, err := generateKey(alg)
	if err != nil {
		return nil, err
	}
	keySet, err := json.Marshal(map[string]any{"keys": []any{
		publicJWK(alg, nextKeyID, next.Public()),
		publicJWK(alg, KeyID, key.Public()),
	}})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	i := &Issuer{Algorithm: alg, KeySet: keySet, Public: key.Public(), key: key, server: httptest.NewServer(mux)}
	i.URL = i.server.URL + "/"
	i.KeySetURL = i.URL + "jwks.json"

	metadata, err := json.Marshal(map[string]any{
		"issuer":                                i.URL,
		"jwks_uri":                              i.KeySetURL,
		"authorization_endpoint":                i.URL + "authorize",
		"token_endpoint":                        i.URL + "token",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{alg},
	})
	if err != nil {
		i.Close()

		return nil, err
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", serve(metadata))
	mux.HandleFunc("GET /jwks.json", serve(i.KeySet))

	if err := i.issue(key, next); err != nil {
		i.Close()

		return nil, err
	}

	return i, nil
}

// Close stops the issuer's server.
func (i *Issuer) Close() { i.server.Close() }

// Sign returns another good token. These claims are added to the usual ones or
// replace them.
func (i *Issuer) Sign(changes map[string]any) (string, error) {
	all := claims(i.URL)
	maps.Copy(all, changes)

	return sign(i.Algorithm, KeyID, i.key, all)
}

func serve(document []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(document) // a client that went away will ask again
	}
}

// issue signs the good token and, from the same claims, tokens with one fault
// each.
func (i *Issuer) issue(key, other crypto.Signer) error {
	good := claims(i.URL)
	stranger, err := generateKey(i.Algorithm)
	if err != nil {
		return err
	}
	tokens := []struct {
		name   string
		kid    string
		key    crypto.Signer
		claims map[string]any
	}{
		{"", KeyID, key, good},
		{"issuer", KeyID, key, with(good, "iss", "https://issuer.example.net/")},
		{"audience", KeyID, key, with(good, "aud", []string{"https://api.example.net/"})},
		{"expiry", KeyID, key, with(good, "exp", time.Now().Add(-time.Hour).Unix())},
		{"key of another kid", KeyID, other, good},
		{"key of nobody", "x1Fz6uKc0Ri9Eo5b", stranger, good},
	}

	i.Bad = make(map[string]string)
	for _, t := range tokens {
		token, err := sign(i.Algorithm, t.kid, t.key, t.claims)
		if err != nil {
			return fmt.Errorf("sign %s: %w", t.name, err)
		}
		if t.name == "" {
			i.Token = token
		} else {
			i.Bad[t.name] = token
		}
	}
	i.Bad["signature"] = flip(i.Token, len(i.Token)-20)
	i.Bad["claims under another's signature"] = flip(i.Token, len(i.Token)/2)

	return nil
}

// flip changes one bit of the base64url character at the index.
func flip(token string, index int) string {
	changed := []byte(token)
	if changed[index] == 'A' {
		changed[index] = 'B'
	} else {
		changed[index] = 'A'
	}

	return string(changed)
}
