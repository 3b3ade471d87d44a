package validator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// For an issuer without discovery, or with other settings of the cache, name
// the key set.
func ExampleConfig_keys() {
	iss, err := mockissuer.Start(mockissuer.Config{}) // in the place of an issuer
	if err != nil {
		log.Fatal(err)
	}
	defer iss.Close()

	keys, err := jwks.NewCache(jwks.Config{
		Issuer:   iss.URL,
		URL:      iss.URL + ".well-known/jwks.json",
		MaxStale: time.Hour, // ride out an outage of an hour
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	v, err := validator.New(validator.Config{
		Issuers:   []string{iss.URL},
		Audiences: []string{"https://api.example.com"},
		Keys:      keys,
	})
	if err != nil {
		log.Fatal(err)
	}

	token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"sub": "anna"}})
	if err != nil {
		log.Fatal(err)
	}
	claims, err := v.Validate(context.Background(), token)
	fmt.Println(claims.Subject, err)
	fmt.Println(keys.Status().State, "after", iss.KeyFetches(), "fetch")
	// Output:
	// anna <nil>
	// FRESH after 1 fetch
}

// For an issuer that signs with HS256. A secret excludes public keys.
func ExampleConfig_secret() {
	secret := []byte("0123456789abcdef0123456789abcdef") // from the environment, and random, in a service
	v, err := validator.New(validator.Config{
		Issuers:   []string{"https://login.example.com"},
		Audiences: []string{"https://api.example.com"},
		Secret:    secret,
		Now:       func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		log.Fatal(err)
	}

	// What the issuer does.
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		encode([]byte(`{"iss":"https://login.example.com","aud":"https://api.example.com","sub":"anna","exp":1800000060}`))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))

	claims, err := v.Validate(context.Background(), signed+"."+encode(mac.Sum(nil)))
	fmt.Println(claims.Subject, err)
	_, err = v.Validate(context.Background(), signed+"."+encode(make([]byte, sha256.Size)))
	fmt.Println(validator.CodeOf(err))
	// Output:
	// anna <nil>
	// invalid_signature
}

// A secret that can be guessed is found by trying, from a single token.
func ExampleConfig_secret_incorrect() {
	_, err := validator.New(validator.Config{
		Issuers:   []string{"https://login.example.com"},
		Audiences: []string{"https://api.example.com"},
		Secret:    []byte("too short"),
	})
	fmt.Println(err)
	// Output: validator: Config.Secret has 9 bytes; HS256 needs at least 32
}
