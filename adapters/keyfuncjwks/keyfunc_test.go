package keyfuncjwks_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/adapters/keyfuncjwks"
	"github.com/rsguard/rsguard/jwks"
)

// A signer signs tokens with golang-jwt.
type signer struct {
	kid    string
	method jwt.SigningMethod
	key    crypto.Signer
}

func newSigner(kid string, method jwt.SigningMethod) signer {
	s := signer{kid: kid, method: method}
	var err error
	switch method {
	case jwt.SigningMethodES256:
		s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwt.SigningMethodES384:
		s.key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jwt.SigningMethodEdDSA:
		_, s.key, err = ed25519.GenerateKey(rand.Reader)
	case jwt.SigningMethodRS256, jwt.SigningMethodPS256:
		s.key = rsaKey()
	}
	if err != nil {
		panic(err)
	}
	return s
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// public is the signer's key as a key source holds it.
func (s signer) public(alg string) jwks.Key {
	return jwks.Key{ID: s.kid, Algorithm: alg, Public: s.key.Public()}
}

// token is good for an hour; a nil member is left out of the header.
func (s signer) token(t *testing.T, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(s.method, jwt.MapClaims{"sub": "user", "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = s.kid
	for name, value := range header {
		if token.Header[name] = value; value == nil {
			delete(token.Header, name)
		}
	}
	signed, err := token.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func newKeyfunc(t *testing.T, keys interface {
	Keys(context.Context, string) ([]jwks.Key, error)
}) *keyfuncjwks.Keyfunc {
	t.Helper()
	k, err := keyfuncjwks.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyfunc(t *testing.T) {
	t.Parallel()
	es256, es384 := newSigner("shared", jwt.SigningMethodES256), newSigner("shared", jwt.SigningMethodES384)
	eddsa, rs256 := newSigner("ed", jwt.SigningMethodEdDSA), newSigner("rsa", jwt.SigningMethodRS256)
	ps256 := newSigner("rsa", jwt.SigningMethodPS256)
	twin, twin2 := newSigner("twins", jwt.SigningMethodES256), newSigner("twins", jwt.SigningMethodES256)
	stranger := newSigner("stranger", jwt.SigningMethodES256)
	few := newKeyfunc(t, jwks.Set{es256.public(""), es384.public("ES384"), eddsa.public(""), rs256.public("RS256")})
	many := newKeyfunc(t, jwks.Set{es256.public(""), twin.public(""), twin2.public("")})

	noKid := map[string]any{"kid": nil}
	for _, tt := range []struct {
		name  string
		keys  *keyfuncjwks.Keyfunc
		token string
		want  string // in the error; "" if there must be none
	}{
		{"ES256", few, es256.token(t, nil), ""},
		{"ES384 of the same kid", few, es384.token(t, nil), ""},
		{"EdDSA", few, eddsa.token(t, nil), ""},
		{"EdDSA with a key for Ed25519", newKeyfunc(t, jwks.Set{eddsa.public("Ed25519")}), eddsa.token(t, nil), ""},
		{"ES256 with a key for ESP256", newKeyfunc(t, jwks.Set{es256.public("ESP256")}), es256.token(t, nil), ""},
		{"RS256", few, rs256.token(t, nil), ""},
		{"no kid, one key fits", few, es384.token(t, noKid), ""},
		{"empty kid, one key fits", few, eddsa.token(t, map[string]any{"kid": ""}), ""},
		{"PS256 with a key for RS256", few, ps256.token(t, nil), "0 keys fit the algorithm PS256"},
		{"unknown kid", few, stranger.token(t, nil), "key not found"},
		{"signed by somebody else", few, stranger.token(t, map[string]any{"kid": "shared"}), "signature is invalid"},
		{"twins", many, twin.token(t, nil), "2 keys fit"},
		{"no kid, three keys fit", many, es256.token(t, noKid), "3 keys fit"},
		{"kid among twins", many, es256.token(t, nil), ""},
		{"kid is a number", few, es256.token(t, map[string]any{"kid": 1}), `"kid" is not a string`},
		{"kid is null", few, null(t, es256), `"kid" is not a string`},
		{"alg of a shared secret", few, hmac(t, rs256), `"alg" is "HS256"`},
		{"alg none", few, none(t), `"alg" is "none"`},
		{"crit", few, es256.token(t, map[string]any{"crit": []string{"exp"}}), `has "crit"`},
		{"empty crit", few, es256.token(t, map[string]any{"crit": []string{}}), `has "crit"`},
		{"b64 false", few, es256.token(t, map[string]any{"b64": false}), `"b64" other than true`},
		{"b64 true", few, es256.token(t, map[string]any{"b64": true}), ""},
	} {
		for name, f := range map[string]jwt.Keyfunc{"Keyfunc": tt.keys.Keyfunc, "KeyfuncCtx": tt.keys.KeyfuncCtx(t.Context())} {
			token, err := jwt.Parse(tt.token, f)
			switch {
			case tt.want == "" && (err != nil || !token.Valid):
				t.Errorf("Parse(%s) with %s: %v, want none", tt.name, name, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Parse(%s) with %s: %v, want %q", tt.name, name, err, tt.want)
			case tt.want != "" && tt.want != "signature is invalid" && !errors.Is(err, keyfunc.ErrKeyfunc):
				t.Errorf("Parse(%s) with %s: %v, want keyfunc.ErrKeyfunc", tt.name, name, err)
			}
		}
	}
	if _, err := few.Keyfunc(nil); !errors.Is(err, keyfunc.ErrKeyfunc) {
		t.Errorf("Keyfunc(nil) error = %v, want keyfunc.ErrKeyfunc", err)
	}
	if _, err := few.Keyfunc(&jwt.Token{}); !errors.Is(err, keyfunc.ErrKeyfunc) {
		t.Errorf("Keyfunc(empty token) error = %v, want keyfunc.ErrKeyfunc", err)
	}
}

func null(t *testing.T, s signer) string {
	token := jwt.NewWithClaims(s.method, jwt.MapClaims{})
	token.Header["kid"] = json.RawMessage("null")
	signed, err := token.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// hmac is the old trick: a MAC whose secret is the public key.
func hmac(t *testing.T, s signer) string {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{})
	token.Header["kid"] = s.kid
	signed, err := token.SignedString([]byte("whatever the public key is"))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func none(t *testing.T) string {
	signed, err := jwt.New(jwt.SigningMethodNone).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestNew(t *testing.T) {
	t.Parallel()
	if k, err := keyfuncjwks.New(nil); err == nil {
		t.Errorf("New(nil) = %v, want an error", k)
	}
	if k, err := keyfuncjwks.New((*jwks.Cache)(nil)); err == nil {
		t.Errorf("New(nil *jwks.Cache) = %v, want an error", k)
	}
}

// An issuer whose key set can be changed, and which can be down.
func newIssuer(t *testing.T, set string) (url string, serve func(string), down *atomic.Bool) {
	var body atomic.Pointer[string]
	body.Store(&set)
	down = new(atomic.Bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, *body.Load())
	}))
	t.Cleanup(server.Close)
	return server.URL, func(s string) { body.Store(&s) }, down
}

// keySet writes keys by way of jwkset, which is none of ours.
func keySet(t *testing.T, signers ...signer) string {
	t.Helper()
	m := jwkset.NewMemoryStorage()
	for _, s := range signers {
		k, err := jwkset.NewJWKFromKey(s.key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: s.kid}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.KeyWrite(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	text, err := m.JSONPublic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// golang-jwt over a Cache: a new key is found at once, and an outage doesn't
// matter.
func TestKeyfunc_cache(t *testing.T) {
	t.Parallel()
	first, second := newSigner("1", jwt.SigningMethodES256), newSigner("2", jwt.SigningMethodEdDSA)
	url, serve, down := newIssuer(t, keySet(t, first))
	cache, err := jwks.NewCache(jwks.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	k := newKeyfunc(t, cache)

	down.Store(true)
	if _, err := jwt.Parse(first.token(t, nil), k.Keyfunc); !errors.Is(err, jwks.ErrUnavailable) {
		t.Errorf("Parse before there are keys: %v, want jwks.ErrUnavailable", err)
	}
	down.Store(false)
	if err := cache.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	serve(keySet(t, first, second))
	for _, s := range []signer{first, second} {
		if _, err := jwt.Parse(s.token(t, nil), k.Keyfunc); err != nil {
			t.Errorf("Parse(token of key %s): %v", s.kid, err)
		}
	}
	down.Store(true)
	if _, err := jwt.Parse(second.token(t, nil), k.Keyfunc); err != nil {
		t.Errorf("Parse in an outage: %v", err)
	}
	third := newSigner("3", jwt.SigningMethodES256).token(t, nil)
	if _, err := jwt.Parse(third, k.Keyfunc); !errors.Is(err, jwks.ErrUnavailable) || errors.Is(err, jwkset.ErrKeyNotFound) {
		t.Errorf("Parse(unknown kid) in an outage: %v, want jwks.ErrUnavailable", err)
	}
	down.Store(false)
	if err := cache.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Parse(third, k.Keyfunc); !errors.Is(err, jwkset.ErrKeyNotFound) {
		t.Errorf("Parse(unknown kid) after it: %v, want jwkset.ErrKeyNotFound", err)
	}
}

// The request's context ends the wait.
func TestKeyfunc_context(t *testing.T) {
	t.Parallel()
	s := newSigner("1", jwt.SigningMethodES256)
	k := newKeyfunc(t, waiting{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := jwt.Parse(s.token(t, nil), k.KeyfuncCtx(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("Parse for a caller that has left: %v, want context.Canceled", err)
	}
	if _, err := k.VerificationKeySet(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("VerificationKeySet for a caller that has left: %v, want context.Canceled", err)
	}
}

// waiting is a key source that answers when its caller has left.
type waiting struct{}

func (waiting) Keys(ctx context.Context, _ string) ([]jwks.Key, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestKeyfunc_Storage(t *testing.T) {
	t.Parallel()
	one, two := newSigner("1", jwt.SigningMethodES256), newSigner("2", jwt.SigningMethodRS256)
	ed := newSigner("2", jwt.SigningMethodEdDSA)
	ctx := t.Context()
	set := jwks.Set{one.public("ES256"), two.public(""), ed.public("EdDSA")}
	k := newKeyfunc(t, set)
	s := k.Storage()

	read, err := s.KeyRead(ctx, "1")
	if err != nil || read.Key() != one.key.Public() || read.Marshal().ALG != "ES256" || read.Marshal().USE != "sig" || read.Marshal().KID != "1" {
		t.Errorf("KeyRead(1) = %+v, %v, want the first key", read.Marshal(), err)
	}
	if _, err := s.KeyRead(ctx, "2"); err == nil || !strings.Contains(err.Error(), "2 keys for kid") {
		t.Errorf("KeyRead(2) error = %v, want one about two keys", err)
	}
	if _, err := s.KeyRead(ctx, ""); err == nil || !strings.Contains(err.Error(), "3 keys for kid") {
		t.Errorf(`KeyRead("") error = %v, want one about three keys`, err)
	}
	if _, err := s.KeyRead(ctx, "3"); !errors.Is(err, jwkset.ErrKeyNotFound) {
		t.Errorf("KeyRead(3) error = %v, want jwkset.ErrKeyNotFound", err)
	}
	if all, err := s.KeyReadAll(ctx); len(all) != 3 || err != nil {
		t.Errorf("KeyReadAll = %d keys, %v, want 3", len(all), err)
	}
	if all, err := k.VerificationKeySet(ctx); len(all.Keys) != 3 || err != nil {
		t.Errorf("VerificationKeySet = %d keys, %v, want 3", len(all.Keys), err)
	}

	// Every form of JSON is one that we would read again, as the same keys.
	for name, marshal := range map[string]func() (json.RawMessage, error){
		"JSON":        func() (json.RawMessage, error) { return s.JSON(ctx) },
		"JSONPublic":  func() (json.RawMessage, error) { return s.JSONPublic(ctx) },
		"JSONPrivate": func() (json.RawMessage, error) { return s.JSONPrivate(ctx) },
		"JSONWithOptions": func() (json.RawMessage, error) {
			return s.JSONWithOptions(ctx, jwkset.JWKMarshalOptions{Private: true}, jwkset.JWKValidateOptions{})
		},
		"Marshal": func() (json.RawMessage, error) {
			m, err := s.Marshal(ctx)
			return must(t, m, err)
		},
		"MarshalWithOptions": func() (json.RawMessage, error) {
			m, err := s.MarshalWithOptions(ctx, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
			return must(t, m, err)
		},
	} {
		text, err := marshal()
		if err != nil {
			t.Errorf("%s error = %v", name, err)
			continue
		}
		again, err := jwks.Parse(text)
		if err != nil || len(again) != len(set) {
			t.Errorf("%s = %s, which is %d keys, %v, want 3", name, text, len(again), err)
			continue
		}
		for i, key := range again {
			if public, ok := key.Public.(interface{ Equal(crypto.PublicKey) bool }); !ok || key.ID != set[i].ID || !public.Equal(set[i].Public) {
				t.Errorf("%s: key %d is %+v, want %+v", name, i, key, set[i])
			}
		}
	}

	for name, err := range map[string]error{
		"KeyWrite":      s.KeyWrite(ctx, read),
		"KeyReplaceAll": s.KeyReplaceAll(ctx, nil),
		"KeyDelete":     second(s.KeyDelete(ctx, "1")),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s error = %v, want errors.ErrUnsupported", name, err)
		}
	}

	// Outages pass through.
	s = newKeyfunc(t, down{}).Storage()
	_, errJSON := s.JSON(ctx)
	_, errMarshal := s.Marshal(ctx)
	_, errRead := s.KeyRead(ctx, "1")
	for _, err := range []error{errJSON, errMarshal, errRead} {
		if !errors.Is(err, jwks.ErrUnavailable) {
			t.Errorf("reading in an outage: %v, want jwks.ErrUnavailable", err)
		}
	}
}

type down struct{}

func (down) Keys(context.Context, string) ([]jwks.Key, error) { return nil, jwks.ErrUnavailable }

func must(t *testing.T, m jwkset.JWKSMarshal, err error) (json.RawMessage, error) {
	t.Helper()
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func second(_ bool, err error) error { return err }

// keyfunc's own implementation over our storage.
func TestKeyfunc_storageBehindKeyfunc(t *testing.T) {
	t.Parallel()
	one, two := newSigner("1", jwt.SigningMethodES256), newSigner("2", jwt.SigningMethodEdDSA)
	theirs, err := keyfunc.New(keyfunc.Options{
		Storage:      newKeyfunc(t, jwks.Set{one.public(""), two.public("Ed25519")}).Storage(),
		UseWhitelist: []jwkset.USE{jwkset.UseSig},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []signer{one, two} {
		if _, err := jwt.Parse(s.token(t, nil), theirs.Keyfunc); err != nil {
			t.Errorf("Parse(token of key %s) = %v", s.kid, err)
		}
	}
}
