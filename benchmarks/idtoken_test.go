package main

import (
	"context"
	"crypto"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// BenchmarkIDToken verifies the ID token of a login: with its nonce by rsguard,
// and without one by go-oidc, which leaves that to its caller. Both have the
// keys already.
func BenchmarkIDToken(b *testing.B) {
	const client, nonce = "web-app", "n-0S6_WzA2Mj"
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://tenant.example.com/"})
	if err != nil {
		b.Fatal(err)
	}
	body, err := iss.KeySet()
	if err != nil {
		b.Fatal(err)
	}
	keys, err := jwks.Parse(body)
	if err != nil {
		b.Fatal(err)
	}
	token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{
		"aud": client, "nonce": nonce, "sid": "s1", "auth_time": time.Now(), "email": "alice@example.com", "name": "Alice",
	}})
	if err != nil {
		b.Fatal(err)
	}
	ours, err := idtoken.New(idtoken.Config{Issuers: []string{iss.URL}, ClientID: client, Keys: keys})
	if err != nil {
		b.Fatal(err)
	}
	public := make([]crypto.PublicKey, 0, len(keys))
	for _, key := range keys {
		public = append(public, key.Public)
	}
	theirs := oidc.NewVerifier(iss.URL, &oidc.StaticKeySet{PublicKeys: public}, &oidc.Config{ClientID: client})
	for _, bb := range []struct {
		name   string
		verify func(context.Context) error
	}{
		{"rsguard", func(ctx context.Context) error {
			_, err := ours.Verify(ctx, token, idtoken.Expected{Nonce: nonce})
			return err
		}},
		{"go-oidc", func(ctx context.Context) error {
			_, err := theirs.Verify(ctx, token)
			return err
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bb.verify(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
