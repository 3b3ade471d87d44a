package testutil

import (
	"maps"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An Issuer is a [mockissuer.Issuer] for one test. Its errors fail the test. It
// is safe for concurrent use.
type Issuer struct {
	*mockissuer.Issuer

	tb      testing.TB
	sockets bool

	mu       sync.Mutex
	audience string
}

// NewIssuer starts an issuer that is closed when the test ends. Its
// configuration is [mockissuer.Demo] by default. More than one configuration
// fails the test.
//
// By default it listens on a loopback port and is named after it. If the
// configuration has a URL, the issuer has that name, uses no socket, and is
// reached through its [mockissuer.Issuer.Client]. A test in a
// [testing/synctest] bubble needs that.
//
// Keys are made when they are first needed. When the test ends, the issuer's
// RSA keys may be used by later issuers of the process. Two issuers that exist
// at the same time never have the same key.
func NewIssuer(tb testing.TB, config ...mockissuer.Config) *Issuer {
	tb.Helper()

	cfg := mockissuer.Demo()
	switch {
	case len(config) == 1:
		cfg = config[0]
	case len(config) > 1:
		tb.Fatalf("testutil.NewIssuer: %d configurations, want one at most", len(config))
	}

	open := mockissuer.Start
	if cfg.URL != "" {
		open = mockissuer.New
	}
	iss, err := open(cfg)
	if err != nil {
		tb.Fatalf("testutil.NewIssuer: %v", err)
	}
	tb.Cleanup(func() { _ = iss.Close() })
	return &Issuer{Issuer: iss, tb: tb, sockets: cfg.URL == "", audience: mockissuer.DefaultAudience}
}

// Config returns a configuration that accepts the issuer's tokens for audience,
// from all its domains and with all its algorithms. It uses the issuer's clock
// and finds the keys by discovery. [Issuer.Token] makes tokens for this
// audience from now on.
func (iss *Issuer) Config(audience string) validator.Config {
	iss.tb.Helper()
	iss.mu.Lock()
	iss.audience = audience
	iss.mu.Unlock()

	cfg := validator.Config{
		Issuers:   iss.Domains(),
		Audiences: []string{audience},
		Now:       iss.Now,
	}
	for _, alg := range iss.Algorithms() {
		cfg.Algorithms = append(cfg.Algorithms, validator.Algorithm(alg))
	}
	if iss.sockets {
		return cfg
	}

	cache, err := jwks.NewCache(jwks.Config{Issuer: iss.URL, Client: iss.Client(), Now: iss.Now})
	if err != nil {
		iss.tb.Fatalf("testutil.Issuer.Config: %v", err)
	}
	cfg.Keys = cache
	return cfg
}

// Token returns a token with these claims and defaults for the others: iss, sub
// "auth0|user", aud, iat now, and exp an hour from now. The default of aud is
// the audience of the last [Issuer.Config], or "https://api.example.com" if
// there was none. A claim that is nil is left out, and a [time.Time] becomes a
// NumericDate. For another algorithm, key or header use [Issuer.Sign].
func (iss *Issuer) Token(claims Claims) string {
	iss.tb.Helper()
	return iss.Sign(mockissuer.Token{Claims: claims})
}

// OpaqueToken returns a token without content, for which the issuer's
// introspection endpoint answers with these claims and the defaults of
// [Issuer.Token]. See [mockissuer.Issuer.Opaque]. The endpoint fails as
// [mockissuer.Issuer.Fail] says for [mockissuer.EndpointIntrospection].
func (iss *Issuer) OpaqueToken(claims Claims) string {
	iss.tb.Helper()

	all := map[string]any{"aud": iss.lastAudience()}
	maps.Copy(all, claims)
	token, err := iss.Opaque(mockissuer.Token{Claims: all})
	if err != nil {
		iss.tb.Fatalf("testutil.Issuer.OpaqueToken: %v", err)
	}
	return token
}

// Sign is [mockissuer.Issuer.Sign] with the audience of the last
// [Issuer.Config]. An error fails the test.
func (iss *Issuer) Sign(t mockissuer.Token) string {
	iss.tb.Helper()

	claims := map[string]any{"aud": iss.lastAudience()}
	maps.Copy(claims, t.Claims)
	t.Claims = claims
	token, err := iss.Issuer.Sign(t)
	if err != nil {
		iss.tb.Fatalf("testutil.Issuer.Sign: %v", err)
	}
	return token
}

// RotateKey is [mockissuer.Issuer.RotateKey]. An error fails the test.
//
// A Validator of [Issuer.Config] fetches the keys again at the first token that
// the new key has signed, unless it has just fetched them for a key that is not
// there. To rotate after that, call Advance(2*jwks.DefaultUnknownKeyInterval).
// A retired key is rejected after Advance(jwks.DefaultMinTTL).
func (iss *Issuer) RotateKey(steps ...mockissuer.Rotation) (kid string) {
	iss.tb.Helper()

	kid, err := iss.Issuer.RotateKey(steps...)
	if err != nil {
		iss.tb.Fatalf("testutil.Issuer.RotateKey: %v", err)
	}
	return kid
}

// SetDown is [mockissuer.Issuer.SetDown].
//
// A Validator of [Issuer.Config] that has keys serves them while the issuer is
// down, and rejects tokens with [validator.CodeUnavailable] after
// Advance(jwks.DefaultMinTTL+jwks.DefaultMaxStale). One that has never had keys
// rejects tokens with that code at once. When the issuer is up again, a
// Validator without keys that may be served, or with a token of a new key,
// fetches them after Advance(time.Minute) at the latest.
func (iss *Issuer) SetDown(down bool) { iss.Issuer.SetDown(down) }

func (iss *Issuer) lastAudience() string {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.audience
}

// BadTokens returns tokens for the audience of the last [Issuer.Config] that a
// resource server must reject, each with its reason. See
// [mockissuer.Issuer.BadTokens]. An error fails tb.
func (iss *Issuer) BadTokens(tb testing.TB) []mockissuer.BadToken {
	tb.Helper()

	list, err := iss.Issuer.BadTokens(iss.lastAudience())
	if err != nil {
		tb.Fatalf("testutil.Issuer.BadTokens: %v", err)
	}
	return list
}
