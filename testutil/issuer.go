package testutil

import (
	"maps"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An Issuer is a [mockissuer.Issuer] for one test: what goes wrong with it
// fails the test. It is safe for concurrent use.
type Issuer struct {
	*mockissuer.Issuer

	tb      testing.TB
	sockets bool

	mu       sync.Mutex
	audience string
}

// NewIssuer starts an issuer that lives as long as the test. Without a
// configuration it is [mockissuer.Demo]; more than one configuration fails the
// test.
//
// It listens on a loopback port and is named after it, unless the configuration
// has a URL: then it answers by that name through its
// [mockissuer.Issuer.Client] and uses no socket, as a test in a
// [testing/synctest] bubble needs it.
//
// Keys are made when they are first needed, and RSA keys are lent to the next
// issuer of the process when the test ends; two issuers that live at the same
// time never have the same key.
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

// Config returns a configuration that accepts the issuer's tokens for audience:
// those of all its domains and algorithms, by its clock, with its keys by
// discovery. [Issuer.Token] makes its tokens for this audience from now on.
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

// Token returns a token with these claims beside the usual ones: iss, sub
// "auth0|user", aud (that of the last [Issuer.Config], or else
// "https://api.example.com"), iat now, and exp an hour from now. A claim that
// is nil is left out, and a [time.Time] becomes a NumericDate. For another
// algorithm, key or header use [Issuer.Sign].
func (iss *Issuer) Token(claims Claims) string {
	iss.tb.Helper()
	return iss.Sign(mockissuer.Token{Claims: claims})
}

// Sign is [mockissuer.Issuer.Sign] with the audience of the last
// [Issuer.Config], for a test that wants no error.
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

// RotateKey is [mockissuer.Issuer.RotateKey] for a test that wants no error.
//
// A Validator of [Issuer.Config] fetches the new key for the first token that
// it signed, if it hasn't fetched one for an unknown key within
// [jwks.DefaultUnknownKeyInterval]. To rotate more often than that, call
// Advance(jwks.DefaultUnknownKeyInterval) in between. A key that is gone stays
// accepted until the next fetch: that of the first new token, or of any token
// after Advance(jwks.DefaultMinTTL).
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
// Advance(jwks.DefaultMinTTL+jwks.DefaultMaxStale). One that has never had any
// rejects them at once. Once the issuer is back, either fetches keys again
// after Advance(time.Minute), the longest time that it waits after a failure.
// A key that was rotated meanwhile is known by then too.
func (iss *Issuer) SetDown(down bool) { iss.Issuer.SetDown(down) }

func (iss *Issuer) lastAudience() string {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.audience
}

// BadTokens returns tokens for the audience of the last [Issuer.Config] that a
// resource server must refuse, each with its reason: see
// [mockissuer.Issuer.BadTokens]. It fails tb if they cannot be made.
func (iss *Issuer) BadTokens(tb testing.TB) []mockissuer.BadToken {
	tb.Helper()

	list, err := iss.Issuer.BadTokens(iss.lastAudience())
	if err != nil {
		tb.Fatalf("testutil.Issuer.BadTokens: %v", err)
	}
	return list
}
