package validator_test

import (
	"fmt"
	"log"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// For an issuer without discovery, or with other settings of the cache, name
// the key set.
func ExampleConfig_keys() {
	keys, err := jwks.NewCache(jwks.Config{
		Issuer:   "https://login.example.com",
		URL:      "https://login.example.com/keys",
		MaxStale: time.Hour, // ride out an outage of an hour
	})
	if err != nil {
		log.Fatal(err)
	}
	v, err := validator.New(validator.Config{
		Issuers:   []string{"https://login.example.com"},
		Audiences: []string{"https://api.example.com"},
		Keys:      keys,
	})
	fmt.Println(v.Issuers(), err)
	// Output: [https://login.example.com] <nil>
}

// For an issuer that signs with HS256. A secret excludes public keys.
func ExampleConfig_secret() {
	_, err := validator.New(validator.Config{
		Issuers:   []string{"https://login.example.com"},
		Audiences: []string{"https://api.example.com"},
		Secret:    []byte("too short"),
	})
	fmt.Println(err)
	// Output: validator: Config.Secret has 9 bytes; HS256 needs at least 32
}
