package keyfuncjwks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/adapters/keyfuncjwks"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// existing makes a keyfunc.Keyfunc over a storage, as a service may have it.
func existing(t *testing.T, s jwkset.Storage) keyfunc.Keyfunc {
	t.Helper()
	k, err := keyfunc.New(keyfunc.Options{Storage: s})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func source(t *testing.T, s jwkset.Storage) *keyfuncjwks.KeySource {
	t.Helper()
	source, err := keyfuncjwks.Source(existing(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// memory holds keys, whatever jwkset thinks of them.
func memory(t *testing.T, keys ...jwkset.JWK) *jwkset.MemoryJWKSet {
	t.Helper()
	m := jwkset.NewMemoryStorage()
	for _, key := range keys {
		if err := m.KeyWrite(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func jwk(t *testing.T, key any, meta jwkset.JWKMetadataOptions) jwkset.JWK {
	t.Helper()
	k, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{
		Metadata: meta,
		Marshal:  jwkset.JWKMarshalOptions{Private: true},
		Validate: jwkset.JWKValidateOptions{SkipAll: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSource_usability(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024) // to be rejected
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := &private.PublicKey
	type meta = jwkset.JWKMetadataOptions
	for _, tt := range []struct {
		name string
		key  jwkset.JWK
		want bool
	}{
		{"good", jwk(t, public, meta{KID: "1"}), true},
		{"for signatures", jwk(t, public, meta{KID: "1", USE: "sig", ALG: "ES256", KEYOPS: []jwkset.KEYOPS{"sign", "verify"}}), true},
		{"for encryption", jwk(t, public, meta{KID: "1", USE: "enc"}), false},
		{"to sign", jwk(t, public, meta{KID: "1", KEYOPS: []jwkset.KEYOPS{"sign"}}), false},
		{"another algorithm", jwk(t, public, meta{KID: "1", ALG: "ES384"}), false},
		{"algorithm of encryption", jwk(t, public, meta{KID: "1", ALG: "ECDH-ES"}), false},
		{"private", jwk(t, private, meta{KID: "1"}), false},
		{"symmetric", jwk(t, []byte("0123456789abcdef0123456789abcdef"), meta{KID: "1"}), false},
		{"RSA 1024", jwk(t, &weak.PublicKey, meta{KID: "1"}), false},
		{"RSA 2048", jwk(t, &rsaKey().PublicKey, meta{KID: "1"}), true},
		{"P-224", jwk(t, &p224.PublicKey, meta{KID: "1"}), false},
		{"zero", jwkset.JWK{}, false},
	} {
		got, err := source(t, memory(t, tt.key)).Keys(t.Context(), "1")
		if tt.want && (err != nil || len(got) != 1) || !tt.want && (!errors.Is(err, jwks.ErrUnavailable) || len(got) != 0) {
			t.Errorf("Keys(1) of a %s key = %v, %v, want usable = %t", tt.name, got, err, tt.want)
		}
		// Beside a good one it is left out.
		beside := memory(t, tt.key, jwk(t, public, meta{KID: "good"}))
		if got, err := source(t, beside).Keys(t.Context(), "1"); err != nil || (len(got) == 1) != tt.want {
			t.Errorf("Keys(1) of a %s key beside a good one = %v, %v, want found = %t", tt.name, got, err, tt.want)
		}
		if got, err := source(t, beside).Keys(t.Context(), "good"); err != nil || len(got) != 1 {
			t.Errorf("Keys(good) beside a %s key = %v, %v, want it", tt.name, got, err)
		}
	}
}

// broken is a storage with faults of its own.
type broken struct {
	jwkset.Storage
	readAll, read error
}

func (b broken) KeyReadAll(ctx context.Context) ([]jwkset.JWK, error) {
	if b.readAll != nil {
		return nil, b.readAll
	}
	return b.Storage.KeyReadAll(ctx)
}

func (b broken) KeyRead(ctx context.Context, kid string) (jwkset.JWK, error) {
	if b.read != nil {
		return jwkset.JWK{}, b.read
	}
	return b.Storage.KeyRead(ctx, kid)
}

func TestSource_faults(t *testing.T) {
	t.Parallel()
	s := newSigner("1", jwt.SigningMethodES256)
	holding := memory(t, jwk(t, s.key.Public(), jwkset.JWKMetadataOptions{KID: "1"}))
	database := fmt.Errorf("database: %w", context.DeadlineExceeded)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		storage jwkset.Storage
		kid     string
		found   int
		want    error
	}{
		{"known", t.Context(), holding, "1", 1, nil},
		{"unknown", t.Context(), holding, "2", 0, nil},
		{"no kid", t.Context(), holding, "", 1, nil},
		{"nothing held", t.Context(), memory(t), "1", 0, jwks.ErrUnavailable},
		{"nothing held, no kid", t.Context(), memory(t), "", 0, jwks.ErrUnavailable},
		{"storage down", t.Context(), broken{holding, database, database}, "1", 0, jwks.ErrUnavailable},
		{"storage too busy to look for an unknown kid", t.Context(), broken{holding, nil, errors.New("rate limit")}, "2", 0, nil},
		{"and with nothing held", t.Context(), broken{memory(t), nil, errors.New("rate limit")}, "2", 0, jwks.ErrUnavailable},
		{"the caller leaves, no list", cancelled, broken{holding, database, database}, "1", 0, context.Canceled},
		{"the caller leaves, unknown kid", cancelled, broken{holding, nil, database}, "2", 0, context.Canceled},
	} {
		got, err := source(t, tt.storage).Keys(tt.ctx, tt.kid)
		if len(got) != tt.found || !errors.Is(err, tt.want) {
			t.Errorf("Keys(%s) = %d keys, %v, want %d, %v", tt.name, len(got), err, tt.found, tt.want)
		}
		if tt.want == jwks.ErrUnavailable && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
			t.Errorf("Keys(%s) error = %v, which looks like the caller's context", tt.name, err)
		}
	}
}

// A fetch that KeyRead makes for an unknown kid is of use.
type fetching struct{ *jwkset.MemoryJWKSet }

func (f fetching) KeyReadAll(context.Context) ([]jwkset.JWK, error) { return nil, nil }

func TestSource_readFetches(t *testing.T) {
	t.Parallel()
	s := newSigner("1", jwt.SigningMethodES256)
	storage := fetching{memory(t, jwk(t, s.key.Public(), jwkset.JWKMetadataOptions{KID: "1"}))}
	if got, err := source(t, storage).Keys(t.Context(), "1"); len(got) != 1 || err != nil {
		t.Errorf("Keys(1) = %v, %v, want the key that KeyRead found", got, err)
	}
}

// counting counts the times that it was read as a whole.
type counting struct {
	*jwkset.MemoryJWKSet
	readAll atomic.Int64
}

func (c *counting) KeyReadAll(ctx context.Context) ([]jwkset.JWK, error) {
	c.readAll.Add(1)
	return c.MemoryJWKSet.KeyReadAll(ctx)
}

// However many tokens come, the storage is read as a whole once a second, and
// once more for a key that is new.
func TestSource_readsOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		public := newSigner("1", jwt.SigningMethodES256).key.Public()
		encryption := jwk(t, public, jwkset.JWKMetadataOptions{KID: "enc", USE: "enc"})
		storage := &counting{MemoryJWKSet: memory(t, jwk(t, public, jwkset.JWKMetadataOptions{KID: "1"}), encryption)}
		keys := source(t, storage)
		find := func(kid string, want int, reads int64) {
			t.Helper()
			for range 100 {
				if got, err := keys.Keys(t.Context(), kid); len(got) != want || err != nil {
					t.Fatalf("Keys(%q) = %v, %v, want %d", kid, got, err, want)
				}
			}
			if got := storage.readAll.Load(); got != reads {
				t.Errorf("after Keys(%q) the storage was read %d times, want %d", kid, got, reads)
			}
		}
		find("1", 1, 1)
		find("unknown", 0, 1)
		find("enc", 0, 1)
		find("", 1, 1)
		for range 2 { // two of one kid
			if err := storage.KeyWrite(t.Context(), jwk(t, public, jwkset.JWKMetadataOptions{KID: "2"})); err != nil {
				t.Fatal(err)
			}
		}
		find("2", 2, 2)
		if _, err := storage.KeyDelete(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second - 1)
		find("1", 1, 2)
		time.Sleep(time.Nanosecond)
		find("1", 0, 3)
	})
}

// The cost of a token doesn't depend on the number of keys.
func BenchmarkSource(b *testing.B) {
	for _, n := range []int{1, 500} {
		b.Run(fmt.Sprint(n, " keys"), func(b *testing.B) {
			m := jwkset.NewMemoryStorage()
			for i := range n {
				k, err := jwkset.NewJWKFromKey(&rsaKey().PublicKey, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: fmt.Sprint(i)}})
				if err != nil {
					b.Fatal(err)
				}
				if err := m.KeyWrite(b.Context(), k); err != nil {
					b.Fatal(err)
				}
			}
			k, err := keyfunc.New(keyfunc.Options{Storage: m})
			if err != nil {
				b.Fatal(err)
			}
			keys, err := keyfuncjwks.Source(k)
			if err != nil {
				b.Fatal(err)
			}
			kid := fmt.Sprint(n - 1)
			b.ReportAllocs()
			for b.Loop() {
				if got, err := keys.Keys(b.Context(), kid); len(got) != 1 || err != nil {
					b.Fatal(got, err)
				}
			}
		})
	}
}

func TestSource_nil(t *testing.T) {
	t.Parallel()
	if s, err := keyfuncjwks.Source(nil); err == nil {
		t.Errorf("Source(nil) = %v, want an error", s)
	}
	if s, err := keyfuncjwks.Source(withoutStorage{}); err == nil {
		t.Errorf("Source(without a storage) = %v, want an error", s)
	}
}

type theirs interface{ keyfunc.Keyfunc }

type withoutStorage struct{ theirs }

func (withoutStorage) Storage() jwkset.Storage { return nil }

// A validator over a keyfunc that was there before: real tokens, and the codes
// of a refusal.
func TestSource_validator(t *testing.T) {
	t.Parallel()
	const issuer, audience = "https://issuer.example/", "https://api.example.com"
	one, twin := newSigner("1", jwt.SigningMethodES256), newSigner("1", jwt.SigningMethodEdDSA)
	k, err := keyfunc.NewJWKSetJSON([]byte(keySet(t, one, twin)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyfuncjwks.Source(k)
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New(validator.Config{
		Issuers:    []string{issuer},
		Audiences:  []string{audience},
		Algorithms: []validator.Algorithm{validator.ES256, validator.EdDSA},
		Keys:       keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(s signer, kid any) string {
		token := jwt.NewWithClaims(s.method, jwt.MapClaims{"iss": issuer, "aud": audience, "sub": "user", "exp": 4102444800})
		token.Header["kid"] = kid
		signed, err := token.SignedString(s.key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for _, tt := range []struct {
		name, token string
		want        validator.Code
	}{
		{"ES256", sign(one, "1"), ""},
		{"EdDSA of the same kid", sign(twin, "1"), ""},
		{"unknown kid", sign(one, "2"), validator.CodeUnknownKey},
		{"signed by somebody else", sign(newSigner("1", jwt.SigningMethodES256), "1"), validator.CodeSignature},
	} {
		if _, err := v.Validate(t.Context(), tt.token); validator.CodeOf(err) != tt.want {
			t.Errorf("Validate(%s) = %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := v.Validate(t.Context(), strings.Repeat("x", 10)); validator.CodeOf(err) != validator.CodeMalformed {
		t.Errorf("Validate(x) = %v, want %q", err, validator.CodeMalformed)
	}
}
