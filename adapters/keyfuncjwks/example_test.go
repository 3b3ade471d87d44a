package keyfuncjwks_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/adapters/keyfuncjwks"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// exampleKey signs in the place of an issuer.
var exampleKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

func exampleToken() string {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": "https://issuer.example/",
		"aud": "https://api.example.com",
		"sub": "user",
		"exp": time.Now().Add(time.Hour).Unix(),
	})
	token.Header["kid"] = "1"
	signed, err := token.SignedString(exampleKey)
	if err != nil {
		panic(err)
	}
	return signed
}

// Code on golang-jwt takes its keys from rsguard. With echo-jwt it is the same
// function:
//
//	e.Use(echojwt.WithConfig(echojwt.Config{KeyFunc: keys.Keyfunc}))
func ExampleNew() {
	// A service uses a Cache with the issuer's URL, made by jwks.NewCache.
	source := jwks.Set{{ID: "1", Public: exampleKey.Public()}}

	keys, err := keyfuncjwks.New(source) // was: keyfunc.NewDefault([]string{"https://issuer.example/.well-known/jwks.json"})
	if err != nil {
		panic(err)
	}
	token, err := jwt.Parse(exampleToken(), keys.Keyfunc,
		jwt.WithValidMethods([]string{"EdDSA"}),
		jwt.WithIssuer("https://issuer.example/"),
		jwt.WithAudience("https://api.example.com"),
		jwt.WithExpirationRequired())
	if err != nil {
		panic(err)
	}
	subject, _ := token.Claims.GetSubject()
	fmt.Println(subject)
	// Output: user
}

// A service that has a keyfunc.Keyfunc moves to a validator first, and to a
// Cache later.
func ExampleSource() {
	existing, err := keyfunc.NewJWKSetJSON(json.RawMessage(
		`{"keys":[{"kid":"1","kty":"OKP","crv":"Ed25519","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}]}`))
	if err != nil {
		panic(err)
	}

	keys, err := keyfuncjwks.Source(existing)
	if err != nil {
		panic(err)
	}
	v, err := validator.New(validator.Config{
		Issuers:    []string{"https://issuer.example/"},
		Audiences:  []string{"https://api.example.com"},
		Algorithms: []validator.Algorithm{validator.EdDSA},
		Keys:       keys,
	})
	if err != nil {
		panic(err)
	}
	claims, err := v.Validate(context.Background(), exampleToken())
	if err != nil {
		panic(err)
	}
	fmt.Println(claims.Subject)
	// Output: user
}
