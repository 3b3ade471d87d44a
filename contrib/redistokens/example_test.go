package redistokens_test

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/contrib/redistokens"
)

// The processes of a service share their tokens.
func Example() {
	store, err := redistokens.New(redistokens.Config{
		Client: redis.NewClient(&redis.Options{Addr: "redis.internal:6379", ContextTimeoutEnabled: true, MaxRetries: -1}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = clientauth.New(clientauth.Config{
		Issuer:    "https://tenant.eu.auth0.com/",
		ClientID:  "orders",
		Auth:      clientauth.ClientSecretPost("secret"),
		Store:     store,
		StoreKeys: [][]byte{[]byte("32 random bytes, kept as a secret")},
	})
	fmt.Println(err)
	// Output: <nil>
}
